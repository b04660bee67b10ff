using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class DoctorTests
{
    private static readonly Attribution s_atlas = Attribution.None with { Project = "atlas", Session = "run-1" };

    [Fact]
    public async Task A_hit_of_no_known_layer_is_a_hit()
    {
        using var home = await SampleHome.CreateAsync(null, [.. Enumerable.Range(0, 100).Select(_ => SampleHome.Call("2026-11-20T10:00:00Z", 0.01m))]);
        await CliRun.Of("record", "--home", home.Path, "--model", "gpt-4o", "--input", "1000", "--status", "cached", "--at", "2026-11-20T11:00:00Z");

        var json = (await CliRun.Of("doctor", "--home", home.Path, "--json")).Json;

        Assert.Contains("no_hits", json.GetProperty("fine").EnumerateArray().Select(check => check.GetString()));
    }

    [Fact]
    public async Task A_sound_installation_with_named_calls_ends_with_zero()
    {
        using var home = await Home(Calls(5));

        var run = await CliRun.Of("doctor", "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith("Fine: sqlite version, ", run.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing found in 5 rows of the ledger.", run.Output, StringComparison.Ordinal);
        Assert.Contains("Not checked: duplicate prompts, because the ledger keeps neither prompts nor fingerprints of them", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_home_without_a_ledger_is_a_beginning()
    {
        var run = await CliRun.Of("doctor");

        Assert.Equal(0, run.Code);
        Assert.Contains("Not checked: ledger, because no calls recorded yet", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_finding_says_what_how_many_how_much_and_what_now()
    {
        using var home = await Home(
            [.. Calls(3), SampleHome.Call("2026-11-20T10:00:00Z", 2m), SampleHome.Unpriced("2026-11-20T11:00:00Z") with { Attribution = s_atlas }]);

        var run = await CliRun.Of("doctor", "--home", home.Path);
        var json = await CliRun.Of("doctor", "--home", home.Path, "--json");

        Assert.Equal((1, 1), (run.Code, json.Code));
        ExpectedFile.Check(run.Output, "doctor/findings.txt", [(home.Path, "HOME")]);
        ExpectedFile.Check(json.Output, "doctor/findings.json", [(home.Path, "HOME")]);
    }

    [UnixFact]
    public async Task Files_that_others_can_read_are_named_with_the_command_that_closes_them()
    {
        using var home = await Home(Calls(1));
#pragma warning disable CA1416 // The attribute sees to it.
        File.SetUnixFileMode(home.LedgerFile, (UnixFileMode)Convert.ToInt32("644", 8));
#pragma warning restore CA1416

        var finding = Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "permissions");

        Assert.Contains("(mode 644)", finding.GetProperty("what").GetString(), StringComparison.Ordinal);
        Assert.Equal($"chmod 600 '{home.LedgerFile}'", finding.GetProperty("remedy").GetString());
    }

    [Fact]
    public async Task A_file_that_is_no_ledger_is_a_finding_and_not_the_end()
    {
        using var home = await Home(Calls(1));
        foreach (var log in Directory.EnumerateFiles(home.Path, "ledger.db-*"))
        {
            File.Delete(log);
        }

        await File.WriteAllTextAsync(home.LedgerFile, new string('x', 8192));

        Assert.Contains("ledger.db", Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "ledger").GetProperty("what").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_archive_is_a_finding_that_names_the_file_and_the_rest_is_checked()
    {
        using var home = await Home([SampleHome.Call("2026-08-02T00:00:00Z", 2m), .. Calls(3)]);
        Assert.Equal(0, (await CliRun.Of("ledger", "archive", "--before", "2026-09", "--yes", "--home", home.Path)).Code);
        File.Delete(Assert.Single(Directory.GetFiles(Path.Combine(home.Path, "archive"), "*.db")));

        var run = await CliRun.Of("doctor", "--home", home.Path, "--json");

        var finding = Finding(run, "archives");
        Assert.Contains("ledger-2026-08.db", finding.GetProperty("what").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, run.Code);
        Assert.Equal(3, run.Json.GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task A_price_file_with_a_mistake_is_a_finding_and_the_calls_are_looked_at_nevertheless()
    {
        using var home = await Home(Calls(2));
        await File.WriteAllTextAsync(Path.Combine(home.Path, "prices.json"), "{");

        var run = await CliRun.Of("doctor", "--home", home.Path, "--json");

        Assert.Contains("prices.json", Finding(run, "price_files").GetProperty("what").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, run.Json.GetProperty("rows").GetInt64());
    }

    [Fact]
    public async Task The_same_small_call_at_regular_intervals_is_a_heartbeat()
    {
        var beats = Enumerable.Range(0, 20).Select(i => Small(CliRun.Now.AddMinutes(-5 * i).AddSeconds(i % 3)));
        using var home = await Home([.. beats]);

        var finding = Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "heartbeats");

        Assert.Equal((20, 20_000_000), (finding.GetProperty("calls").GetInt64(), finding.GetProperty("cost_nanos").GetInt64()));
        Assert.Contains("every 300 seconds for atlas", finding.GetProperty("what").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Small_calls_as_people_make_them_are_no_heartbeat()
    {
        var calls = Enumerable.Range(0, 20).Select(i => Small(CliRun.Now.AddMinutes(-i * i)));
        using var home = await Home([.. calls]);

        Assert.DoesNotContain("heartbeats", Found(await CliRun.Of("doctor", "--home", home.Path, "--json")));
    }

    [Fact]
    public async Task Contexts_far_above_the_usual_are_found()
    {
        using var home = await Home([.. Calls(60), Long(100_000), Long(3_000)]);

        var finding = Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "oversized_contexts");

        Assert.Equal((1, 1_000_000_000), (finding.GetProperty("calls").GetInt64(), finding.GetProperty("cost_nanos").GetInt64()));
    }

    [Fact]
    public async Task Long_prompts_that_the_provider_never_had_are_found_with_what_they_may_cost_too_much()
    {
        using var home = await Home([.. Enumerable.Range(0, 20).Select(_ => Long(2_048))]);

        var finding = Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "prompt_cache_unused");

        // 2,048 tokens at $1.25 instead of $2.50 per million, twenty times.
        Assert.Equal(51_200_000, finding.GetProperty("avoidable_nanos").GetInt64());
    }

    [Fact]
    public async Task One_prompt_that_was_read_from_the_providers_cache_clears_the_model()
    {
        using var home = await Home([.. Enumerable.Range(0, 20).Select(_ => Long(2_048)), Long(2_048, cached: 1_024)]);

        Assert.DoesNotContain("prompt_cache_unused", Found(await CliRun.Of("doctor", "--home", home.Path, "--json")));
    }

    [Theory]
    [InlineData("aggregated", "aggregated_calls")]
    [InlineData("clamped,no_usage", "no_usage")]
    [InlineData("overrun", "budget_overruns")]
    [InlineData("provider_cost_differs", "provider_cost_differs")]
    public async Task What_the_meter_noticed_is_found(string flags, string check)
    {
        using var home = await Home([.. Calls(3), Calls(1)[0] with { Flags = flags }]);

        Assert.Equal(1, Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), check).GetProperty("calls").GetInt64());
    }

    [Fact]
    public async Task Attempts_after_the_first_are_retries()
    {
        using var home = await Home([.. Calls(3), Calls(1)[0] with { CallId = "call", Attempt = 2 }]);

        Assert.Equal(1_000_000_000, Finding(await CliRun.Of("doctor", "--home", home.Path, "--json"), "retries").GetProperty("cost_nanos").GetInt64());
    }

    [Fact]
    public async Task A_hundred_paid_calls_without_a_hit_ask_where_the_cache_is()
    {
        using var none = await Home(Calls(100));
        using var one = await Home([.. Calls(100), SampleHome.Hit("2026-11-20T10:00:00Z", 1m)]);

        Assert.Contains("no_hits", Found(await CliRun.Of("doctor", "--home", none.Path, "--json")));
        Assert.DoesNotContain("no_hits", Found(await CliRun.Of("doctor", "--home", one.Path, "--json")));
    }

    [Fact]
    public async Task Calls_without_a_session_are_found_where_others_have_one()
    {
        using var some = await Home([.. Calls(3), Calls(1)[0] with { Attribution = Attribution.None with { Project = "atlas" } }]);
        using var none = await Home([Calls(1)[0] with { Attribution = Attribution.None with { Project = "atlas" } }]);

        Assert.Contains("no_session", Found(await CliRun.Of("doctor", "--home", some.Path, "--json")));
        Assert.DoesNotContain("no_session", Found(await CliRun.Of("doctor", "--home", none.Path, "--json")));
    }

    [Fact]
    public async Task Names_that_would_drive_a_terminal_are_written_out()
    {
        var beats = Enumerable.Range(0, 20).Select(i => Small(CliRun.Now.AddMinutes(-5 * i)) with { Attribution = s_atlas with { Project = "\u001b[2J" } });
        using var home = await Home([.. beats]);

        var run = await CliRun.Of("doctor", "--home", home.Path);

        Assert.DoesNotContain("\u001b", run.Output, StringComparison.Ordinal);
        Assert.Contains("\\u001b[2J", run.Output, StringComparison.Ordinal);
    }

    private static Task<SampleHome> Home(UsageRecord[] records) => SampleHome.CreateAsync(null, records);

    private static UsageRecord[] Calls(int count) => [.. Enumerable.Range(0, count).Select(i => SampleHome.Call(At(CliRun.Now.AddMinutes(-11 * i - 60)), 1m) with { Attribution = s_atlas })];

    private static UsageRecord Small(DateTimeOffset at)
    {
        var call = SampleHome.Call(At(at), 0.001m);
        return call with { Attribution = s_atlas, Cost = call.Cost with { Usage = new() { UncachedInputTokens = 12, OutputTokens = 1, Requests = 1 } } };
    }

    private static UsageRecord Long(long input, long cached = 0)
    {
        var call = SampleHome.Call("2026-11-20T10:00:00Z", 1m);
        return call with { Attribution = s_atlas, Cost = call.Cost with { Usage = new() { UncachedInputTokens = input - cached, CachedInputTokens = cached, OutputTokens = 10, Requests = 1 } } };
    }

    private static string At(DateTimeOffset at) => at.ToString("O", CultureInfo.InvariantCulture);

    private static JsonElement Finding(CliRun run, string check)
    {
        Assert.Equal(1, run.Code);
        return run.Json.GetProperty("findings").EnumerateArray().Single(finding => finding.GetProperty("check").GetString() == check);
    }

    private static string[] Found(CliRun run) => [.. run.Json.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("check").GetString()!)];
}
