using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Answers that several callers get.</summary>
public class SharedAnswerTests
{
    [Fact]
    public async Task A_question_asked_after_an_invalidation_does_not_get_the_answer_that_was_under_way_before_it()
    {
        await using var pipeline = new Pipeline();
        var old = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = (_, options, n) => n == 1 ? old.Task : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "new"));
        var first = pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Costs.Cache.ClearAsync();
        var second = pipeline.Client.GetResponseAsync("Hello");
        old.SetResult(pipeline.Provider.DefaultAnswer(null, "old"));

        Assert.Equal("old", (await first).Text);
        Assert.Equal("new", (await second).Text);
    }

    [Fact]
    public async Task What_a_reader_does_to_the_updates_of_a_stream_does_not_reach_the_stored_answer()
    {
        await using var pipeline = new Pipeline();
        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
        {
            foreach (var text in update.Contents.OfType<TextContent>())
            {
                text.Text = "changed";
            }
        }

        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Another"))
        {
            update.Contents = [new TextContent("changed")];
        }

        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Another")).Text);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_predicate_that_throws_keeps_the_answer_out_of_the_cache_and_not_from_its_caller(bool streamed)
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, cache => cache.ShouldStore = _ => throw new InvalidOperationException("no")));
        var text = streamed
            ? (await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync()).ToChatResponse().Text
            : (await pipeline.Client.GetResponseAsync("Hello")).Text;
        Assert.Equal("answer 1", text);
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Theory]
    [InlineData("not a number")]
    [InlineData("a document that is gone")]
    [InlineData("a list that breaks")]
    public async Task A_property_that_cannot_be_read_costs_nobody_the_answer(string which)
    {
        await using var pipeline = new Pipeline();
        pipeline.Provider.Answer = (_, options, n) =>
        {
            var answer = pipeline.Provider.DefaultAnswer(options, $"answer {n}");
            answer.Messages[0].AdditionalProperties = new() { ["odd"] = Odd(which), ["plain"] = "kept" };
            return Task.FromResult(answer);
        };

        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        var again = await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(("answer 1", "kept"), (again.Text, again.Messages[0].AdditionalProperties!["plain"]));
    }

    internal static object Odd(string which)
    {
        switch (which)
        {
            case "not a number":
                return System.Text.Json.Nodes.JsonValue.Create(double.NaN);
            case "a list that breaks":
                return Enumerable.Range(0, 3).Select(i => i < 2 ? "fine" : throw new InvalidOperationException("gone"));
            default:
                using (var document = System.Text.Json.JsonDocument.Parse("{}"))
                    return document.RootElement;
        }
    }

    [Fact]
    public async Task A_reader_that_asks_the_question_of_its_own_stream_again_is_answered_by_that_stream()
    {
        await using var pipeline = new Pipeline();
        var inner = new List<string>();
        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
        {
            if (inner.Count == 0)
                inner.Add((await pipeline.Client.GetResponseAsync("Hello").WaitAsync(TimeSpan.FromSeconds(30))).Text);
        }

        Assert.Equal(["answer 1"], inner);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task When_a_call_gives_no_sign_of_life_one_of_those_who_wait_asks_again_and_the_others_wait_for_it()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o => o.TimeProvider = clock);
        var hangs = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var again = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = (_, _, n) => n == 1 ? hangs.Task : again.Task;
        var leader = pipeline.Client.GetResponseAsync("Hello");
        var followers = Enumerable.Range(0, 5).Select(_ => pipeline.Client.GetResponseAsync("Hello")).ToList();

        await DistributedLayerTests.UntilAsync(() => Task.FromResult(pipeline.Provider.Calls.Count == 1));

        // They lose patience together and once: the clock stands again while one of them asks.
        clock.Advance(CacheFlight.Patience);
        await DistributedLayerTests.UntilAsync(() => Task.FromResult(pipeline.Provider.Calls.Count > 1));

        again.SetResult(pipeline.Provider.DefaultAnswer(null, "new"));
        Assert.All(await Task.WhenAll(followers), answer => Assert.Equal("new", answer.Text));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        hangs.SetResult(pipeline.Provider.DefaultAnswer(null, "late"));
        Assert.Equal("late", (await leader).Text);
    }
}
