using System.Diagnostics;

namespace LlmCostCache.AI;

/// <summary>The span that a call's cost is written on: the chat span that was current when the call began, else our own, else none.</summary>
/// <remarks>
/// Captured once. After an early <c>break</c> of a stream <see cref="Activity.Current"/> is already the caller's, while the captured span still
/// takes tags. Doors inside one another that find the same chat span write to the same totals; a span of our own is not current and must be handed on.
/// The default value belongs to no span and does nothing.
/// </remarks>
internal readonly struct CallSpan : IDisposable
{
    private readonly Activity? _activity;
    private readonly Activity? _ambient;

    private CallSpan(Activity? activity, Activity? ambient, bool isOwn)
    {
        _activity = activity;
        _ambient = ambient;
        IsOwn = isOwn;
    }

    /// <summary>The trace that the call belongs to, hexadecimal; null outside any trace.</summary>
    public string? TraceId => Identity is { } activity ? activity.TraceId.ToHexString() : null;

    /// <summary>The span that the call belongs to, hexadecimal; the caller's span when there is no other.</summary>
    public string? SpanId => Identity is { } activity ? activity.SpanId.ToHexString() : null;

    /// <summary>The tier the OpenAI adapter says this call was served in; null when it says nothing.</summary>
    public string? ServiceTier => IsOwn ? null : _activity?.GetTagItem(TelemetryNames.OpenAIServiceTier) as string;

    /// <summary>Whether we started the span and end it.</summary>
    public bool IsOwn { get; }

    /// <summary>The span to write on; null when there is none or when nobody records it.</summary>
    internal Activity? Recorded => _activity is { IsAllDataRequested: true } ? _activity : null;

    private Activity? Identity => (_activity ?? _ambient) is { IdFormat: ActivityIdFormat.W3C } activity ? activity : null;

    public static CallSpan Captured(Activity activity) => new(activity, null, isOwn: false);

    public static CallSpan Own(Activity activity) => new(activity, null, isOwn: true);

    /// <summary>No span to write on, inside <paramref name="ambient"/>.</summary>
    public static CallSpan Inside(Activity? ambient) => new(null, ambient, isOwn: false);

    /// <summary>Stops the span when it is ours. A second time is harmless.</summary>
    public void End()
    {
        if (!IsOwn || _activity is not { IsStopped: false } own)
        {
            return;
        }

        // Stop() makes the span that was current at the start current again, whatever is current now.
        var current = Activity.Current;
        own.Stop();
        Activity.Current = current;
    }

    /// <inheritdoc cref="End"/>
    public void Dispose() => End();
}
