using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

[Trait("Pace", "Machine")]
public class DistributedLayerTests
{
    [Fact]
    public async Task Machines_share_answers_within_a_namespace_and_a_tenant()
    {
        var shared = new ScriptedDistributedCache();
        await using var one = Over(shared);
        await using var two = Over(shared);
        await using var foreign = Over(shared, o => o.CacheNamespace = "other");
        Assert.Null(one.Cache.Store(one.Plan("Q", tenant: "a"), CacheFixture.Answer(), CacheFixture.Cost));
        await FlushAsync(one);

        Assert.Null(await foreign.FindAsync(foreign.Plan("Q", tenant: "a")));
        Assert.Null(await two.FindAsync(two.Plan("Q", tenant: "b")));
        Assert.Null(await two.FindAsync(two.Plan("Q")));
        Assert.Equal(CacheLayer.Distributed, (await two.FindAsync(two.Plan("Q", tenant: "a")))!.Layer);
        Assert.Equal(CacheLayer.Memory, (await two.FindAsync(two.Plan("Q", tenant: "a")))!.Layer);
    }

    [Fact]
    public async Task Caches_with_buffers_are_read_through_them()
    {
        var shared = new ScriptedDistributedCache.Buffered();
        await using var one = Over(shared);
        await using var two = Over(shared);
        Store(one, "Q", new string('x', 50_000));
        await FlushAsync(one);

        Assert.Equal(50_000, (await two.FindAsync(two.Plan("Q")))!.Response.Text.Length);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_to_be_read_back_is_not_sent()
    {
        var shared = new ScriptedDistributedCache();
        await using var one = Over(shared);
        var answer = CacheFixture.Answer();
        answer.Messages[0].Contents.Add(new DataContent(new byte[20 << 20], "image/png"));
        Assert.Null(one.Cache.Store(one.Plan("Q", policy: new CachePolicy { MaxAnswerBytes = 32 << 20 }), answer, CacheFixture.Cost));
        await FlushAsync(one);

        Assert.DoesNotContain(shared.Entries.Keys, ScriptedDistributedCache.IsAnswer);
        Assert.Contains((CacheLayer.Distributed, "an answer is too large for the store"), one.Failures);
    }

    [Fact]
    public async Task An_entry_leaves_the_store_when_nobody_can_need_it_any_more()
    {
        var shared = new ScriptedDistributedCache();
        await using var one = Over(shared);
        Store(one, "Q", options: new ChatOptions().WithCache(c => c.TimeToLive(TimeSpan.FromMinutes(7))));
        await FlushAsync(one);
        var now = one.Time.GetUtcNow();
        var answer = StoredAnswer.TryCopy(CacheFixture.Answer(), one.Plan("R"), CacheFixture.Cost, now)! with { KeptUntil = now.AddDays(3) };

        await using (var layer = new DistributedLayer(shared, Options(one, shared), new Invalidations(one.Time), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, static _ => { },
            AnswerSeal.Of(new LlmCostsOptions())))
            layer.Put(one.Plan("R").Key, answer);

        Assert.Equal([TimeSpan.FromMinutes(7), TimeSpan.FromDays(3)],
            shared.Entries.Keys.Select(name => shared.OptionsOf(name).AbsoluteExpirationRelativeToNow!.Value).Order());
    }

    [Theory]
    [MemberData(nameof(ScriptedDistributedCache.Troubles), MemberType = typeof(ScriptedDistributedCache))]
    public async Task A_store_in_trouble_is_a_miss_keeps_callers_waiting_once_and_is_then_left_alone(string trouble)
    {
        var store = new ScriptedDistributedCache();
        await using var fixture = Over(store, Impatient);
        store.Reads = trouble;
        for (var i = 0; i < 20; i++)
            Assert.Null(await fixture.FindAsync(fixture.Plan($"Q{i}")));

        // Whoever waits until the limit is the only one; errors that come at once may be a few.
        Assert.InRange(store.AnswerReads, 0, trouble is "throws" or "throws at once" or "throws a timeout" or "cancels by itself" or "returns no task" ? 3 : 1);
        Assert.Contains(fixture.Failures, f => f.Layer == CacheLayer.Distributed);
        Store(fixture, "Q");
        Assert.Equal(CacheLayer.Memory, (await fixture.FindAsync(fixture.Plan("Q")))!.Layer);
        store.Recover();
    }

    [Theory]
    [MemberData(nameof(ScriptedDistributedCache.Troubles), MemberType = typeof(ScriptedDistributedCache))]
    public async Task A_store_that_recovers_is_used_again_after_a_while(string trouble)
    {
        var store = new ScriptedDistributedCache();
        await using var fixture = Over(store, o => o.MemoryCacheBytes = 0);
        Store(fixture, "Q");
        await FlushAsync(fixture);
        await using var impatient = Over(store, o => (o.MemoryCacheBytes, o.DistributedCacheTimeout) = (0, TimeSpan.FromMilliseconds(50)));
        store.Reads = trouble;
        for (var i = 0; i < 5; i++)
            Assert.Null(await impatient.FindAsync(impatient.Plan("Q")));

        store.Recover();
        await UntilAsync(async () =>
        {
            impatient.Time.Advance(TimeSpan.FromSeconds(5));
            return await impatient.FindAsync(impatient.Plan("Q")) is { Layer: CacheLayer.Distributed };
        });
    }

    [Fact]
    public async Task A_connection_that_takes_its_time_does_not_lock_the_store_out()
    {
        var store = new ScriptedDistributedCache { Reads = "hangs" };
        await using var fixture = Over(store, Impatient);
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
        Store(fixture, "Q");

        store.Recover();

        // The clock stands: nobody waited for a pause to end.
        await UntilAsync(async () => await fixture.FindAsync(fixture.Plan("other")) is null && store.AnswerReads > 1);
    }

    [Fact]
    public async Task A_store_that_always_answers_too_late_stays_left_alone()
    {
        var store = new ScriptedDistributedCache { Reads = "blocks" };
        await using var fixture = Over(store, Impatient);
        for (var round = 0; round < 3; round++)
        {
            await fixture.FindAsync(fixture.Plan("Q"));
            fixture.Time.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.InRange(store.AnswerReads, 0, 1);
        store.Recover();
    }

    [Fact]
    public async Task Whoever_finds_the_store_dead_frees_those_who_wait_for_it()
    {
        var store = new ScriptedDistributedCache { Reads = "hangs and ignores cancellation" };
        await using var fixture = Over(store, o => o.DistributedCacheTimeout = TimeSpan.FromMinutes(1));
        var waiting = Enumerable.Range(0, 16).Select(i => fixture.FindAsync(fixture.Plan($"W{i}"))).ToList();
        await UntilAsync(() => Task.FromResult(store.AnswerReads == 16));
        store.Reads = "throws at once";
        for (var i = 0; i < 3; i++)
            Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));

        Assert.All(await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(30)), Assert.Null);
        store.Recover();
    }

    [Fact]
    public async Task A_store_that_blocks_does_not_hold_the_threads_that_callers_need()
    {
        var store = new ScriptedDistributedCache { Reads = "blocks", Writes = "blocks" };
        await using var fixture = Over(store, Impatient);
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => fixture.FindAsync(fixture.Plan($"Q{i}"))));

        Assert.All(answers, Assert.Null);
        Assert.InRange(store.AnswerReads, 0, Math.Max(1, Environment.ProcessorCount / 2));
        store.Recover();
    }

    [Fact]
    public async Task A_caller_that_gives_up_says_nothing_about_the_store()
    {
        var store = new ScriptedDistributedCache();
        await using var fixture = Over(store);
        store.Reads = "hangs";
        for (var i = 0; i < 5; i++)
        {
            using var stop = new CancellationTokenSource();
            var asking = fixture.Cache.FindAsync(fixture.Plan("Q"), stop.Token).AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }

        Assert.Empty(fixture.Failures);
        store.Recover();
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("noise")]
    [InlineData("half")]
    [InlineData("one bit")]
    [InlineData("that of another question")]
    [InlineData("60 MB")]
    public async Task An_entry_that_is_not_what_was_written_is_a_miss_removed_and_counted(string what)
    {
        foreach (var store in new[] { new ScriptedDistributedCache(), new ScriptedDistributedCache.Buffered() })
        {
            await using var fixture = Over(store, o => o.MemoryCacheBytes = 0);
            Store(fixture, "other", "London.");
            await FlushAsync(fixture);
            var foreign = store.Entries.Values.Single();
            Store(fixture, "Q");
            await FlushAsync(fixture);
            store.Forge = (name, bytes) => !ScriptedDistributedCache.IsAnswer(name) || bytes is null ? bytes : what switch
            {
                "empty" => [],
                "noise" => Enumerable.Range(0, 500).Select(i => (byte)(i * 37)).ToArray(),
                "half" => bytes[..(bytes.Length / 2)],
                "one bit" => [.. bytes[..^30], (byte)(bytes[^30] ^ 1), .. bytes[^29..]],
                "that of another question" => foreign,
                _ => new byte[60_000_000],
            };

            for (var i = 0; i < 5; i++)
            {
                Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
                await FlushAsync(fixture);
            }

            store.Forge = null;
            Assert.Single(store.Entries);
            Assert.NotNull(await fixture.FindAsync(fixture.Plan("other")));
            Assert.Equal([(CacheLayer.Distributed, "an entry was malformed")], fixture.Failures);
        }
    }

    [Theory]
    [MemberData(nameof(ScriptedDistributedCache.Troubles), MemberType = typeof(ScriptedDistributedCache))]
    public async Task A_store_that_cannot_be_written_loses_no_answer(string trouble)
    {
        var store = new ScriptedDistributedCache { Writes = trouble };
        await using var fixture = Over(store);
        Store(fixture, "Q");
        var flushed = FlushAsync(fixture);

        Assert.Equal(CacheLayer.Memory, (await fixture.FindAsync(fixture.Plan("Q")))!.Layer);
        if (trouble == "blocks")
            store.Recover();

        await flushed.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(trouble == "blocks" || fixture.Failures.Any(f => f.Layer == CacheLayer.Distributed));
        store.Recover();
    }

    [Fact]
    public async Task An_answer_that_goes_unused_expires_in_the_store_as_well_and_one_in_use_is_served()
    {
        var store = new ScriptedDistributedCache();
        await using var fixture = Over(store);
        Store(fixture, "Q", options: new ChatOptions().WithCache(c => c.SlidingExpiration(TimeSpan.FromHours(1)).TimeToLive(TimeSpan.FromHours(8)).ServeStale(TimeSpan.FromHours(2))));
        await FlushAsync(fixture);
        var options = store.OptionsOf(Assert.Single(store.Entries.Keys, ScriptedDistributedCache.IsAnswer));
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromHours(10)), (options.SlidingExpiration, options.AbsoluteExpirationRelativeToNow));

        // The store still has it, so somebody has used it meanwhile.
        fixture.Time.Advance(TimeSpan.FromHours(2));
        await using var other = Over(store, time: fixture.Time);
        Assert.Equal(CacheLayer.Distributed, (await other.FindAsync(other.Plan("Q")))!.Layer);
    }

    private static Action<LlmCostsOptions> Impatient => static o => o.DistributedCacheTimeout = TimeSpan.FromMilliseconds(50);

    private static CacheFixture Over(IDistributedCache store, Action<LlmCostsOptions>? configure = null, FakeTimeProvider? time = null) => new(o =>
    {
        (o.DistributedCache, o.CacheNamespace) = (store, "app");
        configure?.Invoke(o);
    }, time: time);

    private static LlmCostsOptions Options(CacheFixture fixture, IDistributedCache store) =>
        new() { TimeProvider = fixture.Time, DistributedCache = store, CacheNamespace = "app" };

    private static void Store(CacheFixture fixture, string question, string answer = "Paris.", ChatOptions? options = null) =>
        Assert.Null(fixture.Cache.Store(fixture.Plan(question, options), CacheFixture.Answer(answer), CacheFixture.Cost));

    private static Task FlushAsync(CacheFixture fixture) => fixture.Cache.FlushAsync(CancellationToken.None);

    /// <summary>Waits for what happens in the background; fails only when it never does.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> happened)
    {
        for (var look = 0; look < 1_000; look++)
        {
            if (await happened())
                return;

            await Task.Delay(30);
        }

        Assert.Fail("It did not happen within half a minute.");
    }
}
