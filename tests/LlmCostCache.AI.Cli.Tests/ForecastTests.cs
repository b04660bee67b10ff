using System.Globalization;
using LlmCostCache.AI.Cli.Forecasts;

namespace LlmCostCache.AI.Cli.Tests;

public class ForecastTests
{
    private static readonly DateTimeOffset s_monday = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Spending with busy working hours, quiet nights and weekends, and days that differ by a third, of which the ends of months are known.</summary>
    [Theory]
    [InlineData(28)]
    [InlineData(15)]
    public void The_interval_holds_the_truth_in_about_four_of_five_months(int daysOfHistory)
    {
        const int Months = 300;
        var random = new Random(20261122);
        var held = 0;
        for (var i = 0; i < Months; i++)
        {
            var quarters = Quarters(random, daysOfHistory + 30);
            var now = s_monday.AddDays(daysOfHistory).AddHours(random.Next(24));
            var endsAt = now.AddDays(2 + random.Next(24));
            var past = quarters.Where(quarter => quarter.StartsAt < now && quarter.StartsAt >= now.AddDays(-28)).ToList();
            var truth = quarters.Where(quarter => quarter.StartsAt >= now && quarter.StartsAt < endsAt).Sum(quarter => quarter.Count);

            var forecast = SpendForecast.Of(Money.Zero, new SpendHistory(0, past), endsAt, now, TimeZoneInfo.Utc);

            held += forecast.Low!.Value.Nanos <= truth && truth <= forecast.High!.Value.Nanos ? 1 : 0;
        }

        Assert.InRange((double)held / Months, 0.7, 0.92);
    }

    [Fact]
    public async Task What_calls_cost_is_said_to_be_an_estimate_where_it_is()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T09:00:00Z", 1m), SampleHome.Cut("2026-11-20T10:00:00Z", 0.1m, 0.3m));

        var run = await CliRun.Of("whatif", "--model", "gpt-4o", "--home", home.Path);

