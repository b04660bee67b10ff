using System.Globalization;
using System.Text;
using LlmCostCache.AI.Cli.Exchange;

namespace LlmCostCache.AI.Cli.Tests;

public class FocusExportTests
{
    /// <summary>The columns that FOCUS 1.2 makes mandatory; ChargeClass alone is null in rows that correct nothing.</summary>
    private static readonly string[] s_mandatory =
    [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
        "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
    ];

    private static Task<SampleHome> Sample() => SampleHome.CreateAsync(
        null,
        Priced("a", "gpt-4o-mini", new() { UncachedInputTokens = 86, CachedInputTokens = 1_920, OutputTokens = 301, Requests = 1 }) with { Attribution = Attribution.Create("acme", "shop", "alice", null, null, null, null, ["=beta"]) },
        Priced("b", "claude-sonnet-4-5", new() { UncachedInputTokens = 7, CacheWrite5mTokens = 11, OutputTokens = 13, Requests = 1, WebSearches = 2 }) with { At = new DateTimeOffset(2026, 10, 31, 23, 59, 59, 900, TimeSpan.Zero), Latency = TimeSpan.FromSeconds(3) },
        SampleHome.Call("2026-11-20T12:00:00Z", 0.000000007m) with { Id = "c" },
        SampleHome.Call("2026-11-20T12:00:00Z", 0.5m, "no-such-model") with { Id = "d" },
        SampleHome.Hit("2026-11-21T12:00:00Z", 0.5m) with { Id = "e" },
        SampleHome.Unpriced("2026-11-21T13:00:00Z") with { Id = "f" });

    [Fact]
    public async Task The_file_is_the_one_that_was_checked_by_hand()
    {
        using var home = await Sample();

        var run = await CliRun.Of("export", "--home", home.Path, "--format", "focus", "--billing-account", "acme");

        Assert.Equal((0, $"llmcost: 1 call unpriced and left out: a FOCUS charge must have a cost, and theirs is unknown{Environment.NewLine}"), (run.Code, run.Error));
        ExpectedFile.Check(run.Output.Replace("\r\n", "\n", StringComparison.Ordinal), "export/focus.csv");
    }

    [Fact]
    public async Task Billed_cost_adds_up_to_the_ledger_to_the_nano_dollar_and_mandatory_columns_are_filled()
    {
        using var home = await Sample();

        var rows = await ReadAsync((await CliRun.Of("export", "--home", home.Path, "--format", "focus")).Output);
        var spent = (await CliRun.Of("report", "--home", home.Path, "--json")).Json.GetProperty("total").GetProperty("spent_nanos").GetInt64();

        Assert.Equal(spent, rows.Sum(row => long.Parse(row["x_BilledNanos"], CultureInfo.InvariantCulture)));
        Assert.Equal(Money.FromNanos(spent).Usd, rows.Sum(row => Number(row["BilledCost"])));
        foreach (var row in rows)
        {
            Assert.All(s_mandatory, column => Assert.Equal(column == "ChargeClass", row[column].Length == 0));
            Assert.Equal(Number(row["ListCost"]), decimal.Round(Number(row["ListUnitPrice"]) * Number(row["PricingQuantity"]), 20));
            Assert.Equal(Number(row["ContractedCost"]), decimal.Round(Number(row["ContractedUnitPrice"]) * Number(row["PricingQuantity"]), 20));
            Assert.True(Time(row["BillingPeriodStart"]) <= Time(row["ChargePeriodStart"]) && Time(row["ChargePeriodStart"]) < Time(row["ChargePeriodEnd"]) && Time(row["ChargePeriodEnd"]) <= Time(row["BillingPeriodEnd"]));
        }
    }

