namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Which requests an exact cache could answer: those whose answer was bought less than a time to live ago, and was not put out by newer ones.</summary>
/// <remarks>The product's memory keeps what is asked often instead of what was asked last, and finds a few more; its disk is much larger than its memory.</remarks>
internal sealed class AnswerCache(TimeSpan timeToLive, int maxEntries)
{
    private readonly Dictionary<CacheKey, LinkedListNode<Entry>> _entries = [];

    // The one that was used last stands at the end.
    private readonly LinkedList<Entry> _byUse = new();
    private readonly Queue<(CacheKey Key, DateTimeOffset ExpiresAt)> _byEnd = new();

    /// <summary>How many answers were put out before their time.</summary>
    public long Evicted { get; private set; }

    public bool Finds(CacheKey key, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(key, out var node) || now >= node.Value.ExpiresAt)
        {
            return false;
        }

        _byUse.Remove(node);
        _byUse.AddLast(node);
        return true;
    }

    public void Store(CacheKey key, DateTimeOffset now)
    {
        Expire(now);
        Remove(key);
        if (_entries.Count == maxEntries)
        {
            Remove(_byUse.First!.Value.Key);
            Evicted++;
        }

        var entry = new Entry(key, now + timeToLive);
        _entries.Add(key, _byUse.AddLast(entry));
        _byEnd.Enqueue((key, entry.ExpiresAt));
    }

    private void Expire(DateTimeOffset now)
    {
        while (_byEnd.TryPeek(out var first) && first.ExpiresAt <= now)
        {
            _byEnd.Dequeue();

            // It may have been bought anew since.
            if (_entries.TryGetValue(first.Key, out var node) && node.Value.ExpiresAt == first.ExpiresAt)
            {
                Remove(first.Key);
            }
        }
    }

    private void Remove(CacheKey key)
    {
        if (_entries.Remove(key, out var node))
        {
            _byUse.Remove(node);
        }
    }

    private sealed record Entry(CacheKey Key, DateTimeOffset ExpiresAt);
}
