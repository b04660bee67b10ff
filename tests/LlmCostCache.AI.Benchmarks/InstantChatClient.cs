using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A provider that answers at once, with about 2,000 characters and usage.</summary>
internal sealed class InstantChatClient : IChatClient
{
    private static readonly string s_answer = Payload.Text(2_000, seed: 99);

    private readonly ChatClientMetadata _metadata = new("openai", new Uri("https://api.openai.com/v1"), "gpt-4o-mini");

    public long Calls { get; private set; }

    /// <summary>How long an answer takes; zero is at once.</summary>
    public TimeSpan Latency { get; set; }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Calls++;
        return Latency > TimeSpan.Zero ? AnswerLaterAsync(cancellationToken) : Task.FromResult(Answer());
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private async Task<ChatResponse> AnswerLaterAsync(CancellationToken cancellationToken)
    {
        // A timer is off by a millisecond or more, which is what is measured here: it brings us near, the rest is waited for.
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(Latency - TimeSpan.FromMilliseconds(10), cancellationToken);
        while (Stopwatch.GetElapsedTime(started) < Latency)
        {
            Thread.SpinWait(20);
        }

        return Answer();
    }

    private static ChatResponse Answer() => new(new ChatMessage(ChatRole.Assistant, s_answer) { MessageId = "msg-1" })
    {
        ResponseId = "resp-1",
        ModelId = "gpt-4o-mini-2024-07-18",
        FinishReason = ChatFinishReason.Stop,
        CreatedAt = DateTimeOffset.UnixEpoch,
        Usage = new UsageDetails { InputTokenCount = 2_000, OutputTokenCount = 500, TotalTokenCount = 2_500 },
    };
}
