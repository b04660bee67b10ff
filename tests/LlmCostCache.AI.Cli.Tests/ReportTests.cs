using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class ReportTests
{
    private static Task<SampleHome> Sample(Action<LlmCostsOptions>? configure = null) => SampleHome.CreateAsync(
        configure,
        SampleHome.Call("2026-11-22T10:00:00Z", 1.25m, user: "alice"),
        SampleHome.Call("2026-11-22T11:00:00Z", 0.75m, "gpt-4o-mini", user: "bob"),
        SampleHome.Hit("2026-11-22T12:00:00Z", 0.5m),
        SampleHome.Unpriced("2026-11-22T13:00:00Z"),
        SampleHome.Call("2026-11-17T23:30:00Z", 3m, user: "alice"),
        SampleHome.Call("2026-11-02T09:00:00Z", 4m),
        SampleHome.Call("2026-09-30T09:00:00Z", 100m));

    [Fact]
    public async Task Bare_llmcost_shows_today_this_week_and_this_month()
    {
        using var home = await Sample();

        var run = await CliRun.Of("--home", home.Path);

        Assert.Equal(
            [
                "spent saved calls hit rate input cached output unpriced",
                "today >= $2.00 $0.50 4 25.0% 2,001 400 120 1",
                "this week >= $5.00 $0.50 5 20.0% 3,001 600 180 1",
                "this month >= $9.00 $0.50 6 16.7% 4,001 800 240 1",
                "Spent this month >= $9.00, 1 call unpriced.",
                "models this month spent share saved calls",
                "gpt-4o $8.25 91.7% $0.50 4",
                "gpt-4o-mini $0.75 8.3% $0.00 1",
                "no-such-model >= $0.00 0.0% $0.00 1",
            ],
            run.Lines.Select(Squeezed));
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Theory]
    [InlineData(0.51, "-$0.01")]
    [InlineData(0.5000005, "> -$0.000001")]
    public async Task A_cache_that_spent_more_than_it_saved_is_shown_as_that(decimal spent, string saved)
    {
        var check = SampleHome.Call("2026-11-22T12:00:00Z", spent);
        using var home = await SampleHome.CreateAsync(null, SampleHome.Hit("2026-11-22T12:00:00Z", 0.5m), check with { Cost = check.Cost with { Saved = Money.FromUsd(-spent) } });

        var overview = await CliRun.Of("--home", home.Path);
        var report = await CliRun.Of("report", "--home", home.Path);
        var json = (await CliRun.Of("--home", home.Path, "--json")).Json;

        Assert.Contains(overview.Lines, line => Squeezed(line).StartsWith("today $", StringComparison.Ordinal) && Squeezed(line).Contains($" {saved} 2 ", StringComparison.Ordinal));
        Assert.Contains("The cache spent more than it saved this month.", overview.Lines);
        Assert.Contains("The cache spent more than it saved.", report.Lines);
        Assert.Equal((long)((0.5m - spent) * 1_000_000_000), json.GetProperty("periods")[0].GetProperty("saved_nanos").GetInt64());
    }

    [Fact]
    public async Task Bare_llmcost_shows_where_the_budgets_stand()
    {
        using var home = await Sample(options =>
        {
            options.Budgets.Add(Budget.Daily(10m));
            options.Budgets.Add(Budget.Monthly(7m).ForUser("alice").Named("a\u001b[31mlice"));
            options.Budgets.Add(Budget.Total(500m));
        });

        var run = await CliRun.Of("--home", home.Path);
        var json = (await CliRun.Of("--home", home.Path, "--json")).Json;

        // Sunday evenings were quiet so far, so the day ends as it is. Alice began on the 17th: her last 24 hours, 1.25, go on for 8 days and 8.5 hours: 4.25 + 10.44.
        Assert.Contains("budget limit spent used reserved left projected resets at", run.Lines.Select(Squeezed));
        Assert.Contains("day $10.00 $2.00 20.0% $0.00 $8.00 ~$2.00 2026-11-23 00:00 +00:00", run.Lines.Select(Squeezed));
        Assert.Contains(@"a\u001b[31mlice $7.00 $4.25 60.7% $0.00 $2.75 ~$14.69 2026-12-01 00:00 +00:00", run.Lines.Select(Squeezed));
        Assert.Contains("total $500.00 $109.00 21.8% $0.00 $391.00 - never", run.Lines.Select(Squeezed));
        var day = json.GetProperty("budgets").EnumerateArray().Single(budget => budget.GetProperty("period").GetString() == "day");
        Assert.Equal((10_000_000_000, 2_000_000_000, 8_000_000_000), (day.GetProperty("limit_nanos").GetInt64(), day.GetProperty("spent_nanos").GetInt64(), day.GetProperty("left_nanos").GetInt64()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("budgets").EnumerateArray().Single(budget => budget.GetProperty("period").GetString() == "total").GetProperty("until").ValueKind);
    }

    [Fact]
    public async Task The_overview_is_json_on_request()
    {
        using var home = await Sample();

        var json = (await CliRun.Of("--json", "--home", home.Path)).Json;

        Assert.Equal("overview/1", json.GetProperty("schema").GetString());
        Assert.Equal(["today", "this_week", "this_month"], json.GetProperty("periods").EnumerateArray().Select(period => period.GetProperty("period").GetString()));
        var today = json.GetProperty("periods")[0];
        Assert.Equal(("2", 2_000_000_000, 500_000_000, 4, 1, 0.25m, 1), (
            today.GetProperty("spent_usd").GetString(), today.GetProperty("spent_nanos").GetInt64(), today.GetProperty("saved_nanos").GetInt64(), today.GetProperty("calls").GetInt64(),
            today.GetProperty("hits").GetInt64(), today.GetProperty("hit_rate").GetDecimal(), today.GetProperty("unpriced").GetInt64()));
        Assert.Equal(("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"), (today.GetProperty("since").GetString(), today.GetProperty("until").GetString()));
    }

    [Fact]
    public async Task Days_are_those_of_the_zone_that_the_application_configured()
    {
        using var home = await SampleHome.CreateAsync(
            options => options.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Pacific/Auckland"),
            SampleHome.Call("2026-11-22T10:59:00Z", 1m),
            SampleHome.Call("2026-11-22T11:00:00Z", 2m));

        var configured = (await CliRun.Of("--home", home.Path, "--json")).Json;
        var chosen = (await CliRun.Of("--home", home.Path, "--json", "--timezone", "UTC")).Json;

        Assert.Equal(("Pacific/Auckland", "2"), (configured.GetProperty("timezone").GetString(), configured.GetProperty("periods")[0].GetProperty("spent_usd").GetString()));
        Assert.Equal(("UTC", "3"), (chosen.GetProperty("timezone").GetString(), chosen.GetProperty("periods")[0].GetProperty("spent_usd").GetString()));
    }

    [Fact]
    public async Task A_report_groups_by_model_unless_told_otherwise()
    {
        using var home = await Sample();

        var run = await CliRun.Of("report", "--home", home.Path, "--since", "2026-11-22");

        Assert.Equal(
            [
                "model spent saved calls hits hit rate tokens per call unpriced",
                "gpt-4o $1.25 $0.50 2 1 50.0% 1,060 $0.625 0",
                "gpt-4o-mini $0.75 $0.00 1 0 0.0% 1,060 $0.75 0",
                "no-such-model >= $0.00 $0.00 1 0 0.0% 1 >= $0.00 1",
                "total >= $2.00 $0.50 4 1 25.0% 2,121 >= $0.50 1",
                "Spent >= $2.00, 1 call unpriced.",
            ],
            run.Lines.Select(Squeezed));
    }

    [Fact]
    public async Task A_report_groups_by_two_dimensions()
    {
        using var home = await Sample();

        var json = (await CliRun.Of("report", "--home", home.Path, "--by", "user", "--then-by", "day", "--since", "2026-11-01", "--json")).Json;

        Assert.Equal(("report/1", "user", "day"), (json.GetProperty("schema").GetString(), json.GetProperty("by").GetString(), json.GetProperty("then_by").GetString()));
        Assert.Equal(
            [("alice", "2026-11-17", "3"), ("alice", "2026-11-22", "1.25"), (null, "2026-11-02", "4"), (null, "2026-11-22", "0"), ("bob", "2026-11-22", "0.75")],
            json.GetProperty("groups").EnumerateArray().Select(group => (group.GetProperty("key").GetString(), group.GetProperty("then_key").GetString()!, group.GetProperty("spent_usd").GetString()!)));
        Assert.Equal("9", json.GetProperty("total").GetProperty("spent_usd").GetString());
    }

    [Theory]
    [InlineData("24h", "2")]
    [InlineData("7d", "5")]
    [InlineData("4w", "9")]
    public async Task The_last_days_end_now(string span, string spent)
    {
        using var home = await Sample();

        Assert.Equal(spent, (await CliRun.Of("report", "--home", home.Path, "--last", span, "--json")).Json.GetProperty("total").GetProperty("spent_usd").GetString());
    }

    [Fact]
    public async Task A_day_begins_in_the_zone_of_the_report()
    {
        using var home = await Sample();

        // 23:30 UTC on the 17th is the 18th in Berlin.
        var json = (await CliRun.Of("report", "--home", home.Path, "--by", "day", "--timezone", "Europe/Berlin", "--since", "2026-11-18", "--until", "2026-11-19", "--json")).Json;

        Assert.Equal("2026-11-17T23:00:00Z", json.GetProperty("since").GetString());
        Assert.Equal(("2026-11-18", "3"), (json.GetProperty("groups")[0].GetProperty("key").GetString(), json.GetProperty("groups")[0].GetProperty("spent_usd").GetString()));
    }

    [Theory]
    [InlineData("report", "--by", "colour")]
    [InlineData("report", "--by", "user", "--then-by", "user")]
    [InlineData("report", "--last", "soon")]
    [InlineData("report", "--last", "7d", "--since", "2026-11-01")]
    [InlineData("report", "--since", "yesterday")]
    [InlineData("report", "--since", "2026-11-02", "--until", "2026-11-01")]
    [InlineData("report", "--timezone", "Nowhere/Land")]
    [InlineData("export", "--format", "xml")]
    [InlineData("export", "--status", "fine")]
    [InlineData("export", "--json")]
    [InlineData("ledger")]
    [InlineData("ledger", "verify", "--since", "2026-11-01")]
    public async Task Wrong_usage_is_told_in_an_empty_home_too(params string[] args)
    {
        var run = await CliRun.Of(args);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains($"Try 'llmcost {string.Join(' ', args.TakeWhile(arg => !arg.StartsWith('-')))} --help'.", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("report")]
    public async Task A_home_without_a_ledger_is_a_beginning_and_not_an_error(params string[] args)
    {
        using var home = new TempHome();

        var run = await CliRun.Of([.. args, "--home", home.Path]);
        var json = await CliRun.Of([.. args, "--home", home.Path, "--json"]);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal($"no calls recorded yet in {home.Path}", run.Lines[0]);
        Assert.Equal(0, json.Code);
        Assert.EndsWith("/1", json.Json.GetProperty("schema").GetString(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    /// <summary>Whoever reads the JSON or the columns every night finds the same fields on the first day.</summary>
    [Fact]
    public async Task A_comparison_has_the_same_fields_and_columns_in_a_home_without_a_ledger()
    {
        using var home = new TempHome();
        using var quiet = await SampleHome.CreateAsync();
        string[] args = ["report", "--last", "7d", "--compare", "--home"];

        var (none, some) = ((await CliRun.Of([.. args, home.Path, "--json"])).Json, (await CliRun.Of([.. args, quiet.Path, "--json"])).Json);

        Assert.Equal(some.ToString(), none.ToString());
        Assert.Equal((await CliRun.Of([.. args, quiet.Path, "--csv"])).Output, (await CliRun.Of([.. args, home.Path, "--csv"])).Output);
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("report", "--since", "2026-12-01", "--compare", "--home", home.Path)).Code);
    }

    [Theory]
    [InlineData]
    [InlineData("report")]
    [InlineData("export")]
    [InlineData("ledger", "verify")]
    public async Task A_ledger_that_cannot_be_read_is_its_own_exit_code(params string[] args)
    {
        using var home = new TempHome();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "ledger.db"), "this is not a database, whatever its name says; it is long enough for a header of a hundred bytes, though");

        var run = await CliRun.Of([.. args, "--home", home.Path]);

        Assert.Equal((ExitCode.StoreUnusable, ""), (run.Code, run.Output));
        Assert.Contains("ledger.db", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_narrow_terminal_gets_fewer_columns_and_whole_numbers()
    {
        using var home = await Sample();

        var run = await CliRun.AtWidth(46, "report", "--home", home.Path);

        Assert.Equal("model spent saved calls", Squeezed(run.Lines[0]));
        Assert.Contains("total >= $109.00 $0.50 7", run.Lines.Select(Squeezed));
    }

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
