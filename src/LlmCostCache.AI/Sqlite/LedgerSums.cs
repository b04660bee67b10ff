namespace LlmCostCache.AI;

/// <summary>What one slot of the roll-up adds up: count, unpriced, booked, low, high, saved, then the token buckets.</summary>
internal sealed class LedgerSums
{
    public const int Count = 6 + TokenBuckets.Count;

    private readonly long[] _values = new long[Count];

    public ReadOnlySpan<long> Values => _values;

    /// <summary>Whether a check has met the sums that are kept for these.</summary>
    public bool IsSeen { get; set; }

    public bool IsZero => _values.AsSpan().IndexOfAnyExcept(0L) < 0;

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(LedgerEntry folded, int sign)
    {
        Span<long> row = stackalloc long[Count];
        row[0] = 1;
        row[1] = folded.Unpriced;
        row[2] = folded.BookedNanos;
        row[3] = folded.LowNanos ?? 0;
        row[4] = folded.HighNanos ?? 0;
        row[5] = folded.SavedNanos;
        TokenBuckets.Write(folded.Usage, row[6..]);
        Add(row, sign);
    }

    public void Add(ReadOnlySpan<long> row, int sign = 1)
    {
        for (var i = 0; i < Count; i++)
        {
            _values[i] = checked(_values[i] + (sign * row[i]));
        }
    }
}
