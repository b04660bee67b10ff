using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What one machine invalidates, no machine serves from the distributed cache.</summary>
[Trait("Pace", "Machine")]
public class SharedInvalidationTests
{
    private static readonly TimeSpan s_noticed = SharedStamps.NoticedWithin + TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ScriptedDistributedCache _shared = new();

    public static TheoryData<string> Scopes => ["everything", "tag", "model", "namespace", "own namespace", "tenant", "prompt", "whole prompt", "age"];

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task Every_kind_of_invalidation_reaches_the_other_machines(string scope)
    {
        await using var one = Machine();
        await using var two = Machine();
        Store(one, scope, asked: "before");
        await FlushAsync(one);
        Assert.NotNull(await two.FindAsync(Plan(two, scope, "before")));
        _time.Advance(s_noticed);

        await InvalidateAsync(one, scope);
        Store(one, scope, asked: "after");
        await FlushAsync(one);
        _time.Advance(s_noticed);

        Assert.Null(await two.FindAsync(Plan(two, scope, "before")));
        Assert.NotNull(await two.FindAsync(Plan(two, scope, "after")));
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task What_lies_in_another_machines_memory_dies_there_as_well(string scope)
    {
        await using var one = Machine();
        await using var two = Machine(o => o.MemoryCacheBytes = 1 << 20);
        Store(two, scope, asked: "before");
        await FlushAsync(two);
        await InvalidateAsync(one, scope);

        await DistributedLayerTests.UntilAsync(async () =>
        {
            _time.Advance(s_noticed);
            return await two.FindAsync(Plan(two, scope, "before")) is null;
        });
    }

    [Theory]
    [InlineData("tag")]
    [InlineData("model")]
    [InlineData("namespace")]
    [InlineData("tenant")]
    [InlineData("prompt")]
    public async Task What_was_not_meant_stays(string scope)
    {
        await using var one = Machine();
        await using var two = Machine();
        var other = scope == "model" ? Options("tag") : Options(scope == "tag" ? "model" : "tag");
        Assert.Null(one.Cache.Store(one.Plan("Q", other), CacheFixture.Answer(), CacheFixture.Cost));
        await FlushAsync(one);

        await InvalidateAsync(one, scope);
        _time.Advance(s_noticed);

        Assert.NotNull(await two.FindAsync(two.Plan("Q", other)));
    }

    [Fact]
    public async Task Forgetting_what_is_old_does_not_take_back_that_everything_was_forgotten()
    {
        await using var one = Machine();
        await using var two = Machine();
        Store(one, "everything", asked: "before");
        await FlushAsync(one);
        await one.Cache.ClearAsync();
        await two.Cache.InvalidateOlderThanAsync(TimeSpan.FromDays(2));

        await using var three = Machine();
        Assert.Null(await three.FindAsync(Plan(three, "everything", "before")));
    }

    [Fact]
    public async Task An_invalidation_that_found_the_store_dead_is_written_when_it_is_back()
    {
        await using var one = Machine();
        Store(one, "tag", asked: "before");
        await FlushAsync(one);
        (_shared.Reads, _shared.Writes) = ("throws", "throws");
        await InvalidateAsync(one, "tag");

        _shared.Recover();
        await FlushAsync(one);

        await using var two = Machine();
        Assert.Null(await two.FindAsync(Plan(two, "tag", "before")));
    }

    [Fact]
    public async Task An_invalidation_that_is_still_owed_is_tried_once_more_at_the_end()
    {
        await using (var one = Machine())
        {
            Store(one, "tag", asked: "before");
            await FlushAsync(one);
            _shared.Writes = "throws";
            await InvalidateAsync(one, "tag");
            _shared.Recover();
        }

        await using var two = Machine();
        Assert.Null(await two.FindAsync(Plan(two, "tag", "before")));
    }

    [Fact]
    public async Task Not_knowing_whether_it_was_invalidated_is_a_miss()
    {
        await using var one = Machine();
        Store(one, "tag", asked: "before");
        await FlushAsync(one);
        await using var two = Machine();
        _shared.Forge = (name, bytes) => ScriptedDistributedCache.IsAnswer(name) ? bytes : throw new InvalidOperationException("LOADING");

        Assert.Null(await two.FindAsync(Plan(two, "tag", "before")));

        _shared.Forge = null;
        Assert.NotNull(await two.FindAsync(Plan(two, "tag", "before")));
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 127 })] // a machine whose clock is far ahead
    public async Task A_stamp_that_is_none_invalidates_and_is_replaced(byte[] forged)
    {
        await using var one = Machine();
        await InvalidateAsync(one, "tag");
        Store(one, "tag", asked: "after");
        await FlushAsync(one);
        _time.Advance(s_noticed);
        await using var two = Machine();
        _shared.Forge = (name, bytes) => ScriptedDistributedCache.IsAnswer(name) || bytes is null ? bytes : forged;
        Assert.Null(await two.FindAsync(Plan(two, "tag", "after")));

        _shared.Forge = null;
        await FlushAsync(two);
        _time.Advance(s_noticed);
        Assert.Null(await two.FindAsync(Plan(two, "tag", "after")));
        Store(two, "tag", asked: "later");
        await FlushAsync(two);
        Assert.NotNull(await two.FindAsync(Plan(two, "tag", "later")));
        Assert.Contains((CacheLayer.Distributed, "a stamp was malformed"), two.Failures);
    }

    [Fact]
    public async Task A_hit_costs_one_read_as_long_as_nobody_invalidates()
    {
        await using var one = Machine();
        for (var i = 0; i < 50; i++)
            Store(one, "prompt", asked: $"Q{i}");

        await FlushAsync(one);
        var reads = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _shared.Forge = (name, bytes) =>
        {
            reads.Enqueue(name);
            return bytes;
        };
        await using var two = Machine();
        for (var i = 0; i < 50; i++)
            Assert.NotNull(await two.FindAsync(Plan(two, "prompt", $"Q{i}")));

        // One for each, and one for the gate. The sign of life that each machine asks for when it opens comes when it may.
        Assert.Equal(51, reads.Count(static name => !name.EndsWith(":probe", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(255)]
    [InlineData(256)]
    public async Task Any_beginning_of_a_system_prompt_reaches_what_began_so(int length)
    {
        var prompt = string.Concat(Enumerable.Range(0, 300).Select(i => (char)('a' + (i * 7 % 26))));
        var options = new ChatOptions { Instructions = prompt };
        await using var one = Machine();
        var answer = Answer(one, one.Plan("Q", options)) with { SystemPrompt = prompt[..256] };
        await using var layer = new DistributedLayer(_shared, LayerOptions(), new Invalidations(_time), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, static _ => { },
            AnswerSeal.Of(new LlmCostsOptions()));
        var key = one.Plan("Q", options).Key;
        layer.Put(key, answer);
        await layer.FlushAsync();
        Assert.NotNull(await layer.FindAsync(key, CancellationToken.None));

        await layer.InvalidateAsync(new(Invalidations.Kind.SystemPrompt, prompt[..length]), answer.AskedAt + 1);
        _time.Advance(s_noticed);

        Assert.Null(await layer.FindAsync(key, CancellationToken.None));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    [InlineData("store")]
    public async Task One_answer_that_a_machine_forgets_dies_on_the_others_wherever_they_keep_it(string where)
    {
        await using var one = Machine();
        await using var two = Machine(o => o.MemoryCacheBytes = where == "memory" ? 1 << 20 : 0, disk: where == "disk");
        Assert.True(await two.Cache.SetAsync("Q", "old"));
        var (name, frame) = Assert.Single(_shared.Entries, entry => ScriptedDistributedCache.IsAnswer(entry.Key));
        Assert.True(await two.Cache.SetAsync("other", "stays"));
        await one.Cache.RemoveAsync("Q");
        Assert.DoesNotContain(name, _shared.Entries.Keys);

        // A machine that was late writes it once more.
        _shared.Set(name, frame);
        await DistributedLayerTests.UntilAsync(async () =>
        {
            _time.Advance(s_noticed);
            return await two.Cache.GetAsync("Q") is null;
        });
        Assert.NotNull(await two.Cache.GetAsync("other"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_stops_waiting_for_the_disk_has_told_the_other_machines_all_the_same(bool removes)
    {
        await using var one = Machine(disk: true);
        await using var two = Machine();
        Assert.True(await one.Cache.SetAsync("Q", "old", options: Options("tag")));
        Assert.NotNull(await two.Cache.GetAsync("Q", options: Options("tag")));
        _time.Advance(s_noticed);
        using var stop = new CancellationTokenSource();
        using (var other = DiskFixture.Open(Path.Combine(one.Home!, DiskFile.Name)))
        {
            using var begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            Task told = removes ? one.Cache.RemoveAsync("Q", options: Options("tag"), cancellationToken: stop.Token) : one.Cache.InvalidateTagAsync("v7", stop.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => told);
        }

        await FlushAsync(one);
        _time.Advance(s_noticed);

        Assert.Null(await two.Cache.GetAsync("Q", options: Options("tag")));
    }

    [Fact]
    public async Task An_answer_that_was_removed_does_not_come_back_from_a_store_that_takes_no_writes()
    {
        await using var one = Machine();
        Assert.True(await one.Cache.SetAsync("Q", "old"));
        Assert.True(await one.Cache.SetAsync("other", "stays"));
        _shared.Writes = "throws";
        await one.Cache.RemoveAsync("Q");
        _time.Advance(s_noticed);

        Assert.Null(await one.Cache.GetAsync("Q"));
        Assert.NotNull(await one.Cache.GetAsync("other"));
        _shared.Recover();
        Assert.True(await one.Cache.SetAsync("Q", "new"));
        Assert.Equal("new", (await one.Cache.GetAsync("Q"))!.Text);
    }

    [Fact]
    public async Task The_later_of_two_stamps_stays_whichever_is_written_last()
    {
        await using var one = Layer();
        await using var two = Layer();
        var scope = new Invalidations.Scope(Invalidations.Kind.Tag, "v7");
        var now = _time.GetUtcNow().UtcTicks;
        await one.InvalidateAsync(scope, now + 50);
        var before = _shared.Entries.ToDictionary();
        await two.InvalidateAsync(scope, now + 20);
        Assert.Equal(before, _shared.Entries);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_invalidated_cannot_be_guessed_from_the_names_of_the_stamps(bool secret)
    {
        var key = new CacheEncryptionKey(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        await using var one = Machine(Closed);
        await using var two = Machine(Closed);
        Store(one, "tag", asked: "before");
        await FlushAsync(one);
        await InvalidateAsync(one, "tag");
        await one.Cache.InvalidateTenantAsync("acme");
        _time.Advance(s_noticed);

        Assert.Null(await two.FindAsync(Plan(two, "tag", "before")));
        Assert.Contains(_shared.Entries.Keys, name => name.Contains(":invalid:", StringComparison.Ordinal));
        foreach (var guess in (string[])["v7", "acme", .. secret ? (string[])["app"] : []])
        {
            var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(guess)));
            Assert.DoesNotContain(_shared.Entries.Keys, name => name.Contains(digest[..12], StringComparison.Ordinal));
        }

        void Closed(LlmCostsOptions o)
        {
            if (secret)
                o.CacheSecret = new CacheSecret("a secret of the machines");
            else
                o.CacheEncryptionKeys.Add(key);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_invalidation_reaches_machines_that_have_not_got_the_new_key_yet_and_comes_from_them(bool byTheOneWithTheNewKey)
    {
        CacheEncryptionKey old = new(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)), newer = new(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        await using var behind = Machine(o => o.CacheEncryptionKeys.Add(old));
        await using var ahead = Machine(o =>
        {
            o.CacheEncryptionKeys.Add(newer);
            o.CacheEncryptionKeys.Add(old);
        });
        Store(behind, "tag", asked: "before");
        await FlushAsync(behind);
        Assert.NotNull(await ahead.FindAsync(Plan(ahead, "tag", "before")));
        await InvalidateAsync(byTheOneWithTheNewKey ? ahead : behind, "tag");
        _time.Advance(s_noticed);

        Assert.Null(await ahead.FindAsync(Plan(ahead, "tag", "before")));
        Assert.Null(await behind.FindAsync(Plan(behind, "tag", "before")));
    }

    private DistributedLayer Layer() => new(_shared, LayerOptions(), new Invalidations(_time), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, static _ => { },
        AnswerSeal.None);

    private LlmCostsOptions LayerOptions() => new()
    {
        TimeProvider = _time,
        DistributedCache = _shared,
        CacheNamespace = "app",
        DistributedCacheTimeout = TimeSpan.FromSeconds(30),
    };

    private CacheFixture Machine(Action<LlmCostsOptions>? configure = null, bool disk = false) => new(
        o =>
        {
            (o.DistributedCache, o.CacheNamespace, o.MemoryCacheBytes) = (_shared, "app", 0);
            configure?.Invoke(o);
        },
        disk,
        time: _time);

    private static StoredAnswer Answer(CacheFixture machine, CachePlan plan) =>
        StoredAnswer.TryCopy(CacheFixture.Answer(), plan, CacheFixture.Cost, machine.Time.GetUtcNow())!;

    private static ChatOptions Options(string scope) => scope switch
    {
        "tag" => new ChatOptions().WithCache(c => c.Tag("v7")),
        "model" => new ChatOptions { ModelId = "gpt-4o" },
        "namespace" => new ChatOptions().WithCache(c => c.Namespace("reports")),
        "prompt" => new ChatOptions { Instructions = "You are a poet. Be brief." },
        "whole prompt" => new ChatOptions { Instructions = new string('p', 400) },
        _ => new ChatOptions(),
    };

    private static CachePlan Plan(CacheFixture machine, string scope, string asked) =>
        machine.Plan(asked, Options(scope), tenant: scope == "tenant" ? "acme" : null);

    private static void Store(CacheFixture machine, string scope, string asked) =>
        Assert.Null(machine.Cache.Store(Plan(machine, scope, asked), CacheFixture.Answer(), CacheFixture.Cost));

    private static Task FlushAsync(CacheFixture machine) => machine.Cache.FlushAsync(CancellationToken.None);

    private async Task InvalidateAsync(CacheFixture machine, string scope)
    {
        switch (scope)
        {
            case "tag":
                await machine.Cache.InvalidateTagAsync("v7");
                break;
            case "model":
                await machine.Cache.InvalidateModelAsync("gpt-4o");
                break;
            case "namespace":
                await machine.Cache.InvalidateNamespaceAsync("reports");
                break;
            case "own namespace":
                await machine.Cache.InvalidateNamespaceAsync("app");
                break;
            case "tenant":
                await machine.Cache.InvalidateTenantAsync("acme");
                break;
            case "prompt":
                await machine.Cache.InvalidateSystemPromptAsync("You are a poet");
                break;
            case "whole prompt":
                await machine.Cache.InvalidateSystemPromptAsync(new string('p', 400));
                break;
            case "age":
                _time.Advance(TimeSpan.FromHours(2));
                await machine.Cache.InvalidateOlderThanAsync(TimeSpan.FromHours(1));
                break;
            default:
                await machine.Cache.ClearAsync();
                break;
        }
    }
}
