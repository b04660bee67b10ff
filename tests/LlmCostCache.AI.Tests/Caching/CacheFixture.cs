using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A cache in a directory of its own, with a clock that stands still, and the answers and questions tests ask about.</summary>
internal sealed class CacheFixture : IAsyncDisposable
{
    public static readonly CacheEndpoint Endpoint = new("openai", new Uri("https://api.openai.com/v1"), "gpt-4o-mini");

    public static readonly CallCost Cost = CallCost.Known(Money.FromUsd(0.005615m)) with
    {
        Usage = new TokenUsage { UncachedInputTokens = 86, CachedInputTokens = 1920, OutputTokens = 300, Requests = 1 },
        PriceRevision = "openai/2026-08-22",
    };

    private readonly bool _ownsHome;

    public CacheFixture(Action<LlmCostsOptions>? configure = null, bool disk = false, string? home = null, FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        if (disk || home is not null)
        {
            _ownsHome = home is null;
            Home = home ?? Directory.CreateTempSubdirectory("llmcostcache-").FullName;
        }

        // Real time, which a busy machine may run out of; tests of the limit set it.
        var options = new LlmCostsOptions { TimeProvider = Time, DistributedCacheTimeout = TimeSpan.FromSeconds(30) };
        configure?.Invoke(options);
        Cache = new ResponseCache(options, Home, NullLogger.Instance, (layer, what) => Failures.Enqueue((layer, what)));
    }

    public FakeTimeProvider Time { get; }

    public string? Home { get; }

    public ResponseCache Cache { get; }

    public ConcurrentQueue<(CacheLayer Layer, string What)> Failures { get; } = [];

    public static ChatResponse Answer(string text = "Paris.") => new(new ChatMessage(ChatRole.Assistant, text))
    {
        ResponseId = "chatcmpl-1",
        ModelId = "gpt-4o-mini-2024-07-18",
        FinishReason = ChatFinishReason.Stop,
        Usage = new UsageDetails { InputTokenCount = 2006, OutputTokenCount = 300 },
    };

    public static List<ChatMessage> Ask(string text) => [new ChatMessage(ChatRole.User, text)];

    public CachePlan Plan(string text, ChatOptions? options = null, string? tenant = null, CachePolicy? policy = null, CacheEndpoint? endpoint = null) =>
        Plan(Ask(text), options, tenant, policy, endpoint);

    public CachePlan Plan(IList<ChatMessage> messages, ChatOptions? options = null, string? tenant = null, CachePolicy? policy = null,
        CacheEndpoint? endpoint = null) => Cache.Plan(messages, options, endpoint ?? Endpoint, tenant, policy ?? CachePolicy.Default);

    public async Task<CacheHit?> FindAsync(CachePlan plan) => await Cache.FindAsync(plan, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Cache.DisposeAsync();
        if (_ownsHome)
            Directory.Delete(Home!, recursive: true);
    }
}
