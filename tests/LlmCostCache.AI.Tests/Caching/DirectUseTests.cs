using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class DirectUseTests
{
    [Fact]
    public async Task Set_and_get_use_the_same_question()
    {
        await using var fixture = new CacheFixture(disk: true);
        var cache = fixture.Cache;
        Assert.True(await cache.SetAsync("Capital of France?", "Paris.", "gpt-4o", new ChatOptions { Temperature = 0.2f }));

        Assert.Null(await cache.GetAsync("Capital of France?", "gpt-4o"));
        Assert.Null(await cache.GetAsync("Capital of France?", "gpt-4o-mini", new ChatOptions { Temperature = 0.2f }));
        var found = await cache.GetAsync("Capital of France?", "gpt-4o", new ChatOptions { Temperature = 0.2f });
        Assert.Equal("Paris.", found!.Text);
        Assert.Equal(CacheLayer.Memory, found.Layer);
        Assert.Equal(fixture.Time.GetUtcNow().AddHours(24), found.ExpiresAt);
        Assert.NotNull(await cache.GetAsync("Capital of France?", options: new ChatOptions { Temperature = 0.2f, ModelId = "gpt-4o" }));

        Assert.True(await cache.RemoveAsync("Capital of France?", "gpt-4o", new ChatOptions { Temperature = 0.2f }));
        Assert.Null(await cache.GetAsync("Capital of France?", "gpt-4o", new ChatOptions { Temperature = 0.2f }));
    }

    [Fact]
    public async Task What_was_set_is_on_the_disk_when_set_returns()
    {
        await using var fixture = new CacheFixture(disk: true);
        await fixture.Cache.SetAsync("Q", "A", options: new ChatOptions().WithCache(c => c.Tag("t")));

        await using var other = new CacheFixture(home: fixture.Home, time: fixture.Time);
        Assert.Equal(CacheLayer.Disk, (await other.Cache.GetAsync("Q"))!.Layer);
        Assert.Equal(1, await other.Cache.InvalidateTagAsync("t"));
    }

    [Fact]
    public async Task Tenants_do_not_share()
    {
        await using var fixture = new CacheFixture();
        using (CostScope.Begin(tenant: "a"))
            await fixture.Cache.SetAsync("Q", "of a");

        using (CostScope.Begin(tenant: "b"))
            Assert.Null(await fixture.Cache.GetAsync("Q"));

        Assert.Null(await fixture.Cache.GetAsync("Q"));
    }

    [Fact]
    public async Task Empty_answers_and_unnameable_questions_are_not_stored()
    {
        await using var fixture = new CacheFixture();

        Assert.False(await fixture.Cache.SetAsync("Q", ""));
        Assert.False(await fixture.Cache.SetAsync("Q", "A", options: new ChatOptions { ConversationId = "c" }));
        Assert.False(await fixture.Cache.RemoveAsync("Q"));
    }

    [Fact]
    public async Task Embeddings_are_remembered_apart_from_answers()
    {
        await using var fixture = new CacheFixture(disk: true);
        CachePlan Plan(FixturePlan which) => fixture.Cache.PlanEmbedding("Q", which.Options, CacheFixture.Endpoint, null, CachePolicy.Default);
        var vector = new Embedding<float>(new[] { 0.1f, -2.5f, 3e-9f }) { ModelId = "e-1" };

        Assert.Null(fixture.Cache.StoreEmbedding(Plan(new()), vector, CacheFixture.Cost));
        await fixture.Cache.FlushAsync(CancellationToken.None);

        await using var other = new CacheFixture(home: fixture.Home, time: fixture.Time);
        foreach (var cache in new[] { fixture.Cache, other.Cache })
        {
            var hit = (await cache.FindEmbeddingsAsync([Plan(new())], CancellationToken.None))[0];
            Assert.Equal(vector.Vector.ToArray(), hit!.Embedding.Vector.ToArray());
            Assert.Equal(("e-1", CacheFixture.Cost), (hit.Embedding.ModelId, hit.Original));
        }

        Assert.Null((await fixture.Cache.FindEmbeddingsAsync([Plan(new(new() { Dimensions = 2 }))], CancellationToken.None))[0]);
        Assert.NotNull(fixture.Cache.StoreEmbedding(Plan(new()), new(new[] { float.NaN }), CacheFixture.Cost));
        Assert.NotNull(fixture.Cache.StoreEmbedding(Plan(new()), new(new[] { 0f, 0f }), CacheFixture.Cost));
    }

    private sealed record FixturePlan(EmbeddingGenerationOptions? Options = null);

    [Fact]
    public async Task An_answer_that_was_removed_while_the_file_was_locked_is_not_served_from_it_again()
    {
        await using var fixture = new CacheFixture(disk: true);
        Assert.True(await fixture.Cache.SetAsync("Q", "old"));
        using (var other = DiskFixture.Open(Path.Combine(fixture.Home!, DiskFile.Name)))
        {
            using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            await fixture.Cache.RemoveAsync("Q");

            Assert.Null(await fixture.Cache.GetAsync("Q"));
        }

        Assert.True(await fixture.Cache.SetAsync("Q", "new"));
        Assert.Equal("new", (await fixture.Cache.GetAsync("Q"))!.Text);
    }
}
