using System.Globalization;
using System.Text.Json;
using CsCheck;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Cli.Tests;

public sealed class RepriceTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task With_what_is_known_now_the_whole_ledger_adds_up_to_what_was_booked()
    {
        await Book([.. RepricerTests.Rows.Array[400].Single().Select((row, i) => row with { Id = $"row {i}" })]);

        var run = (await Run("reprice", "--by", "provider", "--known-at", "2026-11-22", "--json")).Json;
        var (total, booked) = (run.GetProperty("total"), (await Run("report", "--json")).Json.GetProperty("total"));

        Assert.Equal((0m, 0), (Difference(total), total.GetProperty("changed").GetInt64()));
        Assert.Equal(total.GetProperty("booked").GetRawText(), total.GetProperty("repriced").GetRawText());
        Assert.All(
            new[] { "spent_nanos", "low_nanos", "high_nanos", "unpriced" },
            field => Assert.Equal(booked.GetProperty(field).GetInt64(), total.GetProperty("booked").GetProperty(field).GetInt64()));
        Assert.Equal(total.GetProperty("booked").GetProperty("spent_nanos").GetInt64(), run.GetProperty("groups").EnumerateArray().Sum(group => group.GetProperty("booked").GetProperty("spent_nanos").GetInt64()));
    }

    [Fact]
    public async Task A_price_that_was_edited_shows_beside_what_was_booked_and_moves_nothing()
    {
        Prices("""{"input":"1","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z"), Call("2026-11-02T10:00:00Z"));
        Prices("""{"input":"1","output":"1"},{"effective_from":"2026-11-02","input":"1.5","output":"1"}""");
        await Book(Call("2026-11-01T11:00:00Z"), Call("2026-11-02T11:00:00Z"));
        var (export, report) = (await Run("export"), await Run("report", "--json"));

        var total = (await Run("reprice", "--json")).Json.GetProperty("total");

        Assert.Equal((4.5m, 5m, 0.5m, 11.11m), (Usd(total, "booked"), Usd(total, "repriced"), Difference(total), total.GetProperty("difference_percent").GetDecimal()));
        Assert.Equal((4, 1), (total.GetProperty("calls").GetInt64(), total.GetProperty("changed").GetInt64()));
        Assert.Equal((export, report), (await Run("export"), await Run("report", "--json")));
    }

    [Theory]
    [InlineData("2026-11-14T23:59:59Z", 2)]
    [InlineData("2026-11-15", 6)]
    public async Task What_was_known_then_gives_what_was_booked_then(string knownAt, int dollars)
    {
        Prices("""{"input":"1","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z"), Call("2026-11-02T10:00:00Z"));
        Prices("""{"input":"1","output":"1"},{"known_from":"2026-11-15","input":"3","output":"1"}""");

        var run = await Run("reprice", "--as-known-at", knownAt, "--json");

        Assert.Equal((2m, (decimal)dollars), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal(run, await Run("reprice", "--known-at", knownAt, "--json"));
    }

    [Theory]
    [InlineData("2026-05-31", 3.0)]
    [InlineData("2026-06-01", 30.0)]
    [InlineData("2026-06-01T23:30:00-02:00", 30.0)]
    public async Task Prices_of_another_day_hold_at_the_time_of_day_of_each_call(string day, double dollars)
    {
        const string OffPeak = "\"windows\":[{\"from\":\"16:30\",\"until\":\"00:30\",\"input\":\"{0}\"}]";
        Prices("{\"input\":\"2\",\"output\":\"1\"," + OffPeak.Replace("{0}", "1", StringComparison.Ordinal) + "},"
            + "{\"effective_from\":\"2026-06-01\",\"input\":\"20\",\"output\":\"1\"," + OffPeak.Replace("{0}", "10", StringComparison.Ordinal) + "}");
        await Book(Call("2026-11-01T10:00:00Z"), Call("2026-11-02T18:00:00Z"));

        var run = await Run("reprice", "--as-effective-at", day, "--json");

        Assert.Equal((30m, (decimal)dollars), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal(run, await Run("reprice", "--as-of", day, "--json"));
    }

    [Fact]
    public async Task A_call_that_had_no_price_and_has_one_now_shows_as_such()
    {
        await Book(Call("2026-11-01T10:00:00Z"), Call("2026-11-01T11:00:00Z"));
        Prices("""{"input":"2","output":"1"}""");

        var run = await Run("reprice", "--json");
        var total = run.Json.GetProperty("total");

        Assert.Equal((0m, 4m, 4m, JsonValueKind.Null), (Usd(run, "booked"), Usd(run, "repriced"), Difference(total), total.GetProperty("difference_percent").ValueKind));
        Assert.Equal((2, 0), (Unpriced(run, "booked"), Unpriced(run, "repriced")));
        Assert.Equal((2, 4_000_000_000), Rows(total, "now_priced"));
        Assert.Contains("2 calls had no price when booked and cost $4.00 now; that is part of the difference.", (await Run("reprice")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_has_no_price_by_what_was_known_is_unpriced_and_not_free()
    {
        Prices("""{"known_from":"2026-10-01","input":"2","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z"));

        var run = await Run("reprice", "--as-known-at", "2026-09-30", "--json");

        Assert.Equal((0, 1), (Unpriced(run, "booked"), Unpriced(run, "repriced")));
        Assert.Equal((1, 2_000_000_000), Rows(run.Json.GetProperty("total"), "no_longer_priced"));
        var text = (await Run("reprice", "--as-known-at", "2026-09-30")).Output;
        Assert.Contains(">= $0.00", text, StringComparison.Ordinal);
        Assert.Contains("1 call, booked at $2.00, has no price here", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hit_stays_free()
    {
        Prices("""{"input":"2","output":"1"}""");
        await Book(SampleHome.Hit("2026-11-01T10:00:00Z", 3m, "m") with { Provider = "acme" });

        var run = await Run("reprice", "--json");

        Assert.Equal((0m, 0m), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal(0, run.Json.GetProperty("total").GetProperty("changed").GetInt64());
    }

    [Fact]
    public async Task What_the_provider_itself_said_stays_and_is_counted_apart()
    {
        Prices("""{"input":"2","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z") with { Cost = Given(7m), Flags = "clamped,provider_cost" }, Call("2026-11-01T11:00:00Z"));

        var run = await Run("reprice", "--json");

        Assert.Equal((9m, 9m), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal((1, 7_000_000_000), Rows(run.Json.GetProperty("total").GetProperty("kept"), "provider_cost"));
        Assert.Contains("1 call keeps the $7.00 that the provider itself reported.", (await Run("reprice")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_price_set_in_code_stays_because_only_the_application_knows_it()
    {
        await Book(options => options.Prices.Add(new ModelPrice("m") { InputPerMillion = 5m, OutputPerMillion = 5m }), Call("2026-11-01T10:00:00Z"));
        Prices("""{"input":"2","output":"1"}""");

        var run = await Run("reprice", "--json");

        Assert.Equal((5m, 5m), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal((1, 5_000_000_000), Rows(run.Json.GetProperty("total").GetProperty("kept"), "price_in_code"));
    }

    [Fact]
    public async Task A_cost_that_was_given_and_not_computed_stays()
    {
        Prices("""{"input":"2","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z") with { Cost = Given(7m) });

        var run = await Run("reprice", "--json");

        Assert.Equal((7m, 7m), (Usd(run, "booked"), Usd(run, "repriced")));
        Assert.Equal((1, 7_000_000_000), Rows(run.Json.GetProperty("total").GetProperty("kept"), "not_from_counts"));
    }

    [Fact]
    public async Task An_estimate_stays_one_and_its_ends_keep_their_distance()
    {
        Prices("""{"input":"2","output":"1"}""");
        var book = Prices();
        await Book(Call("2026-11-01T10:00:00Z") with
        {
            UsageSource = "estimate",
            Cost = CallCost.Between(Money.FromUsd(0.5m), Money.FromUsd(2m), "cut") with { Usage = Million, PriceRevision = book.Price(Query("2026-11-01")).Cost.PriceRevision },
        });

        var same = (await Run("reprice", "--json")).Json.GetProperty("total");
        Prices("""{"input":"6","output":"1"}""");
        var dearer = (await Run("reprice", "--json")).Json.GetProperty("total");

        Assert.Equal((500_000_000, 2_000_000_000), Ends(same, "repriced"));
        Assert.Equal((500_000_000, 2_000_000_000), Ends(dearer, "booked"));
        Assert.Equal((1_500_000_000, 6_000_000_000), Ends(dearer, "repriced"));
    }

    [Fact]
    public async Task What_a_budget_had_held_for_want_of_a_price_becomes_the_price_when_there_is_one()
    {
        await Book(Call("2026-11-01T10:00:00Z") with { Flags = "held_amount", Cost = CallCost.Between(Money.Zero, Money.FromUsd(9m)) with { Usage = Million } });
        var without = await Run("reprice", "--json");
        Prices("""{"input":"2","output":"1"}""");
        var with = await Run("reprice", "--json");

        Assert.Equal((9m, 9m), (Usd(without, "booked"), Usd(without, "repriced")));
        Assert.Equal((9m, 2m), (Usd(with, "booked"), Usd(with, "repriced")));
    }

    [Fact]
    public async Task Another_currency_is_converted_at_the_rate_that_the_row_keeps()
    {
        Prices("""{"input":"14.4","output":"1"}""", "\"currency\":\"CNY\",");
        await Book(Call("2026-11-01T10:00:00Z"));
        Prices("""{"input":"28.8","output":"1"}""", "\"currency\":\"CNY\",");

        var run = await CliRun.WithEnvironment(new() { ["LLMCOSTCACHE_FX"] = """{"CNY":"1"}""" }, "", "reprice", "--json", "--home", _home.Path);

        Assert.Equal((2m, 4m), (Usd(run, "booked"), Usd(run, "repriced")));
    }

    [Fact]
    public async Task Groups_stand_side_by_side_and_filters_choose_the_rows()
    {
        Prices("""{"input":"1","output":"1"}""");
        await Book(Call("2026-11-01T10:00:00Z", "alice"), Call("2026-11-02T10:00:00Z", "bob"), Call("2026-11-02T11:00:00Z"));
        Prices("""{"input":"0.5","output":"1"}""");

        var byUser = (await Run("reprice", "--by", "user", "--json")).Json;
        var bob = (await Run("reprice", "--by", "day", "--user", "bob", "--json")).Json;
        var table = (await Run("reprice", "--by", "user")).Lines;

        Assert.Equal(("reprice/1", "user"), (byUser.GetProperty("schema").GetString(), byUser.GetProperty("by").GetString()));
        Assert.Equal(["alice", "bob", null], byUser.GetProperty("groups").EnumerateArray().Select(group => group.GetProperty("key").GetString()));
        Assert.All(byUser.GetProperty("groups").EnumerateArray(), group => Assert.Equal((1m, 0.5m), (Usd(group, "booked"), Usd(group, "repriced"))));
        Assert.Equal("2026-11-02", Assert.Single(bob.GetProperty("groups").EnumerateArray()).GetProperty("key").GetString());
        Assert.Equal(["user", "booked", "repriced", "difference", "percent", "calls", "changed", "unpriced", "now", "unpriced"], Words(table[0]));
        Assert.Equal(["(none)", "$1.00", "$0.50", "-$0.50", "-50.00%", "1", "1", "0", "0"], Words(table[3]));
        Assert.Equal(["total", "$3.00", "$1.50", "-$1.50", "-50.00%", "3", "3", "0", "0"], Words(table[4]));
        Assert.Equal("Prices in effect when each call was made, as known now. The ledger was not changed.", table[5]);
    }

    [Fact]
    public async Task A_home_without_a_ledger_is_a_beginning_and_no_error()
    {
        var (text, json) = (await Run("reprice"), await Run("reprice", "--json"));

        Assert.Equal((0, $"no calls recorded yet in {_home.Path}"), (text.Code, text.Output.Trim()));
        Assert.Equal((0, 0), (json.Code, json.Json.GetProperty("total").GetProperty("calls").GetInt64()));
    }

    [Theory]
    [InlineData("--as-effective-at")]
    [InlineData("--as-known-at")]
    public async Task A_time_that_is_none_is_wrong_usage_that_names_the_option(string option)
    {
        var run = await Run("reprice", option, "last week");

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains($"{option} 'last week' is not a time like", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_discount_that_the_application_sets_in_code_stays_as_booked()
    {
        Prices("""{"input":"1","output":"1"}""");
        await BookPriced(new() { PriceAdjustments = { new() { Provider = "acme", Discount = 0.1m } } });

        var total = (await Run("reprice", "--json")).Json.GetProperty("total");

        Assert.Equal((0.9m, 0.9m, 0), (Usd(total, "booked"), Usd(total, "repriced"), total.GetProperty("changed").GetInt64()));
        Assert.Equal((1L, 900_000_000L), Rows(total.GetProperty("kept"), "price_in_code"));
    }

    [Fact]
    public async Task A_discount_of_the_price_file_holds_for_the_new_price_too()
    {
        const string Discount = "\"adjustments\":[{\"provider\":\"acme\",\"discount\":\"0.1\"}],";
        Prices("""{"input":"1","output":"1"}""", Discount);
        await BookPriced(new());
        Prices("""{"input":"2","output":"1"}""", Discount);

        var total = (await Run("reprice", "--json")).Json.GetProperty("total");

        Assert.Equal((0.9m, 1.8m, 1), (Usd(total, "booked"), Usd(total, "repriced"), total.GetProperty("changed").GetInt64()));
    }

    [Fact]
    public async Task A_price_with_steps_stays_as_booked_until_it_changes_and_then_has_two_ends()
    {
        const string Steps = "\"volume\":{\"steps\":[{\"above_requests\":10,\"input\":\"0.5\"}]}";
        Prices($$"""{"input":"1","output":"1",{{Steps}}}""");
        await BookPriced(new(), requestsBefore: 10);
        var same = (await Run("reprice", "--json")).Json.GetProperty("total");
        Prices($$"""{"input":"3","output":"1",{{Steps}}}""");
        var other = (await Run("reprice", "--json")).Json.GetProperty("total");

        Assert.Equal((500_000_000L, 500_000_000L), Ends(same, "repriced"));
        Assert.Equal((500_000_000L, 3_000_000_000L), Ends(other, "repriced"));
    }

    [Fact]
    public async Task Whoever_waits_is_told_how_far_it_is()
    {
        await Book([.. Enumerable.Range(0, 3_000).Select(i => Call("2026-11-01T10:00:00Z") with { Id = $"row {i}" })]);
        Assert.True(LedgerView.TryOpen(_home.Path, TimeProvider.System, out var view));
        await using (view)
        {
            var (said, clock) = (new StringWriter(), new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(1.5) });
            var host = new CliHost { Input = Stream.Null, Output = Stream.Null, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = said, Time = clock };
            using var progress = new Rendering.Progress(host, "pricing calls again");
            view.RowsRead = progress.Add;
            await new RepricingRun(new Repricer(Prices()), null).ReadAsync(view, LedgerFilter.All, CancellationToken.None);

            Assert.Equal(["llmcost: pricing calls again, 1,000 so far (3 s)", "llmcost: pricing calls again, 2,000 so far (6 s)"], said.ToString().Split(Environment.NewLine)[..2]);
        }
    }

    private Task BookPriced(LlmCostsOptions options, long? requestsBefore = null)
    {
        var priced = PriceBook.Load(options, _home.Path, _ => null).Price(Query("2026-11-01") with { RequestsBefore = requestsBefore });
        return Book(Call("2026-11-01T10:00:00Z") with { Cost = priced.Cost, Currency = "USD", NativeCost = priced.NativeCost });
    }

    private static TokenUsage Million { get; } = new() { UncachedInputTokens = 1_000_000, Requests = 1 };

    private static UsageRecord Call(string at, string? user = null) => SampleHome.Call(at, 0m, "m", user) with { Provider = "acme", Cost = CallCost.Unpriced("not priced yet") with { Usage = Million } };

    private static CallCost Given(decimal usd) => CallCost.Known(Money.FromUsd(usd)) with { Usage = Million };

    private static PriceQuery Query(string at) =>
        new() { Provider = "acme", Model = "m", At = DateTimeOffset.Parse(at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal), Usage = Million };

    private void Prices(string prices, string header = "") =>
        File.WriteAllText(Path.Combine(_home.Path, "prices.json"), $$"""{"provider":"acme",{{header}}"models":[{"id":"m","prices":[{{prices}}]}]}""");

    private PriceBook Prices() => PriceBook.Load(new(), _home.Path, _ => null);

    private Task Book(params UsageRecord[] rows) => Book(_ => { }, rows);

    private async Task Book(Action<LlmCostsOptions> configure, params UsageRecord[] rows)
    {
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = _home.Path;
            configure(options);
        });
        foreach (var row in rows)
        {
            await costs.RecordAsync(row);
        }
    }

    private Task<CliRun> Run(params string[] args) => CliRun.Of([.. args, "--home", _home.Path]);

    private static decimal Usd(CliRun run, string sum) => Usd(run.Json.GetProperty("total"), sum);

    private static decimal Usd(JsonElement total, string sum) => decimal.Parse(total.GetProperty(sum).GetProperty("spent_usd").GetString()!, CultureInfo.InvariantCulture);

    private static decimal Difference(JsonElement total) => decimal.Parse(total.GetProperty("difference_usd").GetString()!, CultureInfo.InvariantCulture);

    private static long Unpriced(CliRun run, string sum) => run.Json.GetProperty("total").GetProperty(sum).GetProperty("unpriced").GetInt64();

    private static (long Calls, long Nanos) Rows(JsonElement total, string name) => (total.GetProperty(name).GetProperty("calls").GetInt64(), total.GetProperty(name).GetProperty("cost_nanos").GetInt64());

    private static (long Low, long High) Ends(JsonElement total, string sum) => (total.GetProperty(sum).GetProperty("low_nanos").GetInt64(), total.GetProperty(sum).GetProperty("high_nanos").GetInt64());

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
