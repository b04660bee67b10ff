using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

public class CacheStatsTests
{
    private static UsageRecord Shared(string at, decimal saved) => SampleHome.Hit(at, saved) with
    {
        Status = CallStatus.Coalesced,
        Cost = CallCost.Known(Money.Zero) with { Saved = Money.FromUsd(saved), CacheLayer = CacheLayer.Coalesced },
    };

    private static UsageRecord Memory(string at, decimal saved)
    {
        var hit = SampleHome.Hit(at, saved, "gpt-4o-mini");
        return hit with { Cost = hit.Cost with { CacheLayer = CacheLayer.Memory } };
    }

    private static UsageRecord Check(string at, decimal spent)
    {
        var check = SampleHome.Call(at, spent);
        return check with { Cost = check.Cost with { Saved = Money.FromUsd(-spent) } };
    }

    private static Task<SampleHome> Sample() => SampleHome.CreateAsync(
        null,
        SampleHome.Call("2026-11-22T10:00:00Z", 1.25m) with { Attribution = Attribution.None with { Feature = "chat" } },
        SampleHome.Call("2026-11-21T11:00:00Z", 0.75m, "gpt-4o-mini"),
        SampleHome.Hit("2026-11-22T12:00:00Z", 0.5m),
        Memory("2026-11-22T12:30:00Z", 0.25m),
        Shared("2026-11-22T13:00:00Z", 0.125m),
        Check("2026-11-22T13:10:00Z", 0.01m),
        SampleHome.Call("2026-11-22T14:00:00Z", 0m) with { Status = CallStatus.Blocked },
        SampleHome.Call("2026-11-22T14:00:00Z", 0m) with { Status = CallStatus.Failed });

    [Fact]
    public async Task The_hit_rate_of_each_layer_is_its_share_of_all_calls()
    {
        using var home = await Sample();

        var run = await CliRun.Of("cache", "stats", "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(
            [
                "layer hit rate hits coalesced misses saved spent",
                "coalesced 16.7% 0 1 0 $0.125 $0.00",
                "disk 16.7% 1 0 0 $0.50 $0.00",
                "memory 16.7% 1 0 0 $0.25 $0.00",
                "(provider) - 0 0 3 $0.00 $2.01",
                "total 50.0% 2 1 3 $0.875 $2.01",
            ],
            run.Lines[..6].Select(Squeezed));
        Assert.Contains("2 calls were refused or failed and are in no column.", run.Lines);
        Assert.Contains("The cache itself spent $0.01, so $0.865 was saved in net.", run.Lines);
    }

    [Fact]
    public async Task Hit_rates_are_told_by_model_feature_and_day()
    {
        using var home = await Sample();

        var (model, feature, day) = (await Stats(home, "model"), await Stats(home, "feature"), await Stats(home, "day"));

        Assert.Equal([("gpt-4o", 0.5m), ("gpt-4o-mini", 0.5m)], model.Select(Rate));
        Assert.Equal([("chat", 0m), (null, 0.6m)], feature.Select(Rate));
        Assert.Equal([("2026-11-21", 0m), ("2026-11-22", 0.6m)], day.Select(Rate));

        static (string?, decimal) Rate(JsonElement group) => (group.GetProperty("key").GetString(), group.GetProperty("hit_rate").GetDecimal());
    }

    [Fact]
    public async Task The_figures_of_machines_are_whole_nano_dollars()
    {
        using var home = await Sample();

        var json = (await CliRun.Of("cache", "stats", "--home", home.Path, "--last", "1h", "--json")).Json;
        var all = (await CliRun.Of("cache", "stats", "--home", home.Path, "--json")).Json.GetProperty("total");

        Assert.Equal(("cache-stats/1", "layer", JsonValueKind.Null), (json.GetProperty("schema").GetString(), json.GetProperty("by").GetString(), json.GetProperty("total").GetProperty("hit_rate").ValueKind));
        Assert.Equal((875_000_000L, 865_000_000L, 2_010_000_000L, 2L), (all.GetProperty("saved_nanos").GetInt64(), all.GetProperty("net_nanos").GetInt64(), all.GetProperty("spent_nanos").GetInt64(), all.GetProperty("not_counted").GetInt64()));
    }

    [Fact]
    public async Task The_file_says_what_it_holds_and_what_was_worth_most()
    {
        using var home = await CacheHome.WithAnswersAsync();
        home.Tamper("UPDATE answer SET hits = 3, saved_nanos = 12500000 WHERE model = 'gpt-4o'");

        var run = await CliRun.Of("cache", "stats", "--home", home.Path);
        var file = (await CliRun.Of("cache", "stats", "--home", home.Path, "--json")).Json;

        Assert.Contains("entries 3", run.Lines.Select(Squeezed));
        Assert.Contains("stored 2026-11-22 15:30:00Z to 2026-11-22 15:30:00Z", run.Lines.Select(Squeezed));
        Assert.Contains("next expires 2026-11-22 16:30:00Z", run.Lines.Select(Squeezed));
        Assert.Contains("served 3 times, which saved $0.0125", run.Lines.Select(Squeezed));
        Assert.Matches("^[0-9a-f]{12} gpt-4o legal acme 2026-11-22 15:30:00Z 2026-11-23 15:30:00Z [0-9.]+ K?B 3 \\$0.0125$", Squeezed(run.Lines[^1]));
        Assert.Equal((3, 0, 12_500_000L), (file.GetProperty("file").GetProperty("entries").GetInt32(), file.GetProperty("file").GetProperty("expired").GetInt32(), file.GetProperty("file").GetProperty("saved_nanos").GetInt64()));
        Assert.Equal("gpt-4o", Assert.Single(file.GetProperty("most_valuable").EnumerateArray()).GetProperty("model").GetString());
        Assert.DoesNotContain("capital", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_home_without_anything_is_a_beginning()
    {
        using var home = new TempHome();

        var (text, json) = (await CliRun.Of("cache", "stats", "--home", home.Path), await CliRun.Of("cache", "stats", "--home", home.Path, "--json"));

        Assert.Equal(0, text.Code);
        Assert.Equal([$"no calls recorded yet in {home.Path}", $"no cache.db in {home.Path}: nothing is stored on disk"], text.Lines);
        Assert.Equal(JsonValueKind.Null, json.Json.GetProperty("file").ValueKind);
        Assert.Empty(Directory.GetFiles(home.Path));
    }

    private static async Task<JsonElement[]> Stats(SampleHome home, string by) =>
        [.. (await CliRun.Of("cache", "stats", "--home", home.Path, "--by", by, "--json")).Json.GetProperty("groups").EnumerateArray()];

    private static string Squeezed(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
