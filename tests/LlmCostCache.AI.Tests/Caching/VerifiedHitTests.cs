using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A hit in memory is found by a fast hash and proven by the question itself.</summary>
public class VerifiedHitTests
{
    private sealed class CollidingPrinter : RequestPrinter
    {
        public override RequestPrint Of(ReadOnlySpan<byte> canonical) => new(1, 1);
    }

    private static ResponseCache Colliding() =>
        new(new LlmCostsOptions { TimeProvider = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero)) }, null, NullLogger.Instance,
            printer: new CollidingPrinter());

    private static CachePlan Plan(ResponseCache cache, string text, string? tenant = null, ChatOptions? options = null) =>
        cache.Plan(CacheFixture.Ask(text), options, CacheFixture.Endpoint, tenant, CachePolicy.Default);

    private static async Task<string?> TextAsync(ResponseCache cache, CachePlan plan) => (await cache.FindAsync(plan, CancellationToken.None))?.Response.Text;

    [Fact]
    public async Task Questions_whose_fast_hashes_collide_never_get_each_others_answers()
    {
        await using var cache = Colliding();
        Assert.Null(cache.Store(Plan(cache, "one"), CacheFixture.Answer("answer to one"), CacheFixture.Cost));

        Assert.Null(await TextAsync(cache, Plan(cache, "two")));
        Assert.Null(await TextAsync(cache, Plan(cache, "one", tenant: "other")));
        Assert.Null(await TextAsync(cache, Plan(cache, "one", options: new ChatOptions { Temperature = 0 })));
        Assert.Equal("answer to one", await TextAsync(cache, Plan(cache, "one")));

        Assert.Null(cache.Store(Plan(cache, "two"), CacheFixture.Answer("answer to two"), CacheFixture.Cost));
        Assert.Null(await TextAsync(cache, Plan(cache, "one")));
        Assert.Equal("answer to two", await TextAsync(cache, Plan(cache, "two")));
    }

    [Fact]
    public async Task A_large_question_never_takes_the_place_of_a_small_one_with_its_print()
    {
        await using var cache = Colliding();
        Assert.Null(cache.Store(Plan(cache, "small"), CacheFixture.Answer(), CacheFixture.Cost));

        Assert.Null(await TextAsync(cache, Plan(cache, new string('x', RequestPrinter.MostCompared))));
    }

    [Fact]
    public async Task Ten_thousand_conversations_that_end_alike_keep_their_answers()
    {
        await using var fixture = new CacheFixture();
        for (var i = 0; i < 10_000; i++)
            Assert.Null(fixture.Cache.Store(fixture.Plan(Conversation(i)), CacheFixture.Answer($"answer {i}"), CacheFixture.Cost));

        var found = 0;
        for (var i = 0; i < 10_000; i++)
        {
            if (await fixture.FindAsync(fixture.Plan(Conversation(i))) is { } hit)
            {
                Assert.Equal($"answer {i}", hit.Response.Text);
                found++;
            }
        }

        Assert.Equal(10_000, found);

        static List<ChatMessage> Conversation(int i) => [new(ChatRole.User, $"I am number {i}."), new(ChatRole.Assistant, "Noted."), new(ChatRole.User, "Who am I?")];
    }

    [Theory]
    [InlineData(100)]
    [InlineData(60_000)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public async Task Questions_of_every_size_are_found_and_count_to_their_last_character(int length)
    {
        await using var fixture = new CacheFixture();
        var text = new string('ä', length / 2);
        Assert.Null(fixture.Cache.Store(fixture.Plan(text + "x"), CacheFixture.Answer(), CacheFixture.Cost));

        var hit = await fixture.FindAsync(fixture.Plan(text + "x"));
        Assert.Equal(CacheLayer.Memory, hit!.Layer);
        Assert.Equal(fixture.Plan(text + "x").Key, hit.Key);
        Assert.Null(await fixture.FindAsync(fixture.Plan(text + "y")));
        Assert.Null(await fixture.FindAsync(fixture.Plan("y" + text)));
    }

    [Fact]
    public async Task A_short_question_after_a_long_one_has_nothing_of_it()
    {
        await using var fixture = new CacheFixture();
        var expected = fixture.Plan("Q").Key;
        for (var length = 1; length < 400_000; length *= 3)
        {
            _ = await fixture.FindAsync(fixture.Plan(new string('x', length)));
            Assert.Equal(expected, fixture.Plan("Q").Key);
        }
    }

    [Fact]
    public async Task A_question_that_was_read_from_the_disk_is_found_in_memory_the_next_time()
    {
        await using var fixture = new CacheFixture(disk: true);
        Assert.Null(fixture.Cache.Store(fixture.Plan("Q"), CacheFixture.Answer(), CacheFixture.Cost));
        await fixture.Cache.FlushAsync(CancellationToken.None);
        await using var other = new CacheFixture(home: fixture.Home);

        var first = await other.FindAsync(other.Plan("Q"));
        var second = await other.FindAsync(other.Plan("Q"));

        Assert.Equal((CacheLayer.Disk, CacheLayer.Memory), (first!.Layer, second!.Layer));
        Assert.Equal(first.Key, second.Key);
        Assert.Null(await other.FindAsync(other.Plan("R")));
    }

    [Fact]
    public void Kept_questions_count_against_the_limit()
    {
        var layer = new MemoryLayer(1 << 20);
        var answer = StoredAnswer.TryCopy(CacheFixture.Answer("a"), new CachePlan { Policy = CachePolicy.Default }, CacheFixture.Cost, DateTimeOffset.UnixEpoch)!;
        for (var i = 0UL; i < 100; i++)
        {
            var entry = new MemoryEntry(new RequestPrint(i, i + 1), new byte[60_000], default, answer);
            Assert.InRange(entry.Size, 60_000, 64_000);
            layer.Put(entry);
        }

        Assert.InRange(layer.Count, 10, 17);
        Assert.InRange(layer.Bytes, 600_000, 1 << 20);
    }

    [Fact]
    public async Task A_tool_whose_schema_changes_makes_another_question_although_it_is_the_same_object()
    {
        await using var fixture = new CacheFixture();
        var tool = new ChangingTool();
        Assert.Null(fixture.Cache.Store(fixture.Plan("Q", new ChatOptions { Tools = [tool] }), CacheFixture.Answer(), CacheFixture.Cost));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q", new ChatOptions { Tools = [tool] })));

        tool.Schema = System.Text.Json.JsonElement.Parse("""{"type":"string"}""");

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q", new ChatOptions { Tools = [tool] })));
    }

    [Fact]
    public async Task Threads_that_ask_at_once_get_their_own_answers()
    {
        await using var fixture = new CacheFixture(o => o.MemoryCacheBytes = 1 << 20);
        var wrong = 0;
        var hits = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 8), async (worker, _) =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 4_000; i++)
            {
                var number = random.Next(random.Next(1, 2_000));
                var text = new string((char)('a' + (number % 26)), number % 97 == 0 ? 70_000 : number) + number;
                var plan = fixture.Plan(text);
                if (await fixture.FindAsync(plan) is { } hit)
                {
                    hits++;
                    if (hit.Response.Text != $"answer {number}")
                        Interlocked.Increment(ref wrong);
                }
                else
                {
                    fixture.Cache.Store(plan, CacheFixture.Answer($"answer {number}"), CacheFixture.Cost);
                }
            }
        });

        Assert.Equal(0, wrong);
        Assert.True(hits > 1_000);
    }

    private sealed class ChangingTool : AIFunctionDeclaration
    {
        public System.Text.Json.JsonElement Schema { get; set; } = System.Text.Json.JsonElement.Parse("""{"type":"object"}""");

        public override string Name => "changing";

        public override System.Text.Json.JsonElement JsonSchema => Schema;
    }
}
