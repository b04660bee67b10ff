namespace LlmCostCache.AI;

/// <summary>Where a window stands in the transaction at hand, and what of that the file does not say yet.</summary>
internal sealed class CalendarWindow(string budget, string key, long startsAt, long endsAt, long posted, long pending)
{
    private long _addedPosted, _addedPending;
    private bool _isChanged;

    public string Budget => budget;

    public string Key => key;

    public long StartsAt => startsAt;

    public long EndsAt => endsAt;

    public long Posted { get; private set; } = posted;

    public long Pending { get; private set; } = pending;

    /// <returns>Whether it had nothing to be written before.</returns>
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public bool Add(long posted, long pending)
    {
        try
        {
            checked
            {
                (Posted, Pending, _addedPosted, _addedPending) = (Posted + posted, Pending + pending, _addedPosted + posted, _addedPending + pending);
            }
        }
        catch (OverflowException error)
        {
            throw new OverflowException("A sum in the ledger would no longer fit into 64 bits.", error);
        }

        var isFirst = !_isChanged;
        _isChanged = true;
        return isFirst;
    }

    /// <summary>What is to be added in the file; nothing is left to be written then.</summary>
    public (long Posted, long Pending) Take()
    {
        var added = (_addedPosted, _addedPending);
        (_addedPosted, _addedPending, _isChanged) = (0, 0, false);
        return added;
    }
}