    [Fact]
    public async Task Columns_of_the_specification_come_first_in_their_order_and_ours_after_them()
    {
        using var home = await Sample();

        var names = (await CliRun.Of("export", "--home", home.Path, "--format", "focus")).Lines[0].Trim().Split(',');

        var ours = names.SkipWhile(static name => !name.StartsWith("x_", StringComparison.Ordinal)).ToArray();
        var theirs = names[..^ours.Length];
        Assert.Equal(theirs.Order(StringComparer.Ordinal), theirs);
        Assert.Equal(ours.Order(StringComparer.Ordinal), ours);
        Assert.All(ours, static name => Assert.StartsWith("x_", name, StringComparison.Ordinal));
        Assert.Empty(s_mandatory.Except(theirs));
    }

    [Fact]
    public async Task A_name_that_is_empty_is_not_known()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T12:00:00Z", 0.5m) with { Provider = "", Model = "", RequestedModel = "" });

        var rows = await ReadAsync((await CliRun.Of("export", "--home", home.Path, "--format", "focus")).Output);

        Assert.Equal(["unknown", "unknown", "unknown", "unknown"], new[] { "ProviderName", "PublisherName", "InvoiceIssuerName", "ResourceId" }.Select(name => rows[0][name]));
    }

    [Fact]
    public async Task What_is_left_out_is_counted_in_the_json()
    {
        using var home = await Sample();
        using var files = new TempHome();

        var csv = await CliRun.Of("export", "--home", home.Path, "--format", "focus", "-o", Path.Combine(files.Path, "focus.csv"), "--json");
        var parquet = await CliRun.Of("export", "--home", home.Path, "--format", "focus-parquet", "-o", Path.Combine(files.Path, "focus.parquet"), "--json");

        foreach (var run in new[] { csv, parquet })
        {
            Assert.Equal((4, 1, 1), (run.Json.GetProperty("attempts").GetInt64(), run.Json.GetProperty("unpriced_left_out").GetInt64(), run.Json.GetProperty("uncharged_left_out").GetInt64()));
        }

        Assert.Equal(csv.Json.GetProperty("rows").GetInt64(), parquet.Json.GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task A_parquet_file_needs_a_name()
    {
        using var home = await Sample();

        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("export", "--home", home.Path, "--format", "parquet")).Code);
    }

    [Fact]
    public async Task A_sum_of_requests_divides_as_short_ones_and_claims_no_list_price_of_a_long_one()
    {
        // Above 200,000 tokens of input this model costs twice as much for input and half as much again for output: $6.00 and $22.50 instead of $3.00 and $15.00.
        var sum = SampleHome.Call("2026-11-20T10:00:00Z", 4.50m, "claude-sonnet-4-5");
        using var home = await SampleHome.CreateAsync(null, sum with
        {
            Provider = "anthropic",
            Flags = "imported,aggregated",
            Cost = sum.Cost with { Usage = new() { UncachedInputTokens = 1_000_000, OutputTokens = 100_000, Requests = 100 } },
        });

        var rows = await ReadAsync((await CliRun.Of("export", "--home", home.Path, "--format", "focus")).Output);

        Assert.Equal(["3", "1.5"], rows.Select(row => row["BilledCost"]));
        Assert.Equal(["0.000003", "0.000015"], rows.Select(row => row["ListUnitPrice"]));
        Assert.Equal(["0.000003", "0.000015"], rows.Select(row => row["ContractedUnitPrice"]));
    }

    private static UsageRecord Priced(string id, string model, TokenUsage usage) => SampleHome.Call("2026-11-20T10:00:00Z", 0m, model) with
    {
        Id = id,
        Provider = null,
        Cost = CallCost.Unknown with { Usage = usage },
    };

    private static async Task<List<Dictionary<string, string>>> ReadAsync(string text)
    {
        var rows = new List<Dictionary<string, string>>();
        List<string>? names = null;
        using var csv = new CsvFile(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        await foreach (var (_, cells) in csv.ReadAsync(default))
        {
            if (names is null)
            {
                names = cells!;
            }
            else
            {
                rows.Add(names.Zip(cells!).ToDictionary(static pair => pair.First, static pair => pair.Second));
            }
        }

        return rows;
    }

    private static decimal Number(string text) => decimal.Parse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static DateTime Time(string text) => DateTime.ParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
