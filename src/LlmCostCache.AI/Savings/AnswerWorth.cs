namespace LlmCostCache.AI;

/// <summary>What was worked out about a stored answer since it came into this process. It is no part of the answer, so answers are equal without it.</summary>
internal sealed class AnswerWorth
{
    private AvoidedCost? _avoided;
    private ServedCost? _served;
    private long _lastAsked;
    private long _comparedWith;
    private WeakReference<string[]>? _pieces;

    /// <summary>What asking again would cost; null until somebody wanted to know.</summary>
    public AvoidedCost? Avoided
    {
        get => Volatile.Read(ref _avoided);
        set => Volatile.Write(ref _avoided, value);
    }

    /// <summary>Which state of other machines' invalidations it was compared with last; see <see cref="SharedStamps"/>.</summary>
    public long ComparedWith
    {
        get => Interlocked.Read(ref _comparedWith);
        set => Interlocked.Exchange(ref _comparedWith, value);
    }

    /// <summary>What the last hit cost and saved; null when there was none.</summary>
    public ServedCost? Served
    {
        get => Volatile.Read(ref _served);
        set => Volatile.Write(ref _served, value);
    }

    /// <summary>When it was last served, in ticks; zero when it was not.</summary>
    public long LastAsked => Interlocked.Read(ref _lastAsked);

    /// <summary>Notes that the answer is served now.</summary>
    /// <returns>When it was served before, in ticks; zero when it was not.</returns>
    public long Ask(DateTimeOffset now)
    {
        // Rounded up to a millisecond, in which one hit writes and the others only read. A little too late makes a prompt look warmer and the saving smaller.
        var asked = (now.UtcTicks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond;
        var before = Interlocked.Read(ref _lastAsked);
        return before == asked ? before : Interlocked.Exchange(ref _lastAsked, asked);
    }

    /// <summary>Its text, cut for those who read it as a stream. Kept as long as the collector has no better use for the memory: a popular answer is not copied for each reader, and
    /// none takes twice its room.</summary>
    public string[] PiecesOf(string text)
    {
        var kept = Volatile.Read(ref _pieces);
        if (kept is not null && kept.TryGetTarget(out var pieces))
            return pieces;

        pieces = Replay.Cut(text);
        if (pieces.Length > 1 && kept is not null)
            kept.SetTarget(pieces);
        else if (pieces.Length > 1)
            Volatile.Write(ref _pieces, new WeakReference<string[]>(pieces));

        return pieces;
    }

    public override bool Equals(object? obj) => obj is AnswerWorth;

    public override int GetHashCode() => 0;
}
