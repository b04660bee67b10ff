using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class ConversionReportTests
{
    private static readonly DateOnly s_day = new(2026, 8, 22);

    [Theory]
    [InlineData]
    [InlineData("report")]
    public async Task The_rates_at_which_amounts_were_converted_stand_under_the_table(params string[] args)
    {
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call("2026-11-22T09:00:00Z", 1m),
            Converted("2026-11-22T10:00:00Z", 7.20m, null),
            Converted("2026-11-22T11:00:00Z", 7.1m, s_day),
            Converted("2026-11-02T11:00:00Z", 7.1m, s_day),
            Converted("2026-11-02T12:00:00Z", 0.92m, s_day) with { Currency = "EUR" });

        var run = await CliRun.Of([.. args, "--home", home.Path]);
        var json = (await CliRun.Of([.. args, "--home", home.Path, "--json"])).Json.GetProperty("conversions");

        Assert.Contains("3 calls in CNY, converted at 7.20 (assumed) and 7.10 (2026-08-22).", run.Lines);
        Assert.Contains("1 call in EUR, converted at 0.92 (2026-08-22).", run.Lines);
        Assert.Equal(
            [("CNY", "7.2", null, 1), ("CNY", "7.1", "2026-08-22", 2), ("EUR", "0.92", "2026-08-22", 1)],
            json.EnumerateArray().Select(line => (line.GetProperty("currency").GetString()!, line.GetProperty("fx_rate").GetString()!, line.GetProperty("fx_date").GetString(), line.GetProperty("calls").GetInt32())));
    }

    [Fact]
    public async Task Many_rates_are_told_by_their_ends()
    {
        using var home = await SampleHome.CreateAsync(null, [.. Enumerable.Range(1, 10).Select(day => Converted($"2026-11-{day:00}T10:00:00Z", 7m + (day / 100m), new(2026, 11, day)))]);

        Assert.Contains("10 calls in CNY, converted at 10 rates from 7.01 (2026-11-01) to 7.10 (2026-11-10).", (await CliRun.Of("report", "--home", home.Path)).Lines);
    }

    [Fact]
    public async Task A_report_in_dollars_alone_says_nothing_of_rates()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T09:00:00Z", 1m));
        var json = (await CliRun.Of("report", "--home", home.Path, "--json")).Json;

        Assert.DoesNotContain("converted", (await CliRun.Of("report", "--home", home.Path)).Output, StringComparison.Ordinal);
        Assert.Empty(json.GetProperty("conversions").EnumerateArray());
        Assert.False(json.TryGetProperty("display", out _));
    }

    [Fact]
    public async Task The_currency_of_the_application_stands_beside_the_dollars()
    {
        using var home = await SampleHome.CreateAsync(options => options.Currency = "CNY", SampleHome.Call("2026-11-22T09:00:00Z", 12.4m));
        await File.WriteAllTextAsync(Path.Combine(home.Path, "fx.json"), """{"CNY": "7.1", "date": "2026-08-22"}""");

        var display = (await CliRun.Of("report", "--home", home.Path, "--json")).Json.GetProperty("display");

        Assert.Contains("$12.40 is 88.04 CNY at 7.10 (2026-08-22).", (await CliRun.Of("report", "--home", home.Path)).Lines);
        Assert.Contains("This month: $12.40 is 88.04 CNY at 7.10 (2026-08-22).", (await CliRun.Of("--home", home.Path)).Lines);
        Assert.Equal(("CNY", "7.1", "2026-08-22", "88.04"), (display.GetProperty("currency").GetString(), display.GetProperty("fx_rate").GetString(), display.GetProperty("fx_date").GetString(), display.GetProperty("spent").GetString()));
    }

    [Theory]
    [InlineData("report", "")]
    [InlineData(null, "This month: ")]
    public async Task Little_in_the_currency_of_the_application_is_not_nothing_and_a_lower_bound_stays_one(string? command, string begins)
    {
        using var home = await SampleHome.CreateAsync(options => options.Currency = "EUR", SampleHome.Call("2026-11-22T09:00:00Z", 0.0012m), SampleHome.Unpriced("2026-11-22T09:30:00Z"));
        await File.WriteAllTextAsync(Path.Combine(home.Path, "fx.json"), """{"EUR": "0.92", "date": "2026-08-22"}""");

        var run = await CliRun.Of([.. command is null ? [] : new[] { command }, "--home", home.Path]);

        Assert.Contains($"{begins}>= $0.0012 is >= 0.0011 EUR at 0.92 (2026-08-22).", run.Lines);
    }

    [Fact]
    public async Task A_currency_without_a_rate_says_what_to_do_and_shows_no_amount()
    {
        using var home = await SampleHome.CreateAsync(options => options.Currency = "EUR", SampleHome.Call("2026-11-22T09:00:00Z", 1m));

        var run = await CliRun.Of("report", "--home", home.Path);
        var display = (await CliRun.Of("report", "--home", home.Path, "--json")).Json.GetProperty("display");

        Assert.Contains("Amounts in EUR need an exchange rate: set LLMCOSTCACHE_FX or write fx.json into the home directory.", run.Lines);
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (display.GetProperty("fx_rate").ValueKind, display.GetProperty("spent").ValueKind));
        Assert.Equal(0, run.Code);
    }

    private static UsageRecord Converted(string at, decimal rate, DateOnly? day) =>
        SampleHome.Call(at, 1m, "deepseek-chat") with { Provider = "deepseek", Currency = "CNY", NativeCost = rate, FxRate = rate, FxDate = day };
}
