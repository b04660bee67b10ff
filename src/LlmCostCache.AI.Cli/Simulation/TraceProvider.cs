using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using LlmCostCache.AI.Cli.Traces;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Stands for a provider: answers each call of a trace as the trace says, with the usage that the provider would report, and takes the time that it would take.</summary>
internal sealed class TraceProvider(string? provider, string? model, PromptCacheRule rule, PromptCache prompts, LatencyModel latency, TraceClock clock) : IChatClient
{
    // As long as the clients of providers wait by default, or less.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(100);

    private readonly ChatClientMetadata _metadata = new(provider, null, model);

    /// <summary>How the counts of this provider are read: as they are, with how long a written prompt lives, which no adapter passes on.</summary>
    public static UsageRule Rule { get; } = new() { Read = static (_, raw) => (raw as Answer)?.Counts };

    /// <summary>The call that is asked next.</summary>
    public TraceCall? Next { get; set; }

    /// <summary>The number of the call, for the id of its answer.</summary>
    public long Number { get; set; }

    /// <summary>What goes wrong with it.</summary>
    public CallMistakes Mistakes { get; set; }

    /// <summary>Whether the last failure was a mistake that the next try does not meet.</summary>
    public bool CanTryAgain { get; private set; }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = Next!;
        CanTryAgain = Mistakes.HasFlag(CallMistakes.Retries) && call.Status != CallStatus.Failed;
        if (call.Status == CallStatus.Failed || CanTryAgain)
        {
            Mistakes &= ~CallMistakes.Retries;
            clock.Now += Span(latency.FirstMs);
            throw new HttpRequestException("The trace says that the provider was too busy.", null, HttpStatusCode.TooManyRequests);
        }

        if (Mistakes.HasFlag(CallMistakes.LostAnswers))
        {
            clock.Now += s_patience;
            throw new TimeoutException("No answer came in time.");
        }

        var asked = options?.ModelId ?? model;
        var usage = UsageOf(call, asked);
        var isSilent = Mistakes.HasFlag(CallMistakes.NoUsage);
        clock.Now += call.Latency ?? Span(latency.Of(usage));
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "An answer of a trace."))
        {
            ResponseId = string.Create(CultureInfo.InvariantCulture, $"trace-{call.At.ToUnixTimeMilliseconds()}-{Number}"),
            ModelId = asked,
            FinishReason = ChatFinishReason.Stop,
            Usage = isSilent ? null : usage.ToDetails(),
            RawRepresentation = isSilent ? null : new Answer(usage),
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static TimeSpan Span(decimal ms) => TimeSpan.FromTicks((long)(Math.Min(ms, LatencyTally.Longest) * TimeSpan.TicksPerMillisecond));

    private TokenUsage UsageOf(TraceCall call, string? asked)
    {
        if (call.Blocks is not { } blocks)
        {
            return call.Usage;
        }

        var usage = prompts.Read(RepeatedPrompt.ReadAnew(call.Usage), blocks, asked ?? "", rule, call.At);
        prompts.Keep(blocks, asked ?? "", call.At);
        return usage;
    }

    private sealed record Answer(TokenUsage Counts);
}
