namespace LlmCostCache.AI;

/// <summary>Entries in the order in which they came, linked through themselves; not safe for several threads.</summary>
internal sealed class MemoryQueue
{
    private MemoryEntry? _newest;

    public MemoryEntry? Oldest { get; private set; }

    public void Add(MemoryEntry entry)
    {
        entry.Older = _newest;
        entry.Newer = null;
        if (_newest is null)
            Oldest = entry;
        else
            _newest.Newer = entry;

        _newest = entry;
    }

    public void Remove(MemoryEntry entry)
    {
        if (entry.Older is null)
            Oldest = entry.Newer;
        else
            entry.Older.Newer = entry.Newer;

        if (entry.Newer is null)
            _newest = entry.Older;
        else
            entry.Newer.Older = entry.Older;

        entry.Newer = null;
        entry.Older = null;
    }
}
