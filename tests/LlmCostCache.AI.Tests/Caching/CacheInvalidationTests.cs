using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace LlmCostCache.AI.Tests;

public class CacheInvalidationTests
{
    private static ChatOptions Tagged(string tag) => new ChatOptions().WithCache(c => c.Tag(tag));

    private static Task FlushAsync(CacheFixture fixture) => fixture.Cache.FlushAsync(CancellationToken.None);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tag_takes_its_answers_along_and_no_others(bool disk)
    {
        await using var fixture = new CacheFixture(disk: disk);
        fixture.Cache.Store(fixture.Plan("Q1", Tagged("v7")), CacheFixture.Answer(), CacheFixture.Cost);
        fixture.Cache.Store(fixture.Plan("Q2", Tagged("v7")), CacheFixture.Answer(), CacheFixture.Cost);
        fixture.Cache.Store(fixture.Plan("Q3", Tagged("v8")), CacheFixture.Answer(), CacheFixture.Cost);
        fixture.Cache.Store(fixture.Plan("Q4"), CacheFixture.Answer(), CacheFixture.Cost);

        Assert.Equal(2, await fixture.Cache.InvalidateTagAsync("v7"));

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q1")));
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q2")));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q3")));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q4")));

        // A new answer under the same tag is valid, even at the same instant.
        fixture.Cache.Store(fixture.Plan("Q1", Tagged("v7")), CacheFixture.Answer("new"), CacheFixture.Cost);
        Assert.Equal("new", (await fixture.FindAsync(fixture.Plan("Q1")))!.Response.Text);
    }

    [Fact]
    public async Task An_answer_that_was_asked_for_before_and_arrives_after_is_not_served()
    {
        await using var fixture = new CacheFixture(disk: true);
        var early = fixture.Plan("Q", Tagged("v7"));

        await fixture.Cache.InvalidateTagAsync("v7");

        Assert.NotNull(fixture.Cache.Store(early, CacheFixture.Answer("old"), CacheFixture.Cost));
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
    }

    [Fact]
    public async Task A_question_between_two_invalidations_is_later_than_the_first_and_older_than_the_second()
    {
        await using var fixture = new CacheFixture();
        var invalidations = new Invalidations(fixture.Time);
        var first = invalidations.Begin();
        var asked = invalidations.Now();
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        var second = invalidations.Begin();

        // Stamped only now, after both.
        Assert.InRange(invalidations.StampSince(asked), first + 1, second);
    }

    [Fact]
    public async Task A_model_takes_its_answers_along()
    {
        await using var fixture = new CacheFixture(disk: true);
        fixture.Cache.Store(fixture.Plan("Q"), CacheFixture.Answer(), CacheFixture.Cost);
        fixture.Cache.Store(fixture.Plan("Q", new ChatOptions { ModelId = "other" }), CacheFixture.Answer(), CacheFixture.Cost);

        Assert.Equal(1, await fixture.Cache.InvalidateModelAsync("gpt-4o-mini"));

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q", new ChatOptions { ModelId = "other" })));
    }

    [Fact]
    public async Task Clearing_leaves_nothing()
    {
        await using var fixture = new CacheFixture(disk: true);
        for (var i = 0; i < 10; i++)
            fixture.Cache.Store(fixture.Plan($"Q{i}", Tagged("t")), CacheFixture.Answer(), CacheFixture.Cost);

        Assert.Equal(10, await fixture.Cache.ClearAsync());
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q3")));
    }

    [Fact]
    public async Task Another_process_sees_the_invalidation_on_the_disk_at_once_and_in_its_memory_soon()
    {
        await using var mine = new CacheFixture(disk: true);
        await using var theirs = new CacheFixture(home: mine.Home, time: mine.Time);
        await using var bare = new CacheFixture(o => o.MemoryCacheBytes = 0, home: mine.Home, time: mine.Time);
        mine.Cache.Store(mine.Plan("Q", Tagged("v7")), CacheFixture.Answer(), CacheFixture.Cost);
        await FlushAsync(mine);
        Assert.Equal(CacheLayer.Disk, (await theirs.FindAsync(theirs.Plan("Q")))!.Layer);
        Assert.NotNull(await bare.FindAsync(bare.Plan("Q")));
        var early = theirs.Plan("Q", Tagged("v7"));

        await mine.Cache.InvalidateTagAsync("v7");
        theirs.Cache.Store(early, CacheFixture.Answer("old"), CacheFixture.Cost);
        await FlushAsync(theirs);

        Assert.Null(await bare.FindAsync(bare.Plan("Q")));
        theirs.Time.Advance(TimeSpan.FromMilliseconds(101));
        Assert.Null(await theirs.FindAsync(theirs.Plan("Q")));
    }

    [Fact]
    public async Task Nothing_older_survives_while_many_write()
    {
        await using var fixture = new CacheFixture(disk: true);
        var invalidatedUpTo = 0;
        var generation = 0;
        using var stop = new CancellationTokenSource();
        var wrong = new ConcurrentQueue<string>();
        var writers = Enumerable.Range(0, 64).Select(w => Task.Run(async () =>
        {
            // Until something was invalidated, however busy the machine is.
            for (var i = 0; i < 40 || (i < 100_000 && Volatile.Read(ref invalidatedUpTo) <= 0); i++)
            {
                // The content says which generation was current just after the question was asked: read before it, an invalidation could come in
                // between, and the answer would rightly live on under an old name.
                var plan = fixture.Plan($"Q{w % 8}", Tagged("t"));
                var asked = Volatile.Read(ref generation);
                await Task.Yield();
                fixture.Cache.Store(plan, CacheFixture.Answer($"{asked}"), CacheFixture.Cost);

                var oldest = Volatile.Read(ref invalidatedUpTo);
                if (await fixture.FindAsync(fixture.Plan($"Q{(w + i) % 8}")) is { } hit && int.Parse(hit.Response.Text, null) < oldest)
                    wrong.Enqueue($"{hit.Response.Text} after {oldest} from {hit.Layer}");
            }
        })).ToList();
        var invalidator = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var next = Interlocked.Increment(ref generation);
                await fixture.Cache.InvalidateTagAsync("t");
                Volatile.Write(ref invalidatedUpTo, next - 1);
            }
        });
        await Task.WhenAll(writers);
        await stop.CancelAsync();
        await invalidator;

        Assert.Empty(wrong);
        Assert.True(invalidatedUpTo > 0);
    }

    [Fact]
    public void A_stamp_from_a_clock_that_is_wrong_does_not_kill_the_answers_to_come()
    {
        using var disk = new DiskFixture();
        var before = disk.Answer() with { Tags = ["v7"] };

        disk.Invalidations.Add(new(Invalidations.Kind.Tag, "v7"), disk.Time.GetUtcNow().AddYears(10).UtcTicks);

        Assert.True(disk.Invalidations.IsDead(before));
        Assert.False(disk.Invalidations.IsDead(disk.Answer() with { Tags = ["v7"] }));
    }

    [Fact]
    public async Task A_row_that_invalidates_from_the_future_does_not_kill_the_answers_to_come()
    {
        using var disk = new DiskFixture();
        disk.Sql("INSERT INTO invalidation (kind, name, stamp) VALUES (0, '', 9223372036854775807)");
        disk.Time.Advance(TimeSpan.FromMilliseconds(101));
        disk.Layer.Poll();

        disk.Put("Q");
        await disk.FlushAsync();

        Assert.Equal("Paris.", disk.Find("Q"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_is_removed_goes_from_the_memory_of_other_processes_too(bool distributed)
    {
        var shared = distributed ? new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())) : null;
        await using var mine = new CacheFixture(Configure, disk: true);
        await using var theirs = new CacheFixture(Configure, home: mine.Home, time: mine.Time);
        await mine.Cache.SetAsync("Q", "A");
        await theirs.Cache.GetAsync("Q");
        Assert.Equal(CacheLayer.Memory, (await theirs.Cache.GetAsync("Q"))!.Layer);

        Assert.True(await mine.Cache.RemoveAsync("Q"));
        theirs.Time.Advance(TimeSpan.FromMilliseconds(101));

        Assert.Null(await theirs.Cache.GetAsync("Q"));
        Assert.Null(await mine.Cache.GetAsync("Q"));
        await theirs.Cache.SetAsync("Q", "B");
        Assert.Equal("B", (await mine.Cache.GetAsync("Q"))!.Text);

        void Configure(LlmCostsOptions options) => (options.DistributedCache, options.CacheNamespace) = (shared, "test");
    }
}
