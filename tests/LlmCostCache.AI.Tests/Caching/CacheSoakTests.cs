using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Many callers of the whole client: nobody gets what another one was answered.</summary>
public class CacheSoakTests
{
    private const int Tenants = 1_000;
    private const int Tasks = 64;

    [Fact]
    public async Task A_thousand_tenants_that_ask_the_same_questions_at_once_never_see_each_others_answers()
    {
        var provider = new FakeChatClient();
        provider.Answer = (_, options, _) => Task.FromResult(provider.DefaultAnswer(options, $"for {CostScope.Current.Tenant}"));

        // Memory for a part of them, so that entries come and go.
        await using var pipeline = new Pipeline(o => o.MemoryCacheBytes = 1 << 20, (builder, costs) => builder.UseCostCache(costs), provider);
        var foreign = new ConcurrentQueue<string>();
        var hits = 0;
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => Task.Run(async () =>
        {
            var random = new Random(task);
            for (var i = 0; i < TestSize.Cases / 5 / Tasks; i++)
            {
                // A few tenants ask most of the time, so that many questions are asked again.
                var tenant = $"tenant {(random.Next(4) == 0 ? random.Next(Tenants) : random.Next(10))}";
                using var scope = CostScope.Begin(tenant: tenant);
                var question = $"What is our discount? {random.Next(2)}";
                var answer = random.Next(3) == 0
                    ? await pipeline.Client.GetStreamingResponseAsync(question).ToChatResponseAsync()
                    : await pipeline.Client.GetResponseAsync(question);
                if (answer.Text != $"for {tenant}")
                {
                    foreign.Enqueue($"{tenant} was answered '{answer.Text}'");
                }

                if (answer.GetCost().CacheLayer != CacheLayer.None)
                {
                    Interlocked.Increment(ref hits);
                }
            }
        })));

        Assert.Empty(foreign);
        Assert.True(hits > 0);
    }

    [Fact]
    public async Task Conversations_that_end_with_the_same_words_are_different_questions()
    {
        var provider = new FakeChatClient();
        provider.Answer = (messages, options, _) => Task.FromResult(provider.DefaultAnswer(options, $"about {messages[0].Text}"));
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs), provider: provider);
        var conversations = (int)(TestSize.Cases / 20);
        var wrong = new ConcurrentQueue<string>();
        await Parallel.ForAsync(0, conversations, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, stop) =>
        {
            for (var again = 0; again < 2; again++)
            {
                // One differs in its first words, the next only in how its middle is cut into messages.
                ChatMessage[] messages = [new(ChatRole.User, $"topic {i}"), new(ChatRole.Assistant, "I see."), new(ChatRole.User, "continue")];
                var answer = await pipeline.Client.GetResponseAsync(messages, cancellationToken: stop);
                if (answer.Text != $"about topic {i}" || (answer.GetCost().CacheLayer == CacheLayer.None) != (again == 0))
                {
                    wrong.Enqueue($"topic {i}, time {again + 1}: '{answer.Text}' from {answer.GetCost().CacheLayer}");
                }
            }
        });

        Assert.Empty(wrong);
        Assert.Equal(conversations, provider.Calls.Count);
    }

    [Fact]
    public async Task No_jump_of_the_clock_makes_an_answer_live_longer_than_its_time()
    {
        var clock = new JumpingClock();
        var provider = new FakeChatClient();
        provider.Answer = (_, options, _) => Task.FromResult(provider.DefaultAnswer(options, clock.GetUtcNow().UtcTicks.ToString(null, null)));
        await using var pipeline = new Pipeline(o => o.TimeProvider = clock, (builder, costs) => builder.UseCostCache(costs, cache => cache.TimeToLive = TimeSpan.FromHours(6)), provider);
        var random = new Random(1);
        var hits = 0;
        for (var i = 0; i < TestSize.Cases / 50; i++)
        {
            clock.Jump(TimeSpan.FromMinutes(random.Next(4) switch { 0 => random.Next(-60, 60), 1 => random.Next(-10_000, 10_000), _ => random.Next(30) }));
            var answer = await pipeline.Client.GetResponseAsync($"question {random.Next(5)}");
            if (answer.GetCost().CacheLayer == CacheLayer.None)
            {
                continue;
            }

            hits++;
            var age = clock.GetUtcNow() - new DateTimeOffset(long.Parse(answer.Text, null), TimeSpan.Zero);
            Assert.True(age < TimeSpan.FromHours(6) && age >= -StoredAnswer.ClockTolerance, $"step {i}: an answer of the age {age} was served.");
        }

        Assert.True(hits > 0);
    }

    private sealed class JumpingClock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        // Between two years in which every price is known.
        public void Jump(TimeSpan time) => _now = (_now + time) is var then && then.Year is 2026 or 2027 ? then : _now;
    }
}
