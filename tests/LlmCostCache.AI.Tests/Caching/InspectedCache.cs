using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What tests that look into <c>cache.db</c> do with a cache.</summary>
internal static class InspectedCache
{
    public static void Store(this CacheFixture cache, string prompt, ChatOptions? options = null, string answer = "Paris.", string? tenant = null) =>
        Assert.Null(cache.Cache.Store(cache.Plan(prompt, options, tenant), CacheFixture.Answer(answer), CacheFixture.Cost));

    public static Task<MissExplanation> WhyMissAsync(this CacheFixture cache, string prompt, ChatOptions? options = null) =>
        cache.Cache.WhyMissAsync(cache.Plan(prompt, options), CancellationToken.None);

    public static async Task<byte[]> ExportAsync(this CacheFixture cache)
    {
        using var lines = new MemoryStream();
        await cache.Cache.ExportAsync(lines);
        return lines.ToArray();
    }

    public static async Task<CacheImport> ImportAsync(this CacheFixture cache, byte[] lines)
    {
        using var source = new MemoryStream(lines);
        return await cache.Cache.ImportAsync(source);
    }

    public static async Task<IReadOnlyList<CacheEntry>> EntriesAsync(this CacheFixture cache)
    {
        await cache.Cache.FlushAsync(CancellationToken.None);
        using var file = CacheFile.TryOpen(cache.Home!);
        return file?.First(EntryFilter.All, EntryOrder.Age, 1_000, AnswerSeal.None) ?? [];
    }
}
