using System.Diagnostics;

namespace LlmCostCache.AI;

/// <summary>The span a call's cost is written on: the chat span that was current when the call began, else our own, else none.</summary>
/// <remarks>
/// Captured once. After an early <c>break</c> of a stream <see cref="Activity.Current"/> is already the caller's, while the captured
/// span still takes tags. Doors inside one another that find the same chat span write to the same totals; a span of our own is not
/// current and must be handed inward, where <see cref="CostTelemetry.Begin(string, string?, CallSpan)"/> borrows it.
/// The default value belongs to no span and does nothing.
/// </remarks>
internal readonly struct CallSpan : IDisposable
{
    private readonly Activity? _activity;
    private readonly Activity? _ambient;
    private readonly bool _ends;

    private CallSpan(Activity? activity, Activity? ambient, bool isOwn, bool ends)
    {
        _activity = activity;
        _ambient = ambient;
        IsOwn = isOwn;
        _ends = ends;
    }

    /// <summary>The trace that the call belongs to, hexadecimal; null outside any trace.</summary>
    public string? TraceId => Identity is { } activity ? activity.TraceId.ToHexString() : null;

    /// <summary>The span that the call belongs to, hexadecimal; the caller's span when there is no other.</summary>
    public string? SpanId => Identity is { } activity ? activity.SpanId.ToHexString() : null;

    /// <summary>The tier the OpenAI adapter says this call was served in; null when it says nothing.</summary>
    public string? ServiceTier => IsOwn ? null : _activity?.GetTagItem(TelemetryNames.OpenAIServiceTier) as string;

    /// <summary>Whether the span is ours rather than the chat span of another library.</summary>
    public bool IsOwn { get; }

    /// <summary>The span to write on; null when there is none or when nobody records it.</summary>
    internal Activity? Recorded => _activity is { IsAllDataRequested: true } ? _activity : null;

    private Activity? Identity => (_activity ?? _ambient) is { IdFormat: ActivityIdFormat.W3C } activity ? activity : null;

    public static CallSpan Captured(Activity activity) => new(activity, null, isOwn: false, ends: false);

    public static CallSpan Own(Activity activity) => new(activity, null, isOwn: true, ends: true);

    /// <summary>No span to write on, inside <paramref name="ambient"/>.</summary>
    public static CallSpan Inside(Activity? ambient) => new(null, ambient, isOwn: false, ends: false);

    /// <summary>The same span, left to the door that started it to end.</summary>
    public CallSpan Borrow() => new(_activity, _ambient, IsOwn, ends: false);

    /// <summary>Stops the span when it was started here. A second time is harmless.</summary>
    public void End()
    {
        if (!_ends || _activity is not { IsStopped: false } own)
        {
            return;
        }

        // Stop() makes the span that was current at the start current again, whatever is current now.
        var current = Activity.Current;
        try
        {
            own.Stop();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Listeners run in here, and the answer of the call that ends is paid for.
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <inheritdoc cref="End"/>
    public void Dispose() => End();
}
