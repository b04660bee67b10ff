using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What can be asked of a made-up ledger beside the calls of its trace.</summary>
public sealed class SimulateLedgerTests : IDisposable
{
    private readonly TempHome _home = new();

    private string Into => Path.Combine(_home.Path, "home");

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Budgets_are_noted_when_the_first_call_is_made()
    {
        await Make("--start", "2026-10-05", "--days", "1", "--calls-per-day", "20", "--budget", "5 --period day");

        var change = (await CliRun.Of("budget", "history", "--home", Into, "--json")).Json.GetProperty("changes").EnumerateArray().Single();
        var first = (await CliRun.Of("export", "--home", Into)).JsonLines[0];
        Assert.Equal(first.GetProperty("at").GetDateTimeOffset(), change.GetProperty("at").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_trace_of_milliseconds_was_made_yesterday_or_on_the_day_that_is_named()
    {
        var trace = Path.Combine(_home.Path, "trace.jsonl");
        await File.WriteAllTextAsync(trace, """
            {"t_ms":60000,"model":"gpt-4o-mini","input_tokens":1000,"output_tokens":100,"key":"a"}
            {"t_ms":120000,"model":"gpt-4o-mini","input_tokens":1000,"output_tokens":100,"key":"b"}
            """);

        await Make(trace, "--budget", "5 --period day");
        await CliRun.Of("simulate", "ledger", trace, "--into", Path.Combine(_home.Path, "other"), "--start", "2026-10-05");

        var yesterday = CliRun.Now.UtcDateTime.Date.AddDays(-1);
        Assert.Equal([yesterday.AddMinutes(1), yesterday.AddMinutes(2)], await Times(Into));
        Assert.Equal(new DateTime(2026, 10, 5, 0, 1, 0, DateTimeKind.Utc), (await Times(Path.Combine(_home.Path, "other")))[0]);
    }

    [Fact]
    public async Task Batches_cost_what_the_table_says_of_them()
    {
        var trace = Path.Combine(_home.Path, "trace.jsonl");
        await CliRun.Of("simulate", "trace", "--start", "2026-10-05", "--days", "1", "--calls-per-day", "120", "-o", trace);

        var ledger = await Make(trace, "--batch-share", "0.3");
        var table = (await CliRun.Of("simulate", trace, "--batch-share", "0.3", "--json")).Json.GetProperty("strategies").EnumerateArray().Single(row => row.GetProperty("strategy").GetString() == "all");

        Assert.Equal(table.GetProperty("cost_nanos").GetInt64(), ledger.GetProperty("ledger").GetProperty("spent_nanos").GetInt64());
        Assert.Equal(table.GetProperty("batched").GetInt32(), (await Rows()).Count(row => row.GetProperty("service_tier").GetString() == "batch" && row.GetProperty("status").GetString() == "ok"));
    }

    [Fact]
    public async Task Nothing_is_sent_in_batches_that_nobody_asked_for()
    {
        await Make("--start", "2026-10-05", "--days", "1", "--calls-per-day", "60");

        Assert.All(await Rows(), row => Assert.Equal(JsonValueKind.Null, row.GetProperty("service_tier").ValueKind));
    }

    [Theory]
    [InlineData("retries", "0.2")]
    [InlineData("lost_answers", "0.1")]
    [InlineData("no_scope", "0.2")]
    [InlineData("no_session", "0.2")]
    [InlineData("no_usage", "0.05")]
    [InlineData("oversized_contexts", "0.03")]
    public async Task What_goes_wrong_on_purpose_is_what_doctor_finds(string check, string share)
    {
        string[] days = ["--start", "2026-11-18", "--days", "3", "--calls-per-day", "100"];
        await CliRun.Of(["simulate", "ledger", "--into", Path.Combine(_home.Path, "sound"), .. days]);
        await Make([.. days, "--mistake", $"{check}={share}"]);

        Assert.DoesNotContain(check, await Findings(Path.Combine(_home.Path, "sound")));
        Assert.Contains(check, await Findings(Into));
        Assert.Equal(0, (await CliRun.Of("ledger", "verify", "--home", Into)).Code);
    }

    [Fact]
    public async Task A_retry_is_a_second_attempt_of_its_call_and_costs_nothing_more()
    {
        string[] day = ["--start", "2026-10-05", "--days", "1", "--calls-per-day", "60"];
        var sound = (await CliRun.Of(["simulate", "ledger", "--into", Path.Combine(_home.Path, "sound"), "--json", .. day])).Json;

        var retried = await Make([.. day, "--mistake", "retries=0.3"]);

        Assert.Equal(sound.GetProperty("ledger").GetProperty("spent_nanos").GetInt64(), retried.GetProperty("ledger").GetProperty("spent_nanos").GetInt64());
        var second = (await Rows()).Where(row => row.GetProperty("attempt").GetInt32() == 2).ToList();
        Assert.NotEmpty(second);
        Assert.All(second, row => Assert.Equal("ok", row.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_budget_falls_back_to_another_model_in_a_made_up_ledger()
    {
        string[] day = ["--start", "2026-10-05", "--days", "1", "--calls-per-day", "100"];

        var made = await Make([.. day, "--budget", "0.002 --period day --scope feature=extraction --fall-back-to gpt-4.1-nano"]);

        Assert.Contains(await Rows(), row => row.GetProperty("feature").GetString() == "extraction" && row.GetProperty("model").GetString() == "gpt-4.1-nano");
        Assert.Equal(0, made.GetProperty("ledger").GetProperty("unpriced").GetInt32());
    }

    [Fact]
    public async Task A_count_that_no_call_can_have_is_no_fault()
    {
        var trace = Path.Combine(_home.Path, "trace.jsonl");
        await File.WriteAllTextAsync(trace, """
            {"at":"2026-10-05T08:00:00Z","key":"a","provider":"openai","model":"gpt-4o-mini","input_tokens":10,"output_tokens":1000000000000000}
            {"at":"2026-10-05T09:00:00Z","key":"b","provider":"openai","model":"gpt-4o-mini","input_tokens":10,"output_tokens":10}
            """);

        var run = await CliRun.Of("simulate", "ledger", trace, "--into", Into);

        Assert.True(run.Code is 0 or 1 or 2, run.Error);
    }

    [Theory]
    [InlineData("--mistake", "typos=0.1", "is not one of retries, lost_answers, no_scope, no_session, no_usage, oversized_contexts with a share")]
    [InlineData("--mistake", "retries", "with a share, such as retries=0.08")]
    [InlineData("--mistake", "retries=8%", "'8%' is not a share from 0 to 1")]
    [InlineData("--batch-share", "2", "'2' is not a share from 0 to 1")]
    [InlineData("--start", "monday", "is not a day like 2026-10-05")]
    public async Task What_makes_no_sense_is_refused_before_anything_is_written(string option, string value, string says)
    {
        var run = await CliRun.Of("simulate", "ledger", "--into", Into, option, value);

        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Into));
    }

    [Fact]
    public async Task A_table_that_asks_no_other_model_says_so()
    {
        var run = await CliRun.Of("simulate", "-", "--budget", "5 --period day --fall-back-to gpt-4.1-nano");

        Assert.Equal(2, run.Code);
        Assert.Contains("'llmcost simulate ledger' takes --fall-back-to", run.Error, StringComparison.Ordinal);
    }

    private static async Task<string[]> Findings(string home) =>
        [.. (await CliRun.Of("doctor", "--home", home, "--json")).Json.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("check").GetString()!)];

    private static async Task<DateTime[]> Times(string home) => [.. (await CliRun.Of("export", "--home", home)).JsonLines.Select(row => row.GetProperty("at").GetDateTimeOffset().UtcDateTime)];

    private async Task<JsonElement> Make(params string[] options)
    {
        var run = await CliRun.Of(["simulate", "ledger", "--into", Into, "--json", .. options]);
        Assert.True(run.Code == 0, run.Error);
        return run.Json;
    }

    private async Task<JsonElement[]> Rows() => (await CliRun.Of("export", "--home", Into)).JsonLines;
}
