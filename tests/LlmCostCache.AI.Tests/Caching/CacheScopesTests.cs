using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Forgetting answers by whose they are, how old they are and which prompt they answer.</summary>
public class CacheScopesTests
{
    private static readonly string[] s_kinds = ["namespace", "tenant", "prompt", "model", "tag"];

    private static ChatOptions Options(string? name = null, string? prompt = null) => new ChatOptions { Instructions = prompt }.WithCache(c => _ = name is null ? c : c.Namespace(name));

    private static Task<int> InvalidateAsync(ResponseCache cache, string kind) => kind switch
    {
        "namespace" => cache.InvalidateNamespaceAsync("shop"),
        "tenant" => cache.InvalidateTenantAsync("acme"),
        "prompt" => cache.InvalidateSystemPromptAsync("You are a pirate"),
        "model" => cache.InvalidateModelAsync("gpt-4o-mini"),
        _ => cache.InvalidateTagAsync("t"),
    };

    [Theory]
    [InlineData("namespace", false)]
    [InlineData("tenant", false)]
    [InlineData("prompt", false)]
    [InlineData("namespace", true)]
    [InlineData("tenant", true)]
    [InlineData("prompt", true)]
    public async Task Only_what_was_named_is_forgotten_in_memory_and_on_the_disk(string kind, bool isElsewhere)
    {
        await using var fixture = new CacheFixture(disk: true);
        CachePlan Named(CacheFixture at) => at.Plan("Q", Options("shop", "You are a pirate. Answer briefly."), tenant: "acme");
        CachePlan Other(CacheFixture at) => at.Plan("Q", Options("other shop", "You are a butler."), tenant: "umbrella");
        CachePlan Plain(CacheFixture at) => at.Plan("Q");
        foreach (var plan in new[] { Named(fixture), Other(fixture), Plain(fixture) })
            Assert.Null(fixture.Cache.Store(plan, CacheFixture.Answer(), CacheFixture.Cost));

        await fixture.Cache.FlushAsync(CancellationToken.None);
        Assert.Equal(1, await InvalidateAsync(fixture.Cache, kind));

        await using var second = isElsewhere ? new CacheFixture(home: fixture.Home, time: fixture.Time) : null;
        var seen = second ?? fixture;
        Assert.Null(await seen.FindAsync(Named(seen)));
        Assert.NotNull(await seen.FindAsync(Other(seen)));
        Assert.NotNull(await seen.FindAsync(Plain(seen)));
    }

    [Fact]
    public async Task Answers_are_forgotten_by_age()
    {
        await using var fixture = new CacheFixture(disk: true);
        fixture.Cache.Store(fixture.Plan("old"), CacheFixture.Answer(), CacheFixture.Cost);
        fixture.Time.Advance(TimeSpan.FromHours(2));
        fixture.Cache.Store(fixture.Plan("new"), CacheFixture.Answer(), CacheFixture.Cost);
        await fixture.Cache.FlushAsync(CancellationToken.None);

        Assert.Equal(1, await fixture.Cache.InvalidateOlderThanAsync(TimeSpan.FromHours(1)));

        Assert.Null(await fixture.FindAsync(fixture.Plan("old")));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("new")));
        Assert.Equal(0, await fixture.Cache.InvalidateOlderThanAsync(TimeSpan.MaxValue));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("new")));

        // What is asked after a moment that is yet to come was said is not touched by it.
        Assert.Equal(1, await fixture.Cache.InvalidateOlderThanAsync(fixture.Time.GetUtcNow().AddDays(1)));
        fixture.Cache.Store(fixture.Plan("new"), CacheFixture.Answer(), CacheFixture.Cost);
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("new")));
    }

    [Fact]
    public async Task Many_prompts_can_be_forgotten_and_none_of_them_comes_back()
    {
        await using var fixture = new CacheFixture();
        var asked = Enumerable.Range(0, 600).Select(i => fixture.Plan("Q", Options(prompt: $"prompt {i:000}"))).ToList();
        for (var i = 0; i < asked.Count; i++)
            await fixture.Cache.InvalidateSystemPromptAsync($"prompt {i:000}");

        Assert.All(asked, plan => Assert.NotNull(fixture.Cache.Store(plan, CacheFixture.Answer(), CacheFixture.Cost)));
        Assert.Null(fixture.Cache.Store(fixture.Plan("Q", Options(prompt: "prompt 000")), CacheFixture.Answer(), CacheFixture.Cost));
    }

    [Fact]
    public async Task Nothing_older_survives_while_sixty_four_tasks_write()
    {
        await using var fixture = new CacheFixture(disk: true);
        var generations = s_kinds.ToDictionary(kind => kind, _ => new int[2]);
        var wrong = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        CachePlan Plan(int question) => fixture.Plan($"Q{question}", new ChatOptions { Instructions = "You are a pirate." }.WithCache(c => c.Namespace("shop").Tag("t")), tenant: "acme");
        var writers = Enumerable.Range(0, 64).Select(w => Task.Run(async () =>
        {
            // Until something was invalidated by every kind, however busy the machine is.
            for (var i = 0; i < 20 || (i < 100_000 && generations.Values.Any(counted => Volatile.Read(ref counted[1]) <= 0)); i++)
            {
                var plan = Plan(w % 8);
                var asked = s_kinds.Select(kind => Volatile.Read(ref generations[kind][0])).ToArray();
                await Task.Yield();
                fixture.Cache.Store(plan, CacheFixture.Answer(string.Join(' ', asked)), CacheFixture.Cost);
                var oldest = s_kinds.Select(kind => Volatile.Read(ref generations[kind][1])).ToArray();
                if (await fixture.FindAsync(Plan((w + i) % 8)) is { } hit
                    && hit.Response.Text.Split(' ').Select(int.Parse).Where((generation, k) => generation < oldest[k]).Any())
                    wrong.Enqueue($"{hit.Response.Text} after {string.Join(' ', oldest)} from {hit.Layer}");
            }
        })).ToList();
        var invalidators = s_kinds.Select(kind => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var next = Interlocked.Increment(ref generations[kind][0]);
                await InvalidateAsync(fixture.Cache, kind);
                Volatile.Write(ref generations[kind][1], next - 1);
            }
        })).ToList();
        await Task.WhenAll(writers);
        await stop.CancelAsync();
        await Task.WhenAll(invalidators);

        Assert.Empty(wrong);
        Assert.All(generations.Values, counted => Assert.True(counted[1] > 0));
    }
}
