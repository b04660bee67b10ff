using LlmCostCache.AI;
using Microsoft.Extensions.AI;

namespace StockCacheExample;

/// <summary>One of the two caches, empty, around a scripted model; both over a backend of the same kind.</summary>
internal abstract class Candidate : IAsyncDisposable
{
    public required SettableClock Clock { get; init; }

    public ScriptedModel Model { get; } = new();

    public required Backend Backend { get; init; }

    public IChatClient Client => field ??= Wrap(Model);

    /// <summary>Puts this cache in front of a client; all clients wrapped by one candidate share it.</summary>
    public IChatClient Wrap(IChatClient inner) => Wrap(inner, static builder => builder, static builder => builder);

    /// <summary>The same with something outside and something inside of the cache.</summary>
    public abstract IChatClient Wrap(IChatClient inner, Func<ChatClientBuilder, ChatClientBuilder> outside, Func<ChatClientBuilder, ChatClientBuilder> inside);

    public abstract IEmbeddingGenerator<string, Embedding<float>> Wrap(IEmbeddingGenerator<string, Embedding<float>> inner);

    /// <summary>Waits until the cache has written what it writes in the background.</summary>
    public abstract Task SettleAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>What comes with Microsoft.Extensions.AI.</summary>
    public sealed class Stock : Candidate
    {
        public override IChatClient Wrap(IChatClient inner, Func<ChatClientBuilder, ChatClientBuilder> outside, Func<ChatClientBuilder, ChatClientBuilder> inside) =>
            inside(outside(inner.AsBuilder()).UseDistributedCache(Backend)).Build();

        public override IEmbeddingGenerator<string, Embedding<float>> Wrap(IEmbeddingGenerator<string, Embedding<float>> inner) =>
            inner.AsBuilder().UseDistributedCache(Backend).Build();

        public override Task SettleAsync() => Task.CompletedTask;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Ours. Only the cases about a broken backend use the backend; the others run as it comes, in memory and on the disk.</summary>
    public sealed class Ours : Candidate
    {
        private readonly string _home = Directory.CreateTempSubdirectory("llmcost-stock-cache-").FullName;
        private readonly bool _onlyBackend;

        public Ours(bool onlyBackend) => _onlyBackend = onlyBackend;

        public LlmCosts Costs => field ??= LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home;
            o.TimeProvider = Clock;
            if (_onlyBackend)
            {
                o.MemoryCacheBytes = 0;
                o.DiskCacheBytes = 0;
                o.DistributedCache = Backend;
                o.CacheNamespace = "stock-cache-example";
            }
        });

        public override IChatClient Wrap(IChatClient inner, Func<ChatClientBuilder, ChatClientBuilder> outside, Func<ChatClientBuilder, ChatClientBuilder> inside) =>
            inside(outside(inner.AsBuilder()).UseCostCache(Costs)).Build();

        public override IEmbeddingGenerator<string, Embedding<float>> Wrap(IEmbeddingGenerator<string, Embedding<float>> inner) =>
            inner.AsBuilder().UseCostCache(Costs).Build();

        public override async Task SettleAsync() => await Costs.FlushAsync();

        public override async ValueTask DisposeAsync()
        {
            await Costs.DisposeAsync();
            Directory.Delete(_home, recursive: true);
        }
    }
}
