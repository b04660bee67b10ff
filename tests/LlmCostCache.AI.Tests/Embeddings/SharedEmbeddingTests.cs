using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Batches of texts over a distributed cache.</summary>
[Trait("Pace", "Machine")]
public sealed class SharedEmbeddingTests
{
    private static readonly string[] s_texts = [.. Enumerable.Range(0, 200).Select(i => $"text {i}")];

    private readonly ScriptedDistributedCache _shared = new();

    [Fact]
    public async Task Each_text_of_a_batch_is_looked_up_once_in_a_shared_cache()
    {
        await using (var one = new Machine(_shared))
        {
            await one.Generator.GenerateAsync(s_texts);
            await one.Costs.Cache.FlushAsync(CancellationToken.None);
        }

        Assert.Equal(s_texts.Length, _shared.AnswerReads);

        await using var two = new Machine(_shared);
        var result = await two.Generator.GenerateAsync(s_texts);
        Assert.Equal(2 * s_texts.Length, _shared.AnswerReads);
        Assert.Empty(two.Provider.Calls);
        Assert.Equal(s_texts.Select(FakeEmbeddingGenerator.VectorOf), result.Select(item => item.Vector.ToArray()));
        Assert.Equal(CacheLayer.Distributed, result.GetCost().CacheLayer);
    }

    [Fact]
    public async Task A_batch_looks_up_many_texts_at_once_in_a_shared_cache_but_not_all_of_them()
    {
        await using var machine = new Machine(_shared);
        _shared.Reads = "hangs";
        var asked = machine.Generator.GenerateAsync(s_texts);
        await DistributedLayerTests.UntilAsync(() => Task.FromResult(_shared.AnswerReads >= DistributedLayer.MostAtOnce));
        Assert.Equal(DistributedLayer.MostAtOnce, _shared.AnswerReads);

        _shared.Recover();
        Assert.Equal(s_texts.Length, (await asked).Count);
        Assert.Equal(s_texts.Length, _shared.AnswerReads);
    }

    [Fact]
    public async Task A_shared_cache_that_answers_just_in_time_does_not_hold_up_a_large_batch_text_after_text()
    {
        await using var machine = new Machine(_shared, TimeSpan.FromSeconds(3));
        _shared.ReadsTake = TimeSpan.FromSeconds(1);
        var texts = Enumerable.Range(0, 2_000).Select(i => $"text {i}").ToList();
        var result = await machine.Generator.GenerateAsync(texts);

        Assert.Equal(texts.Count, result.Count);
        Assert.Equal(texts.Count, Assert.Single(machine.Provider.Calls).Count);
        Assert.InRange(_shared.AnswerReads, 1, texts.Count / 2);
    }

    [Theory]
    [MemberData(nameof(ScriptedDistributedCache.Troubles), MemberType = typeof(ScriptedDistributedCache))]
    public async Task A_batch_goes_on_without_a_shared_cache_in_trouble(string trouble)
    {
        await using var machine = new Machine(_shared, TimeSpan.FromMilliseconds(50));
        _shared.Reads = trouble;
        var result = await machine.Generator.GenerateAsync(s_texts);
        _shared.Recover();

        Assert.Equal(s_texts.Select(FakeEmbeddingGenerator.VectorOf), result.Select(item => item.Vector.ToArray()));

        // Those under way when it was left alone, and those that came before the third failure.
        Assert.InRange(_shared.AnswerReads, 0, 2 * DistributedLayer.MostAtOnce);
    }

    [Fact]
    public async Task A_question_to_a_chat_client_is_looked_up_once_in_a_shared_cache()
    {
        await using var machine = new Machine(_shared);
        using var client = new FakeChatClient().AsBuilder().UseCostCache(machine.Costs).Build();
        await client.GetResponseAsync("Hello");
        Assert.Equal(1, _shared.AnswerReads);
    }

    private sealed class Machine : IAsyncDisposable
    {
        private readonly TempHome _home = new();

        public Machine(ScriptedDistributedCache shared, TimeSpan? patience = null)
        {
            // Real time, which a busy machine may run out of.
            Costs = LlmCosts.Open(o => (o.HomeDirectory, o.DistributedCache, o.CacheNamespace, o.DistributedCacheTimeout) =
                (_home.Path, shared, "app", patience ?? TimeSpan.FromSeconds(30)));
            Generator = Provider.AsBuilder().UseCostCache(Costs).Build();
        }

        public FakeEmbeddingGenerator Provider { get; } = new();

        public LlmCosts Costs { get; }

        public IEmbeddingGenerator<string, Embedding<float>> Generator { get; }

        public async ValueTask DisposeAsync()
        {
            await Costs.DisposeAsync();
            _home.Dispose();
        }
    }
}
