using System.Collections.Concurrent;
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

    /// <summary>A last word of the application: false keeps an answer from being stored.</summary>
    /// <value>None.</value>
    public Func<ChatResponse, bool>? ShouldStore { get; init; }

    public string? WhyNotRead(ChatOptions? options) =>
        OnlyDeterministic && options?.Temperature is not 0f ? "only questions with a temperature of zero are cached" : null;

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
                    case FunctionCallContent call when StoreToolCalls && call.GetType() == typeof(FunctionCallContent) && call.Exception is null:
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

    private string? WhyUnfinished(ChatResponse response)
    {
        if (response.FinishReason is not { } reason)
        {
            // The Responses API of OpenAI gives no finish reason when all went well; its raw answer then says "Completed". A stream that
            // broke off has neither.
            return SaysCompleted(response.RawRepresentation) ? null : "the answer has no finish reason";
        }

        if (reason == ChatFinishReason.Stop || (StoreToolCalls && reason == ChatFinishReason.ToolCalls))
            return null;

        return $"the answer finished with {reason.Value}";
    }

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
        catch (TargetInvocationException)
        {
            return false;
        }
    }
}