        Assert.Contains("Some costs are estimates, counted at their upper end: booked between $1.10 and $1.30.", run.Lines);
    }

    [Fact]
    public void Days_that_never_differ_leave_nothing_to_doubt()
    {
        var quarters = Enumerable.Range(0, 28 * 96).Select(i => (s_monday.AddMinutes(15 * i), 1_000_000L)).ToList();
        var now = s_monday.AddDays(28);

        var forecast = SpendForecast.Of(Money.Zero, new SpendHistory(4_000_000, quarters), now.AddDays(10), now, TimeZoneInfo.Utc);

        Assert.Equal(0.96m, forecast.Expected!.Value.Usd);
        Assert.Equal((forecast.Expected, forecast.Expected), (forecast.Low, forecast.High));
    }

    [Fact]
    public void What_is_spent_is_never_forecast_away()
    {
        var quarters = Enumerable.Range(0, 4).Select(day => (s_monday.AddDays(day), day == 1 ? 100_000_000_000L : 1L)).ToList();
        var now = s_monday.AddDays(4);

        var forecast = SpendForecast.Of(Money.FromUsd(100m), new SpendHistory(0, quarters), now.AddDays(5), now, TimeZoneInfo.Utc);

        Assert.Equal(Money.FromUsd(100m), forecast.Low);
        Assert.True(forecast.High > Money.FromUsd(200m));
    }

    [Theory]
    [InlineData(0, "none", false)]
    [InlineData(0.3, "last_hour", false)]
    [InlineData(1.5, "last_day", false)]
    [InlineData(5, "last_day", true)]
    [InlineData(20, "hour_of_week", true)]
    public async Task A_forecast_says_what_it_goes_by_and_has_an_interval_only_when_days_are_known(double days, string basis, bool hasInterval)
    {
        using var home = await Home(days);

        var json = (await CliRun.Of("forecast", "--home", home.Path, "--json")).Json;

        Assert.Equal(basis, json.GetProperty("basis").GetString());
        Assert.Equal((basis != "none", hasInterval), (json.GetProperty("expected_usd").GetString() is not null, json.GetProperty("low_usd").GetString() is not null));
        Assert.Equal((int)days, json.GetProperty("history_days").GetInt32());
    }

    [Fact]
    public async Task A_forecast_shows_the_end_of_the_month_with_its_interval()
    {
        using var home = await Home(20);

        ExpectedFile.Check((await CliRun.Of("forecast", "--home", home.Path)).Output, "forecast/month.txt");
        ExpectedFile.Check((await CliRun.Of("forecast", "--home", home.Path, "--json")).Output, "forecast/month.json");
    }

    [Fact]
    public async Task Little_history_is_called_little()
    {
        using var home = await Home(1.5);

        var run = await CliRun.Of("forecast", "--home", home.Path);

        Assert.Contains("Goes by the last 24 hours, of 1 whole day of history: too little to say how far off it may be.", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("4 of 5", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forecast_that_goes_by_calls_without_a_price_is_a_lower_bound_in_a_period_that_has_none()
    {
        using var home = await SampleHome.CreateAsync(
            null, SampleHome.Unpriced("2026-11-19T08:00:00Z"), SampleHome.Call("2026-11-20T08:00:00Z", 1m), SampleHome.Call("2026-11-22T08:00:00Z", 1m));

        var run = await CliRun.Of("forecast", "--period", "day", "--home", home.Path);
        var json = (await CliRun.Of("forecast", "--period", "day", "--home", home.Path, "--json")).Json;

        // The last 24 hours cost a dollar; 8.5 of 24 hours are left: 1 + 0.35.
        Assert.Contains("Spent so far:         $1.00", run.Output, StringComparison.Ordinal);
        Assert.Contains("Expected at the end:  >= $1.35", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 call unpriced in the last four weeks, which it goes by: the end is a lower bound.", run.Output, StringComparison.Ordinal);
        Assert.Equal((0, 1), (json.GetProperty("unpriced").GetInt32(), json.GetProperty("unpriced_history").GetInt32()));
    }

    [Theory]
    [InlineData("--user", "")]
    [InlineData("--project", "*")]
    public async Task A_name_that_no_call_can_have_is_wrong_usage(string option, string name)
    {
        using var home = await Home(5);

        var run = await CliRun.Of("forecast", option, name, "--home", home.Path);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains($"{option} '{name}' is no name", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_hour_without_spending_is_nothing_to_go_by()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T08:00:00Z", 1m), SampleHome.Call("2026-11-22T10:00:00Z", 1m));

        var run = await CliRun.Of("forecast", "--home", home.Path);
        var json = (await CliRun.Of("forecast", "--home", home.Path, "--json")).Json;

        Assert.Contains("Expected at the end:  not known", run.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing was spent in the last hour.", run.Output, StringComparison.Ordinal);
        Assert.Equal((null, "none"), (json.GetProperty("expected_usd").GetString(), json.GetProperty("basis").GetString()));
    }

    [Fact]
    public async Task A_forecast_of_one_project_knows_no_other()
    {
        var other = SampleHome.Call("2026-11-20T10:00:00Z", 50m) with { Attribution = Attribution.None with { Project = "other" } };
        using var home = await SampleHome.CreateAsync(null, other);

        var json = (await CliRun.Of("forecast", "--home", home.Path, "--project", "atlas", "--json")).Json;

        Assert.Equal(("0", "none"), (json.GetProperty("spent_usd").GetString(), json.GetProperty("basis").GetString()));
    }

    [Fact]
    public async Task Another_model_is_priced_by_the_counts_of_each_call()
    {
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call("2026-11-10T10:00:00Z", 0.0028m, "gpt-4o"),
            SampleHome.Call("2026-11-12T10:00:00Z", 0.0011m, "claude-3-5-haiku-20241022") with { Provider = "anthropic" },
            SampleHome.Unpriced("2026-11-12T11:00:00Z"),
            SampleHome.Hit("2026-11-12T12:00:00Z", 0.0028m));

        var run = await CliRun.Of("whatif", "--model", "gpt-4o-mini", "--home", home.Path);

        ExpectedFile.Check(run.Output, "whatif/model.txt");
        var json = (await CliRun.Of("whatif", "--model", "gpt-4o-mini", "--for", "gpt-4o", "--home", home.Path, "--json")).Json.GetProperty("total");
        // 800 at $0.15, 200 at $0.075 and 60 at $0.60 per million.
        Assert.Equal((1, 171_000, 0), (json.GetProperty("calls").GetInt64(), json.GetProperty("other_nanos").GetInt64(), json.GetProperty("unknown").GetInt64()));
    }

    [Fact]
    public async Task A_model_without_a_price_stays_unknown_and_is_never_free()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-10T10:00:00Z", 1m));

        var json = (await CliRun.Of("whatif", "--model", "no-such-model", "--home", home.Path, "--json")).Json;

        Assert.Equal((0, 1), (json.GetProperty("total").GetProperty("other_nanos").GetInt64(), json.GetProperty("total").GetProperty("unknown").GetInt64()));
        Assert.Contains("no-such-model", json.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_tier_is_priced_at_the_same_model()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-10T10:00:00Z", 0.00285m));

        var total = (await CliRun.Of("whatif", "--tier", "batch", "--home", home.Path, "--json")).Json.GetProperty("total");

        Assert.InRange(total.GetProperty("other_nanos").GetInt64(), 1, 2_849_999);
    }

    [Fact]
    public async Task Calls_that_do_not_fit_the_other_model_are_counted()
    {
        var call = SampleHome.Call("2026-11-10T10:00:00Z", 1m);
        using var home = await SampleHome.CreateAsync(null, call with { Cost = call.Cost with { Usage = new() { UncachedInputTokens = 150_000, OutputTokens = 17_000, Requests = 1 } } });

        var run = await CliRun.Of("whatif", "--model", "gpt-4o-mini", "--home", home.Path);

        Assert.Contains("1 call had more input than the 128,000 tokens that gpt-4o-mini takes.", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 call had an answer longer than the 16,384 tokens", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Own_hardware_breaks_even_where_its_day_costs_what_the_calls_cost()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-12T15:30:00Z", 1.5m), SampleHome.Call("2026-11-20T10:00:00Z", 0.5m));

        ExpectedFile.Check((await CliRun.Of("whatif", "--price-per-hour", "2.50", "--tokens-per-second", "100", "--home", home.Path)).Output, "whatif/break-even.txt");
        ExpectedFile.Check((await CliRun.Of("whatif", "--price-per-hour", "2.50", "--tokens-per-second", "100", "--home", home.Path, "--json")).Output, "whatif/break-even.json");
    }

    [Theory]
    [InlineData("0.00000000000000000001")]
    [InlineData("0.0000000000000000000000000001")]
    public async Task Hardware_that_hardly_moves_is_no_fault_of_ours(string tokensPerSecond)
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-12T15:30:00Z", 1.5m), SampleHome.Call("2026-11-20T10:00:00Z", 0.5m));

        var run = await CliRun.Of("whatif", "--price-per-hour", "2.50", "--tokens-per-second", tokensPerSecond, "--home", home.Path);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("--tokens-per-second", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hardware_too_slow_to_earn_its_price_is_told_so()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-12T15:30:00Z", 0.001m));

        var run = await CliRun.Of("whatif", "--price-per-hour", "10", "--tokens-per-second", "1", "--home", home.Path);

        Assert.Contains("So it is never cheaper", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_of_a_report_counts_as_the_calls_it_adds_up_and_is_left_out_when_it_does_not_say()
    {
        var report = SampleHome.Call("2026-11-12T15:30:00Z", 10m) with { Flags = "imported,aggregated" };
        using var home = await SampleHome.CreateAsync(
            null,
            report with { Cost = report.Cost with { Usage = new() { UncachedInputTokens = 90_000, OutputTokens = 10_000, Requests = 100 } } },
            report with { Id = "unsaid", Cost = report.Cost with { Usage = new() { UncachedInputTokens = 90_000 } } });

        var run = await CliRun.Of("whatif", "--price-per-hour", "2.50", "--tokens-per-second", "100", "--home", home.Path, "--json");
        var text = await CliRun.Of("whatif", "--price-per-hour", "2.50", "--tokens-per-second", "100", "--home", home.Path);

        var json = run.Json.GetProperty("break_even");
        Assert.Equal(("0.1", "1000", "600"), (json.GetProperty("cost_per_call_usd").GetString(), json.GetProperty("tokens_per_call").GetString(), json.GetProperty("break_even_calls_per_day").GetString()));
        Assert.Equal((100, 1), (json.GetProperty("calls").GetInt64(), json.GetProperty("uncounted").GetInt64()));
        Assert.Contains("1 row of providers' reports say nothing of how many calls they add up", text.Output, StringComparison.Ordinal);
    }

    /// <summary>A machine costs what 60 calls cost. When it answers 100 of them, two machines for 101 calls are dearer than the calls; two for 120 are not.</summary>
    [Theory]
    [InlineData(60, 100, 120)]
    [InlineData(60, 120, 60)]
    [InlineData(60, 61, 3600)]
    [InlineData(60, 60, null)]
    [InlineData(60, 30, null)]
    public void Own_hardware_is_always_cheaper_only_where_the_next_machine_has_enough_to_do(int breakEven, int capacity, int? from)
    {
        var measured = new MeasuredCalls();
        measured.Add(SampleHome.Call("2026-11-12T15:30:00Z", 1m) with { Cost = CallCost.Known(Money.FromUsd(1m)) with { Usage = new() { UncachedInputTokens = 864, Requests = 1 } } });
        var question = new BreakEven { PricePerHour = breakEven / 24m, TokensPerSecond = capacity / 100m, Measured = measured, Days = 0 };

        Assert.Equal(from, question.CheaperFrom is { } calls ? (int)decimal.Round(calls, 6) : null);
        if (from is { } always)
        {
            for (var aDay = (decimal)always; aDay < always + 3 * capacity; aDay++)
            {
                Assert.True(Math.Ceiling(aDay / capacity) * breakEven <= aDay);
            }
        }
    }

    [Fact]
    public async Task What_is_small_is_not_shown_as_nothing()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-12T15:30:00Z", 0.000000012m), SampleHome.Call("2026-11-01T15:30:00Z", 0m));

        var run = await CliRun.Of("whatif", "--price-per-hour", "0.00001", "--tokens-per-second", "0.001", "--home", home.Path);

        Assert.Contains("0.00001 x 24 hours / 0.000000006 per call = 40,000 calls", run.Output, StringComparison.Ordinal);
        Assert.Contains("One machine answers 0.001 tokens/s x 86,400 s / 1,060 tokens per call = 0.0815 calls a day", run.Output, StringComparison.Ordinal);
        Assert.Contains("Here: 0.0952 calls a day", run.Output, StringComparison.Ordinal);
        Assert.Contains("cost 0.000000000571 a day; 2 machines would cost 0.00048.", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, 8, 7)]
    [InlineData(5.2, 4.9, 5)]
    public async Task Days_without_spending_are_no_forecast_of_nothing(double first, double last, int silent)
    {
        using var home = await SampleHome.CreateAsync(
            null,
            SampleHome.Call(CliRun.Now.AddDays(-first).ToString("O", CultureInfo.InvariantCulture), 1m),
            SampleHome.Call(CliRun.Now.AddDays(-Math.Max(last, 5.1)).ToString("O", CultureInfo.InvariantCulture), 1m));

        var json = (await CliRun.Of("forecast", "--home", home.Path, "--json")).Json;
        var text = (await CliRun.Of("forecast", "--home", home.Path)).Output;

        Assert.Equal(("2", "none"), (json.GetProperty("spent_usd").GetString(), json.GetProperty("basis").GetString()));
        Assert.All(["expected_usd", "low_usd", "high_usd"], name => Assert.Null(json.GetProperty(name).GetString()));
        Assert.Contains("Expected at the end:  not known", text, StringComparison.Ordinal);
        Assert.Contains($"Nothing was spent in the last {silent} days.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("4 of 5", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("What if?")]
    [InlineData("belong together", "--price-per-hour", "1")]
    [InlineData("above zero", "--price-per-hour", "0", "--tokens-per-second", "1")]
    public async Task A_question_that_is_none_says_what_is_missing(string told, params string[] options)
    {
        var run = await CliRun.Of(["whatif", .. options]);

        Assert.Equal(2, run.Code);
        Assert.Contains(told, run.Error, StringComparison.Ordinal);
    }

    private static List<(DateTimeOffset StartsAt, long Count)> Quarters(Random random, int days)
    {
        var quarters = new List<(DateTimeOffset StartsAt, long Count)>();
        for (var day = 0; day < days; day++)
        {
            var level = Math.Exp(0.33 * Normal(random));
            for (var quarter = 0; quarter < 96; quarter++)
            {
                var at = s_monday.AddDays(day).AddMinutes(15 * quarter);
                var usual = at.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 0.15 : at.Hour is >= 8 and < 18 ? 1 : 0.1;
                quarters.Add((at, (long)(10_000_000 * usual * level * Math.Exp(0.5 * Normal(random)))));
            }
        }

        return quarters;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>Two calls a day for so many days before now, dearer on working days.</summary>
    private static Task<SampleHome> Home(double days)
    {
        var calls = new List<UsageRecord>();
        for (var at = CliRun.Now.AddDays(-days).AddMinutes(-1); at < CliRun.Now; at = at.AddHours(12))
        {
            var usd = days == 0 ? 0m : (at.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 0.25m : 1m) + at.Day % 3 * 0.1m;
            calls.Add(SampleHome.Call(at.ToString("O", CultureInfo.InvariantCulture), usd));
        }

        if (days is > 0 and < 1)
        {
            calls.Add(SampleHome.Call("2026-11-22T15:00:00Z", 1m));
        }

        return SampleHome.CreateAsync(null, [.. calls]);
    }
}
