using System.Text.Json;
using LlmCostCache.AI.Cli.Live;

namespace LlmCostCache.AI.Cli.Tests;

public class LiveTests
{
    [Fact]
    public async Task The_status_line_shows_today_the_nearest_limit_and_the_hit_rate()
    {
        using var home = await Sample();

        Assert.Equal("$2.00 today | day 20% | 33% hits\n", (await CliRun.Of("statusline", "--home", home.Path)).Output);
    }

    [Fact]
    public async Task The_status_line_takes_any_of_its_words_and_leaves_out_what_is_missing()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 0.125m));

        var run = await CliRun.Of("statusline", "--home", home.Path, "--format", "{spent}/{spent_month} | {budget} of limits | {unpriced}");

        Assert.Equal("$0.125/$0.125\n", run.Output);
    }

    [Fact]
    public async Task The_status_line_says_that_it_is_a_lower_bound()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 2m), SampleHome.Unpriced("2026-11-22T11:00:00Z"));

        Assert.Equal(">= $2.00, 1 call unpriced\n", (await CliRun.Of("statusline", "--home", home.Path, "--format", "{spent}, {unpriced}")).Output);
    }

    [Fact]
    public async Task The_json_of_the_status_line_counts_what_week_and_month_do_not_hold()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 2m), SampleHome.Unpriced("2026-11-17T11:00:00Z"), SampleHome.Unpriced("2026-11-02T11:00:00Z"));

        var json = (await CliRun.Of("statusline", "--home", home.Path, "--json")).Json;

        Assert.Equal((0, 1, 2), (json.GetProperty("today").GetProperty("unpriced").GetInt32(), json.GetProperty("unpriced_week").GetInt32(), json.GetProperty("unpriced_month").GetInt32()));
    }

    [Fact]
    public async Task A_rate_of_an_hour_with_calls_without_a_price_leads_to_a_lower_bound()
    {
        // The last hour began in the block before the one that runs.
        using var home = await SampleHome.CreateAsync(
            null, SampleHome.Call("2026-11-22T14:10:00Z", 1m), SampleHome.Unpriced("2026-11-22T14:40:00Z"), SampleHome.Call("2026-11-22T15:20:00Z", 0.6m));

        var run = await CliRun.Of("blocks", "--home", home.Path, "--hours", "1");
        var json = (await CliRun.Of("blocks", "--home", home.Path, "--hours", "1", "--json")).Json;

        Assert.Contains(">= $0.60 in the last hour: >= $0.01 and", run.Output, StringComparison.Ordinal);
        Assert.Contains("the block costs >= $0.90 when", run.Output, StringComparison.Ordinal);
        Assert.Equal(1, json.GetProperty("burn").GetProperty("unpriced").GetInt32());
    }

    [Fact]
    public async Task What_blocks_cost_is_said_to_be_an_estimate_where_it_is()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Cut("2026-11-22T14:10:00Z", 0.1m, 0.3m), SampleHome.Call("2026-11-22T15:20:00Z", 0.6m));

        Assert.Contains("Some costs are estimates, counted at their upper end: the blocks cost between $0.70 and $0.90.", (await CliRun.Of("blocks", "--home", home.Path)).Lines);
        Assert.Contains("Some costs of today are estimates, counted at their upper end: between $0.70 and $0.90.", (await CliRun.Of("watch", "--home", home.Path, "--once")).Lines);
    }

    [Fact]
    public async Task A_block_of_which_only_a_part_was_asked_for_is_heading_nowhere()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T13:10:00Z", 1m), SampleHome.Call("2026-11-22T15:20:00Z", 0.6m));
        string[] args = ["blocks", "--home", home.Path, "--since", "2026-11-20", "--until", "2026-11-22T14:00:00Z"];

        var (run, json) = (await CliRun.Of(args), (await CliRun.Of([.. args, "--json"])).Json);
        var last = await CliRun.AsTimePasses("", "blocks", "--home", home.Path, "--last", "24h", "--json");

        Assert.Equal(("1", false), (json.GetProperty("blocks")[0].GetProperty("spent_usd").GetString(), json.GetProperty("blocks")[0].GetProperty("running").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("burn").ValueKind);
        Assert.DoesNotContain("At this rate", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing was called since", run.Output, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Object, last.Json.GetProperty("burn").ValueKind);
    }

    /// <summary>On Lord Howe the clock goes back by half an hour, so the hour that is shown twice begins the second time at half past.</summary>
    [Fact]
    public async Task A_block_begins_with_its_hour_where_the_clock_goes_back_by_half_an_hour()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-04-04T15:10:00Z", 1m));

        var block = (await CliRun.Of("blocks", "--home", home.Path, "--since", "2026-04-01", "--timezone", "Australia/Lord_Howe", "--json")).Json.GetProperty("blocks")[0];

        Assert.Equal("2026-04-04T15:00:00Z", block.GetProperty("since").GetString());
        Assert.Equal("2026-04-04T15:00:00Z", block.GetProperty("hours")[0].GetProperty("since").GetString());
    }

    [Fact]
    public async Task A_hit_of_no_known_layer_and_a_refusal_count_in_a_minute_as_they_do_in_the_day()
    {
        const string Lines = """{"id":"a","at":"2026-11-22T15:29:50Z","model":"gpt-4o","status":"cached","input_tokens":1000}""" + "\n" + """{"id":"b","at":"2026-11-22T15:29:55Z","model":"gpt-4o","status":"blocked","input_tokens":10}""";
        using var home = new TempHome();
        await CliRun.WithInput(Lines, "import", "-", "--home", home.Path);

        var json = (await CliRun.Of("watch", "--home", home.Path, "--once", "--json")).Json;

        Assert.Equal((1, 0), (json.GetProperty("today").GetProperty("hits").GetInt64(), json.GetProperty("today").GetProperty("total_tokens").GetInt64()));
        Assert.Equal((1, 0), (json.GetProperty("last_5_minutes").GetProperty("hits").GetInt64(), json.GetProperty("last_5_minutes").GetProperty("total_tokens").GetInt64()));
    }

    [Fact]
    public async Task Little_is_not_shown_as_nothing()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 0.00002m));

        Assert.Equal("< $0.0001\n", (await CliRun.Of("statusline", "--home", home.Path, "--format", "{spent}")).Output);
    }

    [Fact]
    public async Task A_budget_that_is_called_like_a_word_keeps_its_name()
    {
        using var home = await SampleHome.CreateAsync(options => options.Budgets.Add(Budget.Daily(10m).Named("{left}")), SampleHome.Call("2026-11-22T10:00:00Z", 2m));

        Assert.Equal("{left} 20%, $8.00 left\n", (await CliRun.Of("statusline", "--home", home.Path, "--format", "{budget}, {left} left")).Output);
    }

    [Fact]
    public async Task The_status_line_is_coloured_only_when_asked()
    {
        using var home = await Sample();

        var run = await CliRun.Of("statusline", "--home", home.Path, "--format", "{budget}", "--color");

        Assert.Equal("\u001b[32mday 20%\u001b[0m\n", run.Output);
    }

    [Fact]
    public async Task A_prompt_never_breaks_over_a_ledger_that_cannot_be_read()
    {
        using var home = await Sample();
        await File.WriteAllTextAsync(home.LedgerFile, "no ledger");

        var loud = await CliRun.Of("statusline", "--home", home.Path);
        var quiet = await CliRun.Of("statusline", "--home", home.Path, "--quiet");
        var none = await CliRun.Of("statusline");

        Assert.Equal((0, "\n"), (loud.Code, loud.Output));
        Assert.Contains("ledger.db", loud.Error, StringComparison.Ordinal);
        Assert.Equal((0, "\n", ""), (quiet.Code, quiet.Output, quiet.Error));
        Assert.Equal((0, "\n", ""), (none.Code, none.Output, none.Error));
    }

    [Fact]
    public async Task A_status_line_of_unknown_words_is_refused()
    {
        var run = await CliRun.Of("statusline", "--format", "{tokens}");

        Assert.Equal(2, run.Code);
        Assert.Contains("{tokens}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_begins_with_the_hour_of_its_first_call_and_the_next_with_the_first_call_after_it()
    {
        using var home = await Sample();

        var blocks = (await CliRun.Of("blocks", "--home", home.Path, "--json")).Json.GetProperty("blocks").EnumerateArray().ToArray();

        Assert.Equal(
            [("2026-11-20T06:00:00Z", "2026-11-20T11:00:00Z", "3"), ("2026-11-20T11:00:00Z", "2026-11-20T16:00:00Z", "0.5"), ("2026-11-22T13:00:00Z", "2026-11-22T18:00:00Z", "2")],
            blocks.Select(block => (block.GetProperty("since").GetString()!, block.GetProperty("until").GetString()!, block.GetProperty("spent_usd").GetString()!)));
        Assert.Equal([false, false, true], blocks.Select(block => block.GetProperty("running").GetBoolean()));
    }

    [Fact]
    public async Task A_block_begins_at_the_same_hour_from_wherever_one_looks()
    {
        // A call in every hour from 01:00 on the 18th: blocks begin every five hours from there.
        var first = new DateTimeOffset(2026, 11, 18, 1, 10, 0, TimeSpan.Zero);
        using var home = await SampleHome.CreateAsync(null, [.. Enumerable.Range(0, 111).Select(i => SampleHome.Call(first.AddHours(i).ToString("O"), 1m))]);

        foreach (var range in (string[][])[[], ["--last", "72h"], ["--since", "2026-11-19T15:30:00Z"]])
        {
            var blocks = (await CliRun.Of(["blocks", "--home", home.Path, "--json", .. range])).Json.GetProperty("blocks").EnumerateArray().ToArray();

            // The one that was running when the span begins is shown whole.
            Assert.Equal(("2026-11-19T12:00:00Z", 5), (blocks[0].GetProperty("since").GetString(), blocks[0].GetProperty("calls").GetInt32()));
            Assert.Equal(("2026-11-22T15:00:00Z", true), (blocks[^1].GetProperty("since").GetString(), blocks[^1].GetProperty("running").GetBoolean()));
        }
    }

    [Fact]
    public async Task A_block_of_days_says_on_which_day_it_ends()
    {
        using var home = await Sample();

        var run = await CliRun.Of("blocks", "--home", home.Path, "--hours", "48");

        Assert.Contains(run.Lines, line => line.StartsWith("2026-11-20 06:00-2026-11-22 06:00 ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("2026-11-22 15:00 ", StringComparison.Ordinal));
        Assert.Contains(" when it ends at 2026-11-24 13:00 +00:00.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blocks_show_the_rate_and_where_it_leads()
    {
        using var home = await Sample();

        ExpectedFile.Check((await CliRun.Of("blocks", "--home", home.Path)).Output, "blocks/running.txt");
        ExpectedFile.Check((await CliRun.Of("blocks", "--home", home.Path, "--json")).Output, "blocks/running.json");
    }

    [Fact]
    public async Task A_block_that_ended_has_no_rate()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:10:00Z", 1m));

        var run = await CliRun.Of("blocks", "--home", home.Path, "--hours", "2");

        Assert.Contains("No block is running", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hours_of_zones_with_half_hours_are_theirs()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T13:10:00Z", 1m));

        var block = (await CliRun.Of("blocks", "--home", home.Path, "--json", "--timezone", "Asia/Kolkata")).Json.GetProperty("blocks")[0];

        Assert.Equal("2026-11-22T12:30:00Z", block.GetProperty("since").GetString());
    }

    [Fact]
    public async Task One_look_of_watch_shows_minutes_today_and_budgets()
    {
        using var home = await Sample();

        ExpectedFile.Check((await CliRun.Of("watch", "--home", home.Path, "--once")).Output, "watch/once.txt");
        ExpectedFile.Check((await CliRun.Of("watch", "--home", home.Path, "--once", "--json")).Output, "watch/once.json");
    }

    [Fact]
    public async Task A_watch_says_that_there_are_more_budgets_than_it_shows()
    {
        using var home = await SampleHome.CreateAsync(
            options => options.Budgets.Add(Budget.Monthly(10m).ForEachUser()),
            [.. Enumerable.Range(1, 14).Select(i => SampleHome.Call("2026-11-20T10:00:00Z", i / 10m, user: $"user-{i:00}"))]);

        var run = await CliRun.Of("watch", "--home", home.Path, "--once");

        Assert.Equal(12, run.Lines.Count(line => line.Contains("[user=user-", StringComparison.Ordinal)));
        Assert.Contains("The fullest 12 of 14; 'llmcost budget list' shows every budget.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watching_a_home_without_a_ledger_says_so()
    {
        var run = await CliRun.Of("watch", "--once");

        Assert.Equal(3, run.Code);
        Assert.Contains("nothing has been recorded", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_sees_what_others_write_and_a_correction_once()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T15:29:30Z", 1m));
        await using var watch = new LedgerWatch(home.Path, null, new FixedTime());

        var before = await watch.LookAsync(default);
        await using (var costs = LlmCosts.Open(options => (options.HomeDirectory, options.TimeProvider) = (home.Path, new FixedTime())))
        {
            await costs.RecordAsync(SampleHome.Call("2026-11-22T15:30:00Z", 2m));
            await costs.RecordAsync(SampleHome.Hit("2026-11-22T15:30:00Z", 0.5m));
        }

        var after = await watch.LookAsync(default);

        Assert.Equal((1m, 1m, 0m), (before.Today.Spent.Usd, before.FiveMinutes.Spent.Usd, before.Minute.Spent.Usd));
        Assert.Equal((3m, 3m, 2m), (after.Today.Spent.Usd, after.FiveMinutes.Spent.Usd, after.Minute.Spent.Usd));
        Assert.Equal((2, 1), (after.Minute.Calls, after.Minute.Hits));
    }

    [UnixFact]
    public async Task A_watch_of_a_ledger_that_was_replaced_ends_instead_of_showing_the_old_one_for_ever()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T15:29:30Z", 1m));
        await using var watch = new LedgerWatch(home.Path, null, new FixedTime());
        await watch.LookAsync(default);
        foreach (var file in Directory.EnumerateFiles(home.Path, "ledger.db*"))
        {
            File.Delete(file);
        }

        await using (var costs = LlmCosts.Open(options => (options.HomeDirectory, options.TimeProvider) = (home.Path, new FixedTime())))
        {
            await costs.RecordAsync(SampleHome.Call("2026-11-22T15:30:00Z", 2m));
        }

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => watch.LookAsync(default));

        Assert.Contains("replaced while it was followed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rate_of_minutes_with_calls_without_a_price_is_a_lower_bound()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T15:29:30Z", 1m), SampleHome.Unpriced("2026-11-22T15:29:40Z"));
        await using var watch = new LedgerWatch(home.Path, null, new FixedTime());

        var line = (await watch.LookAsync(default)).Line();
        var drawn = await CliRun.Of("watch", "--home", home.Path, "--once");

        Assert.Contains("  >= $0.20/min  ", line, StringComparison.Ordinal);
        Assert.Contains(drawn.Lines, text => text.StartsWith(">= $0.20 per minute ", StringComparison.Ordinal));
    }

    [Fact]
    public void Latency_is_that_of_the_middle_and_of_the_slow_end()
    {
        var meter = new MinuteMeter();
        foreach (var milliseconds in Enumerable.Range(1, 100))
        {
            meter.Add(LedgerEntry.Of(SampleHome.Call("2026-11-22T15:29:30Z", 1m) with { Latency = TimeSpan.FromMilliseconds(milliseconds) }));
        }

        Assert.Equal((50, 95, 100), meter.Latency());
    }

    private static Task<SampleHome> Sample() => SampleHome.CreateAsync(
        options => options.Budgets.Add(Budget.Daily(10m)),
        SampleHome.Call("2026-11-20T06:40:00Z", 3m),
        SampleHome.Call("2026-11-20T11:00:00Z", 0.5m),
        SampleHome.Call("2026-11-22T13:30:00Z", 1.25m) with { Latency = TimeSpan.FromSeconds(1.5) },
        SampleHome.Call("2026-11-22T15:28:00Z", 0.75m) with { Latency = TimeSpan.FromSeconds(2) },
        SampleHome.Hit("2026-11-22T15:30:00Z", 0.5m));

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => CliRun.Now;
    }
}
