using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A client below the meter that asks another metered client before it asks the provider.</summary>
public class NestedCallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_the_call_of_a_guard_and_the_call_that_it_guards_are_recorded(bool streamed)
    {
        var judge = new FakeChatClient { Usage = new() { InputTokenCount = 10, OutputTokenCount = 1, TotalTokenCount = 11 } };
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs).Use(inner => new Guard(inner, judge.AsBuilder().UseUsageMetering(costs).Build())));
        var response = streamed
            ? (await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync()).ToChatResponse()
            : await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal("answer 1", response.Text);
        Assert.Equal(Money.FromUsd(0.00045m), response.GetCost().Amount);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([10, 1_000], rows.Select(row => row.Cost.Usage.UncachedInputTokens).Order());
    }

    [Fact]
    public async Task An_answer_that_a_client_in_between_makes_anew_is_still_recorded_once()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs).Use(inner => new Hidden(inner.AsBuilder().UseUsageMetering(costs).Build())));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Single(await pipeline.RowsAsync());
    }

    private sealed class Guard(IChatClient inner, IChatClient judge) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            await judge.GetResponseAsync("Is this allowed?", cancellationToken: cancellationToken);
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await judge.GetResponseAsync("Is this allowed?", cancellationToken: cancellationToken);
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                yield return update;
            }
        }
    }

    private sealed class Hidden(IChatClient inner) : IChatClient
    {
        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var response = await inner.GetResponseAsync(messages, options, cancellationToken);
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, response.Text)) { Usage = response.Usage };
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            inner.GetStreamingResponseAsync(messages, options, cancellationToken);

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() => inner.Dispose();
    }
}
