using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Reports.Html;
using Spectre.Console.Testing;

namespace LlmCostCache.AI.Cli.Tests;

public class ReportPartsTests
{
    [Theory]
    [InlineData(0, 0, "0, 0.5, 1")]
    [InlineData(0, 4, "0, 1, 2, 3, 4")]
    [InlineData(0, 9_462, "0, 5000, 10000")]
    [InlineData(-0.02, 0.5, "-0.2, 0, 0.2, 0.4, 0.6")]
    [InlineData(-3, 0, "-3, -2, -1, 0")]
    [InlineData(0, 0.000000001, "0, 0.000000001")]
    public void The_lines_of_a_chart_are_round_numbers_around_the_bars(decimal least, decimal most, string ticks)
    {
        var axis = new Axis(Money.FromUsd(least), Money.FromUsd(most));

        Assert.Equal(ticks, string.Join(", ", axis.Ticks.Select(Decimals.Text)));
        Assert.InRange(axis.ShareOf(most), 0, 1);
        Assert.InRange(axis.ShareOf(least), 0, 1);
    }

    [Theory]
    [InlineData(true, 1, "████")]
    [InlineData(true, 0.5, "██")]
    [InlineData(true, 0.0001, "▏")]
    [InlineData(true, 0, "")]
    [InlineData(true, 7, "████")]
    [InlineData(false, 0.5, "##")]
    [InlineData(false, 0.0001, "#")]
    public void A_bar_shows_the_smallest_amount_as_a_sliver_and_nothing_as_nothing(bool unicode, decimal share, string bar) => Assert.Equal(bar, BlocksOf(unicode).Bar(share, 4));

    [Theory]
    [InlineData(true, 0.99, "███░")]
    [InlineData(true, 4.675, "████")]
    [InlineData(true, -1, "░░░░")]
    [InlineData(false, 0.5, "##..")]
    public void A_gauge_is_full_only_when_everything_is_used(bool unicode, decimal share, string gauge) => Assert.Equal(gauge, BlocksOf(unicode).Gauge(share, 4));

    [Fact]
    public void A_line_of_numbers_has_the_highest_at_the_top_and_blanks_for_nothing()
    {
        Assert.Equal("▁▅ █", BlocksOf(true).Line([0.01m, 2, 0, 4]));
        Assert.Equal(".+ @", BlocksOf(false).Line([0.01m, 2, 0, 4]));
        Assert.Equal("  ", BlocksOf(true).Line([0, 0]));
        Assert.Equal("", BlocksOf(true).Line([]));
    }

    [Theory]
    [InlineData(LedgerDimension.Hour, "2026-10-25T02+02:00", "2026-10-25T02+01:00", "Europe/Berlin")]
    [InlineData(LedgerDimension.Hour, "2026-03-29T01+01:00", "2026-03-29T03+02:00", "Europe/Berlin")]
    [InlineData(LedgerDimension.Hour, "2026-10-04T01+10:30", "2026-10-04T02+11:00", "Australia/Lord_Howe")]
    [InlineData(LedgerDimension.Hour, "2026-04-05T01+11:00", "2026-04-05T01+10:30", "Australia/Lord_Howe")]
    [InlineData(LedgerDimension.Hour, "2026-04-05T01+10:30", "2026-04-05T02+10:30", "Australia/Lord_Howe")]
    [InlineData(LedgerDimension.Day, "2026-03-29", "2026-03-30", "Europe/Berlin")]
    [InlineData(LedgerDimension.Day, "2011-12-29", "2011-12-31", "Pacific/Apia")]
    [InlineData(LedgerDimension.Week, "2026-12-28", "2027-01-04", "UTC")]
    [InlineData(LedgerDimension.Month, "2026-12", "2027-01", "America/St_Johns")]
    public void Periods_follow_each_other_over_every_change_of_the_clock(LedgerDimension dimension, string name, string next, string zone)
    {
        var periods = new Periods(dimension, LedgerCalendar.Utc.In(TimeZoneInfo.FindSystemTimeZoneById(zone)));

        Assert.Equal((next, name), (periods.After(name), periods.Before(next)));
        Assert.Equal([name, next], periods.Between(name, next));
    }

    [Theory]
    [InlineData(60, LedgerDimension.Day)]
    [InlineData(400, LedgerDimension.Week)]
    [InlineData(2_000, LedgerDimension.Month)]
    public void A_chart_takes_longer_steps_for_a_longer_span_and_loses_nothing(int days, LedgerDimension step)
    {
        var calendar = LedgerCalendar.Utc.In(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));
        var now = CliRun.Now;
        var hours = Enumerable.Range(0, days * 3).Select(i => new LedgerTotal
        {
            Key = calendar.NameOf(LedgerDimension.Hour, LedgerTime.Micros(now.AddHours(-8 * i))),
            ThenKey = $"model-{i % 12}",
            Calls = 1,
            Spent = Money.FromNanos(i),
        }).ToList();

        var timeline = Timeline.Of(hours, new LedgerFilter(), calendar, now);

        Assert.Equal(step, timeline.Step);
        Assert.Equal(hours.Sum(hour => hour.Spent.Nanos), timeline.Totals.Sum(total => total.Spent.Nanos));
        Assert.Equal(hours.Sum(hour => hour.Spent.Nanos), timeline.Series.Sum(series => series.Amounts.Sum(amount => amount.Nanos)));
        Assert.Equal(("5 other models", 8), (timeline.Series[^1].Name, timeline.Series.Count));
    }

    [Fact]
    public async Task Of_thousands_of_budgets_the_fullest_are_shown()
    {
        using var home = await SampleHome.CreateAsync(
            options => options.Budgets.Add(Budget.Monthly(10m).ForEachUser()),
            [.. Enumerable.Range(1, 25).Select(i => SampleHome.Call("2026-11-20T10:00:00Z", i / 10m, user: $"user-{i:00}"))]);

        var run = await CliRun.Of("--home", home.Path);
        var json = (await CliRun.Of("--home", home.Path, "--json")).Json.GetProperty("budgets");

        Assert.Contains("The fullest 20 of 25; 'llmcost budget list' shows every budget.", run.Lines);
        Assert.Equal(20, run.Lines.Count(line => line.Contains("[user=user-", StringComparison.Ordinal)));
        Assert.DoesNotContain(run.Lines, line => line.Contains("[user=user-05]", StringComparison.Ordinal));
        Assert.Equal(25, json.GetArrayLength());
    }

    [Theory]
    [InlineData("a|b", @"a\|b")]
    [InlineData("<b>&", "&lt;b&gt;&amp;")]
    [InlineData("*_`[x](y)~", @"\*\_\`\[x\](y)\~")]
    [InlineData("two\nlines", @"two\\u000alines")]
    public void A_name_in_markdown_is_text(string name, string text) => Assert.Equal(text, ReportMarkdown.Escaped(name));

    private static Blocks BlocksOf(bool unicode)
    {
        var console = new TestConsole();
        console.Profile.Capabilities.Unicode = unicode;
        return new Blocks(console);
    }
}
