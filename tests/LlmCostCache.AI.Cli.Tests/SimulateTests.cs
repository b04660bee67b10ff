using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public sealed class SimulateTests : IDisposable
{
    // gpt-4o-mini costs $0.15 in, $0.075 cached in and $0.60 out per million, half of all that in batches.
    private const string Tiny = """
        {"at":"2026-10-05T08:00:00Z","key":"a","provider":"openai","model":"gpt-4o-mini","input_tokens":10000,"output_tokens":1000,"blocks":[101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120],"user":"ann","feature":"chat"}
        {"at":"2026-10-05T09:00:00Z","key":"a","provider":"openai","model":"gpt-4o-mini","input_tokens":10000,"output_tokens":1000,"blocks":[101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120],"user":"bob","feature":"chat"}
        {"at":"2026-10-05T10:00:00Z","key":"b","provider":"openai","model":"gpt-4o-mini","input_tokens":2048,"output_tokens":100,"blocks":[1,2,3,4],"user":"ann","feature":"chat"}
        {"at":"2026-10-05T10:02:00Z","key":"c","provider":"openai","model":"gpt-4o-mini","input_tokens":4096,"output_tokens":100,"blocks":[1,2,3,4,5,6,7,8],"user":"ann","feature":"chat"}
        {"at":"2026-10-05T10:03:00Z","key":"c","provider":"openai","model":"gpt-4o-mini","input_tokens":4096,"status":"failed","error":"HttpRequestException"}
        {"at":"2026-10-07T08:00:00Z","key":"d","provider":"openai","model":"gpt-4o-mini","input_tokens":100000,"output_tokens":10000,"can_wait":true,"user":"job","feature":"extraction"}

        """;

    // Each by hand, in nano-dollars.
    private const long Long = (10_000 * 150) + (1_000 * 600);
    private const long Short = (2_048 * 150) + (100 * 600);
    private const long Longer = (4_096 * 150) + (100 * 600);
    private const long Job = (100_000 * 150) + (10_000 * 600);
    private const long Discount = 2_048 * 75;

    private readonly TempHome _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(80)]
    [InlineData(120)]
    public async Task A_trace_is_replayed_under_every_strategy_side_by_side(int width)
    {
        var run = await CliRun.AtWidth(width, "simulate", File("tiny.jsonl", Tiny), "--cheaper-model", "gpt-4.1-nano", "--cheaper-share", "0.5");

        Assert.Equal((0, ""), (run.Code, run.Error));
        ExpectedFile.Check(run.Output, $"simulate/tiny-{width}.txt");
    }

    [Fact]
    public async Task Machines_read_the_same_as_json_csv_and_markdown()
    {
        var file = File("tiny.jsonl", Tiny);

        ExpectedFile.Check((await CliRun.Of("simulate", file, "--json", "--budget", "0.02 --period day --scope user=*")).Output, "simulate/tiny.json");
        ExpectedFile.Check((await CliRun.Of("simulate", file, "--csv")).Output, "simulate/tiny.csv");
        ExpectedFile.Check((await CliRun.Of("simulate", file, "--markdown")).Output, "simulate/tiny.md");
    }

    [Fact]
    public async Task Every_strategy_costs_what_its_calls_cost_by_hand()
    {
        var costs = await CostsOf(File("tiny.jsonl", Tiny));

        const long All = (2 * Long) + Short + Longer + Job;
        Assert.Equal(All, costs["base"]);
        Assert.Equal(All - Discount, costs["prompt cache"]);
        Assert.Equal(All - Long, costs["cached"]);
        Assert.Equal(All - Long - Discount, costs["cached + prompt cache"]);
        Assert.Equal(All - (Job / 2), costs["batched"]);
        Assert.Equal(All - Long - Discount - (Job / 2), costs["all"]);
    }

    [Fact]
    public async Task Claude_is_marked_at_the_end_of_a_prompt_so_what_is_new_is_written_at_the_premium()
    {
        // $3 in, $3.75 written, $0.30 read and $15 out per million.
        var costs = await CostsOf(File("claude.jsonl", Tiny.Replace("\"openai\"", "\"anthropic\"", StringComparison.Ordinal).Replace("gpt-4o-mini", "claude-sonnet-4-5", StringComparison.Ordinal)));

        const long Written = (2 * 10_000 * 3_750) + (2_048 * 3_750) + (2_048 * 300) + (2_048 * 3_750) + (100_000 * 3_000);
        const long Output = ((2 * 1_000) + 100 + 100 + 10_000) * 15_000L;
        Assert.Equal(Written + Output, costs["prompt cache"]);
        Assert.True(costs["prompt cache"] > costs["base"], "writing what is hardly read again costs more than it saves, and that is shown");
    }

    [Fact]
    public async Task An_answer_is_served_as_long_as_its_time_to_live_and_no_longer()
    {
        var file = File("tiny.jsonl", Tiny);

        Assert.Equal(1, await HitsOf(file, "--ttl", "61m"));
        Assert.Equal(0, await HitsOf(file, "--ttl", "60m"));
    }

    [Fact]
    public async Task A_cache_that_is_full_puts_out_what_was_not_used_for_longest()
    {
        var file = File("full.jsonl", Lines("a", "b", "a", "c", "a", "b"));

        Assert.Equal(3, await HitsOf(file));
        Assert.Equal(2, await HitsOf(file, "--max-entries", "2"));
        Assert.Equal(0, await HitsOf(file, "--max-entries", "1"));
    }

    [Theory]
    [InlineData("8:00", 2)]
    [InlineData("8:06", 1)]
    public async Task The_life_of_a_prompt_at_the_provider_begins_anew_with_every_use(string second, int discounts)
    {
        var at = TimeSpan.Parse(second, CultureInfo.InvariantCulture) + TimeSpan.FromMinutes(4);
        var trace = new StringBuilder();
        foreach (var time in new[] { TimeSpan.FromHours(8), at, at + TimeSpan.FromMinutes(5) })
        {
            trace.Append(CultureInfo.InvariantCulture, $$"""{"at":"2026-10-05T{{time:hh\:mm\:ss}}Z","provider":"openai","model":"gpt-4o-mini","input_tokens":2048,"output_tokens":1,"blocks":[1,2,3,4]}""").Append('\n');
        }

        var json = (await CliRun.Of("simulate", File("life.jsonl", trace.ToString()), "--json")).Json;

        Assert.Equal(discounts * 2_048, Strategy(json, "prompt cache").GetProperty("cached_input_tokens").GetInt64());
    }

    [Fact]
    public async Task A_budget_in_the_words_of_budget_set_refuses_what_does_not_fit()
    {
        var file = File("tiny.jsonl", Tiny);

        var json = (await CliRun.Of("simulate", file, "--json", "--budget", "0.003 --period day --scope user=*")).Json;

        // Ann: 2,100,000 + 367,200 fit, 674,400 more do not. Bob: his call fits. The job's does not.
        var first = Strategy(json, "base");
        Assert.Equal((3, 2, 0), (first.GetProperty("asked").GetInt32(), first.GetProperty("refused").GetInt32(), first.GetProperty("hits").GetInt32()));
        Assert.Equal((2 * Long) + Short, first.GetProperty("cost_nanos").GetInt64());
        var warned = (await CliRun.Of("simulate", file, "--json", "--budget", "0.003 --period day --scope user=* --mode warn")).Json;
        Assert.Equal(0, Strategy(warned, "base").GetProperty("refused").GetInt32());
    }

    [Fact]
    public async Task A_rolling_budget_forgets_what_is_older_than_its_span()
    {
        var file = File("rolling.jsonl", Tiny);

        var json = (await CliRun.Of("simulate", file, "--json", "--budget", "1 --unit requests --period rolling --span 1h")).Json;

        // 08:00 fits, 09:00 comes when 08:00 is still in it, 10:00 fits, 10:02 does not, and the job does.
        Assert.Equal((3, 2), (Strategy(json, "base").GetProperty("asked").GetInt32(), Strategy(json, "base").GetProperty("refused").GetInt32()));
    }

    [Fact]
    public async Task Counts_alone_say_nothing_about_repeats_and_none_is_invented()
    {
        var run = await CliRun.Of("simulate", File("counts.csv", "t_ms,input_tokens,output_tokens\n0,1000,100\n500,1000,100\n"), "--model", "gpt-4o-mini", "--start", "2026-10-05");

        ExpectedFile.Check(run.Output, "simulate/counts.txt");
        Assert.Contains("Left out: cached, because the trace does not say which requests are the same.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trace_without_models_needs_one()
    {
        var run = await CliRun.Of("simulate", File("counts.csv", "t_ms,input_tokens,output_tokens\n0,1000,100\n"));

        Assert.Equal(2, run.Code);
        Assert.Contains("Say with --model which one is asked.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_without_a_price_is_unknown_and_never_free()
    {
        var run = await CliRun.Of("simulate", File("tiny.jsonl", Tiny), "--model", "no-such-model", "--json");
        var first = Strategy(run.Json, "base");

        Assert.Equal((5, JsonValueKind.Null), (first.GetProperty("unpriced").GetInt32(), first.GetProperty("cost_nanos").ValueKind));
        Assert.Contains("unknown", (await CliRun.Of("simulate", File("tiny.jsonl", Tiny), "--model", "no-such-model")).Output, StringComparison.Ordinal);
        var refused = (await CliRun.Of("simulate", File("tiny.jsonl", Tiny), "--model", "no-such-model", "--json", "--budget", "5 --period day")).Json;
        Assert.Equal(5, Strategy(refused, "base").GetProperty("refused").GetInt32());
    }

    [Fact]
    public async Task A_trace_may_be_packed_and_come_on_standard_input()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(Tiny));
        }

        var run = await CliRun.WithInput(packed.ToArray(), null, "simulate", "-", "--json");

        Assert.Equal((0, 5), (run.Code, run.Json.GetProperty("calls").GetInt32()));
    }

    [Fact]
    public async Task Lines_that_are_no_requests_are_named_and_the_others_count()
    {
        var file = File("bad.jsonl", $"{Tiny.TrimEnd()}\n{{\"at\":\"2026-10-07T09:00:00Z\",\"model\":\"gpt-4o-mini\",\"input_tokens\":-1}}\nnonsense\n");

        var run = await CliRun.Of("simulate", file, "--json");

        Assert.Equal((1, 5, 2), (run.Code, run.Json.GetProperty("calls").GetInt32(), run.Json.GetProperty("wrong_lines").GetInt32()));
        Assert.Contains("line 7 \"input_tokens\" is negative (-1)", run.Error, StringComparison.Ordinal);
        Assert.Contains("line 8 is not JSON", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_breaks_off_gives_no_figure()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 500).Select(index => Tiny.Replace("ann", $"user-{index * 7919}", StringComparison.Ordinal)))));
        }

        var run = await CliRun.WithInput(packed.ToArray()[..^100], null, "simulate", "-");

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("cannot be read to its end", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, "2026-10-05T08:00:00Z", 1_000_000_000_000_000, 1)]
    [InlineData(2, "8999-10-05T08:00:00Z", 1, 3)]
    public async Task What_is_too_much_or_too_long_to_be_counted_is_said(int calls, string last, long tokens, int times)
    {
        var lines = string.Concat(Enumerable.Range(1, calls).Select(number => string.Create(CultureInfo.InvariantCulture,
            $"{{\"at\":\"{(number == calls ? last : "2026-10-05T08:00:00Z")}\",\"key\":\"{number}\",\"provider\":\"openai\",\"model\":\"gpt-4o\",\"input_tokens\":{tokens},\"output_tokens\":{tokens}}}\n")));

        var run = await CliRun.Of("simulate", File("large.jsonl", lines), "--repeat", times.ToString(CultureInfo.InvariantCulture));

        Assert.True(run.Code is 0 or 1 or 2, run.Error);
    }

    [Fact]
    public async Task A_directory_is_called_one()
    {
        var run = await CliRun.Of("simulate", _files.Path);

        Assert.Equal((2, $"llmcost: '{_files.Path}' is a directory; name a file in it."), (run.Code, run.Error.Split(Environment.NewLine)[0]));
    }

    [Fact]
    public async Task Several_traces_are_replayed_by_their_times()
    {
        // The middle one lies in another file; put behind the first file it would come too late for its prompt.
        var lines = Lines("a", "b", "a").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var (outer, inner) = (File("outer.jsonl", $"{lines[0]}\n{lines[2]}\n"), File("inner.jsonl", $"{lines[1]}\n"));

        var json = (await CliRun.Of("simulate", outer, inner, "--max-entries", "1", "--json")).Json;

        Assert.Equal(0, Strategy(json, "cached").GetProperty("hits").GetInt32());
        Assert.Equal(1, await HitsOf(outer, "--max-entries", "1"));
    }

    [Fact]
    public async Task Prompts_that_are_replayed_so_many_times_are_bought_once()
    {
        var prompts = File("prompts.jsonl", "{\"q\":\"How many legs has a spider?\",\"a\":\"Eight.\"}\n{\"q\":\"How many has an ant?\",\"a\":\"Six.\"}\n");

        var json = (await CliRun.Of("simulate", prompts, "--model", "gpt-4o-mini", "--repeat", "4", "--json")).Json;

        var cached = Strategy(json, "cached");
        Assert.Equal((8, 6, 2), (json.GetProperty("calls").GetInt32(), cached.GetProperty("hits").GetInt32(), cached.GetProperty("asked").GetInt32()));
        Assert.Equal(4 * cached.GetProperty("cost_nanos").GetInt64(), Strategy(json, "base").GetProperty("cost_nanos").GetInt64());
    }

    [Fact]
    public async Task An_export_is_a_trace_and_its_hits_are_those_that_were_recorded()
    {
        var call = SampleHome.Call("2026-11-10T10:00:00Z", 1m);
        using var home = await SampleHome.CreateAsync(
            null,
            call,
            call with { Id = "hit", Status = CallStatus.Cached, Cost = CallCost.Known(Money.Zero) with { Usage = call.Cost.Usage, Saved = Money.FromUsd(0.0028m), CacheLayer = CacheLayer.Disk } },
            SampleHome.Call("2026-11-12T13:00:00Z", 0m) with { Status = CallStatus.Blocked, Cost = CallCost.Known(Money.Zero) });
        var export = Path.Combine(_files.Path, "export.jsonl");
        await CliRun.Of("export", "--home", home.Path, "-o", export);

        var json = (await CliRun.Of("simulate", export, "--json")).Json;

        // gpt-4o: 1,000 in of which 200 were cached, 60 out: $2.50, $1.25 and $10.00 per million.
        Assert.Equal((2, 1), (json.GetProperty("calls").GetInt32(), json.GetProperty("not_replayed").GetProperty("refused_before").GetInt32()));
        Assert.Equal(2 * 3_100_000, Strategy(json, "base").GetProperty("cost_nanos").GetInt64());
        Assert.Equal(2 * 2_850_000, Strategy(json, "prompt cache").GetProperty("cost_nanos").GetInt64());
        Assert.Equal(3_100_000, Strategy(json, "cached").GetProperty("cost_nanos").GetInt64());
    }

    [Fact]
    public async Task A_share_of_the_calls_goes_to_the_cheaper_model_and_the_same_request_always_to_the_same_one()
    {
        var file = File("share.jsonl", Lines([.. Enumerable.Range(0, 400).Select(index => $"k{index % 200}")]));

        var json = (await CliRun.Of("simulate", file, "--cheaper-model", "gpt-4.1-nano", "--cheaper-share", "0.3", "--json")).Json;

        Assert.InRange(Strategy(json, "cheaper model").GetProperty("cheapened").GetInt32(), 70, 170);
        Assert.Equal(200, Strategy(json, "all").GetProperty("hits").GetInt32());
    }

    [Theory]
    [InlineData("needs a TRACE")]
    [InlineData("belong together", "x.jsonl", "--cheaper-model", "gpt-4.1-nano")]
    [InlineData("is not a share", "x.jsonl", "--batch-share", "2")]
    [InlineData("is not a span", "x.jsonl", "--ttl", "forever")]
    [InlineData("--budget '5': --period is missing", "x.jsonl", "--budget", "5")]
    [InlineData("--budget '5 --period day --colour red'", "x.jsonl", "--budget", "5 --period day --colour red")]
    [InlineData("is not three numbers", "x.jsonl", "--latency", "1,2")]
    [InlineData("cannot be read", "no-such-file.jsonl")]
    [InlineData("'x.jsonl' stands before 'trace'", "x.jsonl", "trace")]
    [InlineData("three forms", "x.jsonl", "--json", "--csv")]
    [InlineData("--model is empty", "x.jsonl", "--model", "")]
    public async Task What_makes_no_sense_is_refused_with_what_to_write_instead(string told, params string[] arguments)
    {
        var run = await CliRun.Of(["simulate", .. arguments]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(told, run.Error, StringComparison.Ordinal);
    }

    private async Task<int> HitsOf(string file, params string[] options) =>
        Strategy((await CliRun.Of(["simulate", file, "--json", .. options])).Json, "cached").GetProperty("hits").GetInt32();

    private static async Task<Dictionary<string, long>> CostsOf(string file)
    {
        var json = (await CliRun.Of("simulate", file, "--json")).Json;
        return json.GetProperty("strategies").EnumerateArray().ToDictionary(row => row.GetProperty("strategy").GetString()!, row => row.GetProperty("cost_nanos").GetInt64());
    }

    private static JsonElement Strategy(JsonElement json, string name) =>
        json.GetProperty("strategies").EnumerateArray().Single(row => row.GetProperty("strategy").GetString() == name);

    /// <summary>Requests a minute apart.</summary>
    private static string Lines(params string[] keys) => string.Concat(keys.Select((key, index) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"at":"{{new DateTime(2026, 10, 5, 8, 0, 0, DateTimeKind.Utc).AddMinutes(index):s}}Z","key":"{{key}}","provider":"openai","model":"gpt-4o-mini","input_tokens":100,"output_tokens":10}""") + "\n"));

    private string File(string name, string text)
    {
        var path = Path.Combine(_files.Path, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}
