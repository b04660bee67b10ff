using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Which questions are looked up and which answers deserve to be stored.</summary>
internal sealed record CachePolicy
{
    /// <summary>The longest time an answer may be served; also how long invalidations are remembered.</summary>
    public static readonly TimeSpan LongestTimeToLive = TimeSpan.FromDays(365);

    private static readonly ConcurrentDictionary<Type, PropertyInfo?> s_statusOf = new();

    public static CachePolicy Default { get; } = new();

    /// <summary>How long an answer may be served.</summary>
    /// <value>24 hours; more than 365 days counts as 365.</value>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long an answer of a model may be served, where it differs.</summary>
    /// <value>None.</value>
    public FrozenDictionary<string, TimeSpan> ModelTimeToLive { get; init; } = FrozenDictionary<string, TimeSpan>.Empty;

    /// <summary>How long an answer may go unused, within its time to live.</summary>
    /// <value>Null: only the time to live counts.</value>
    public TimeSpan? SlidingExpiration { get; init; }

    /// <summary>How long after its end an answer may be served when the provider fails.</summary>
    /// <value>Zero: never.</value>
    public TimeSpan ServeStaleFor { get; init; }

    /// <summary>The part of its life after which a hit has the answer renewed in the background.</summary>
    /// <value>Zero: never.</value>
    public double RefreshAhead { get; init; }

    /// <summary>The largest answer that is stored, in bytes.</summary>
    /// <value>4 MB; at most 32 MB.</value>
    public int MaxAnswerBytes { get; init; } = 4 << 20;

    /// <summary>Whether media that is only named, by an address or a file id, may be part of a cached question.</summary>
    /// <value>False: what is behind the name can change while the name does not.</value>
    public bool AllowUriContent { get; init; }

    /// <summary>Whether only questions with a temperature of zero are cached.</summary>
    /// <value>False: the temperature is in the key.</value>
    public bool OnlyDeterministic { get; init; }

    /// <summary>Whether an answer that calls functions is stored.</summary>
    /// <value>False: replaying it replays what the functions do.</value>
    public bool StoreToolCalls { get; init; }

    /// <summary>Whether an answer that the provider's filter cut, or in which the model refuses, is stored.</summary>
    /// <value>False: the next try may be answered.</value>
    public bool StoreRefusals { get; init; }

    /// <summary>A first word of the application: false keeps a question away from the cache.</summary>
    /// <value>None.</value>
    public Func<IReadOnlyList<ChatMessage>, ChatOptions?, bool>? ShouldCache { get; init; }

    /// <summary>A last word of the application: false keeps an answer from being stored.</summary>
    /// <value>None.</value>
    public Func<ChatResponse, bool>? ShouldStore { get; init; }

    /// <summary>Why a question is neither looked up nor stored, or null when it may be.</summary>
    public string? WhyNotRead(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (OnlyDeterministic && options?.Temperature is not 0f)
            return "only questions with a temperature of zero are cached";

        if (ShouldCache is not { } should)
            return null;

        try
        {
            return should(messages as IReadOnlyList<ChatMessage> ?? [.. messages], options) ? null : "the application keeps the question away from the cache";
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whoever asks wants an answer; a cache that cannot decide stays out of the way.
            return $"the application failed to decide about the question ({exception.GetType().Name})";
        }
    }

    /// <summary>How long an answer to a question of this model may be served.</summary>
    public TimeSpan LifetimeOf(string model) =>
        ModelTimeToLive.Count > 0 && ModelTimeToLive.TryGetValue(model, out var lifetime) ? lifetime : TimeToLive;

    /// <summary>Whether pieces of an answer may be handed to others before it is whole: when nothing that is only known then can forbid it.</summary>
    public bool IsLive(ChatOptions? options) => ShouldStore is null && (StoreToolCalls || options?.Tools is not { Count: > 0 });

    /// <summary>Whether a piece is one of those that an answer which may be stored consists of.</summary>
    public bool MayShare(ChatResponseUpdate update)
    {
        if (update.ContinuationToken is not null || (update.Role is { } role && role != ChatRole.Assistant)
            || (update.FinishReason is { } reason && !MayFinishWith(reason)))
            return false;

        for (var i = 0; i < update.Contents.Count; i++)
        {
            if (update.Contents[i] is not (TextContent or TextReasoningContent or DataContent or UsageContent)
                && !(update.Contents[i] is FunctionCallContent call && MayStore(call)))
                return false;
        }

        return true;
    }

    /// <summary>Why <paramref name="response"/> must not be stored, or null when it may be.</summary>
    public string? WhyNotStore(ChatResponse response)
    {
        if (response.ContinuationToken is not null)
            return "the answer is still under way";

        if (WhyUnfinished(response) is { } unfinished)
            return unfinished;

        var says = false;
        var messages = response.Messages;
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != ChatRole.Assistant)
                return $"the answer has a message of the role {messages[i].Role.Value}";

            var contents = messages[i].Contents;
            for (var j = 0; j < contents.Count; j++)
            {
                switch (contents[j])
                {
                    case TextContent text:
                        says |= !string.IsNullOrWhiteSpace(text.Text);
                        break;
                    case DataContent data when data.GetType() == typeof(DataContent):
                        says |= !data.Data.IsEmpty;
                        break;
                    case TextReasoningContent or UsageContent:
                        break;
                    case FunctionCallContent call when MayStore(call):
                        says = true;
                        break;
                    case var other:
                        return $"the answer has content of the type {other?.GetType().Name ?? "null"}";
                }
            }
        }

        if (!says)
            return "the answer is empty";

        try
        {
            return ShouldStore is { } should && !should(response) ? "the application refused it" : null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The answer is paid for: it reaches its caller, it is only not stored.
            return $"the application failed to decide ({exception.GetType().Name})";
        }
    }

    // One that only informs was made by somebody else. What is stored would not say so, and its replay would be made.
    private bool MayStore(FunctionCallContent call) => StoreToolCalls && call.GetType() == typeof(FunctionCallContent) && call is { Exception: null, InformationalOnly: false };

    private string? WhyUnfinished(ChatResponse response)
    {
        if (response.FinishReason is not { } reason)
        {
            // The Responses API of OpenAI gives no finish reason when all went well; its raw answer then says "Completed". A stream that
            // broke off has neither.
            return SaysCompleted(response.RawRepresentation) ? null : "the answer has no finish reason";
        }

        return MayFinishWith(reason) ? null : $"the answer finished with {reason.Value}";
    }

    private bool MayFinishWith(ChatFinishReason reason) => reason == ChatFinishReason.Stop
        || (StoreToolCalls && reason == ChatFinishReason.ToolCalls)
        || (StoreRefusals && (reason == ChatFinishReason.ContentFilter || reason.Value == "refusal"));

    [UnconditionalSuppressMessage("Trimming", "IL2070",
        Justification = "A property that was trimmed away reads as not completed: the answer is not stored.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075",
        Justification = "A property that was trimmed away reads as not completed: the answer is not stored.")]
    private static bool SaysCompleted(object? raw)
    {
        if (raw is null)
            return false;

        var status = s_statusOf.GetOrAdd(raw.GetType(), static type =>
            type.GetProperties(BindingFlags.Public | BindingFlags.Instance).FirstOrDefault(p =>
                p.Name == "Status" && p.GetIndexParameters().Length == 0));
        try
        {
            return string.Equals(status?.GetValue(raw)?.ToString(), "completed", StringComparison.OrdinalIgnoreCase);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Other people's code, and the answer that it belongs to is paid for.
            return false;
        }
    }
}
