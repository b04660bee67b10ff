using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What <c>docs/concepts/cache.md</c> says compiles, runs and is true.</summary>
public class CachePageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "concepts", "cache.md"));

    [Fact]
    public async Task The_snippet_of_the_page_runs()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var provider = new FakeChatClient();

        // The lines of the page, each as it stands there.
        var client = provider.AsBuilder()
            .UseFunctionInvocation()
            .UseCostCache(costs, cache =>
            {
                cache.TimeToLive = TimeSpan.FromHours(6);
                cache.ServeStaleFor = TimeSpan.FromDays(1);
                cache.ShouldStore = answer => !answer.Text.Contains("as of today", StringComparison.Ordinal);
            })
            .Build();

        var options = new ChatOptions().WithCache(cache => cache.Tag("prompt-v7").TimeToLive(TimeSpan.FromMinutes(10)));
        var answer = await client.GetResponseAsync("What is an invoice?", options);
        Console.WriteLine(answer.GetCost().CacheLayer);
        await costs.Cache.InvalidateTagAsync("prompt-v7");

        Assert.Equal("answer 2", (await client.GetResponseAsync("What is an invoice?", options)).Text);
        var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.Tests", "Caching", "CachePageTests.cs"));
        var lines = source.Split('\n').Select(line => line.Trim()).ToHashSet();
        var snippet = s_page.Split("```csharp\n")[1].Split("```")[0].Split('\n').Select(line => line.Trim());
        Assert.All(snippet, line => Assert.Contains(line, lines));
    }

    [Fact]
    public async Task The_defaults_on_the_page_are_the_defaults()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        using var cache = new CostCachingChatClient(new FakeChatClient(), costs);
        Row("MemoryCacheBytes", string.Create(CultureInfo.InvariantCulture, $"{costs.Options.MemoryCacheBytes >> 20} MB"));
        Row("DiskCacheBytes", string.Create(CultureInfo.InvariantCulture, $"{costs.Options.DiskCacheBytes >> 30} GB"));
        Row("DistributedCacheTimeout", string.Create(CultureInfo.InvariantCulture, $"{costs.Options.DistributedCacheTimeout.TotalMilliseconds} ms"));
        Row("AllowSharedCacheWithoutNamespace", costs.Options.AllowSharedCacheWithoutNamespace ? "true" : "false");
        Row("CacheNormalization", $"`{costs.Options.CacheNormalization}`");
        Row("CacheExcerpts", costs.Options.CacheExcerpts ? "true" : "false");
        Row("TimeToLive", string.Create(CultureInfo.InvariantCulture, $"{cache.TimeToLive.TotalHours} hours"));
        Row("MaxAnswerBytes", string.Create(CultureInfo.InvariantCulture, $"{cache.MaxAnswerBytes >> 20} MB"));
        Row("ServeStaleFor", cache.ServeStaleFor == TimeSpan.Zero ? "never" : "?");
        Row("RefreshAhead", cache.RefreshAhead == 0 ? "never" : "?");
        Row("RememberErrorsFor", cache.RememberErrorsFor == TimeSpan.Zero ? "not at all" : "?");
        Row("ReplayPace", cache.ReplayPace is null ? "at once" : "?");
        Row("HitUsage", $"`{cache.HitUsage}`");
        Row("SlidingExpiration", cache.SlidingExpiration is null ? "none" : "?");
        foreach (var (name, value) in (ReadOnlySpan<(string, bool)>)[("AllowUriContent", cache.AllowUriContent), ("OnlyDeterministic", cache.OnlyDeterministic),
            ("StoreToolCalls", cache.StoreToolCalls), ("StoreRefusals", cache.StoreRefusals)])
        {
            Row(name, value ? "true" : "false");
        }
    }

    private static void Row(string option, string value) => Assert.Contains($"| `{option}` | {value} |", s_page, StringComparison.Ordinal);
}
