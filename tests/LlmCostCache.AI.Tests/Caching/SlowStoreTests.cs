using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace LlmCostCache.AI.Tests;

/// <summary>A paid answer is with its caller before any layer below memory has it.</summary>
[Trait("Pace", "Machine")]
public class SlowStoreTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_does_not_wait_until_it_is_stored(bool streamed)
    {
        var shared = new StuckCache();
        await using var pipeline = new Pipeline(o =>
        {
            o.DistributedCache = shared;
            o.CacheNamespace = "test";
        }, (builder, costs) => builder.UseCostCache(costs));
        await using (var blocker = new SqliteConnection($"Data Source={Path.Combine(pipeline.Home, "cache.db")};Pooling=False"))
        {
            // Nobody else can write the file while this transaction lasts.
            await blocker.OpenAsync();
            await using var transaction = await blocker.BeginTransactionAsync();

            var answer = streamed
                ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync()
                : await pipeline.Client.GetResponseAsync("Hello");

            Assert.Equal("answer 1", answer.Text);
            Assert.False(shared.HasStored);
            Assert.Equal(CacheLayer.Memory, (await pipeline.Client.GetResponseAsync("Hello")).GetCost().CacheLayer);
            await transaction.RollbackAsync();
        }

        shared.Release();
        Assert.Single(pipeline.Provider.Calls);
    }

    private sealed class StuckCache : IDistributedCache
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool HasStored { get; private set; }

        public void Release() => _released.TrySetResult();

        public byte[]? Get(string key) => null;

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult<byte[]?>(null);

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();

        public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            await _released.Task.WaitAsync(token);
            HasStored = true;
        }

        public void Refresh(string key) => throw new NotSupportedException();

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => throw new NotSupportedException();

        public Task RemoveAsync(string key, CancellationToken token = default) => Task.CompletedTask;
    }
}
