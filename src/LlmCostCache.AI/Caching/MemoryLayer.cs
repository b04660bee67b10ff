using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI;

/// <summary>Answers in the memory of this process, bounded by bytes; what is asked for often stays (S3-FIFO).</summary>
/// <remarks>
/// New answers enter a small queue (a tenth of the bytes). Whoever is asked for again before reaching its end moves to the main queue; the
/// others leave and are remembered by key only, and enter the main queue when they return. One-off questions thus never push out the
/// popular ones. A hit takes no lock: it counts up to three. There is no background work.
/// </remarks>
internal sealed class MemoryLayer(long limit)
{
    private const int MostHits = 3;

    private readonly ConcurrentDictionary<CacheKey, Entry> _entries = new();
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _small = [];
    private readonly LinkedList<Entry> _main = [];
    private readonly Queue<CacheKey> _ghosts = [];
    private readonly HashSet<CacheKey> _ghostSet = [];
    private long _smallBytes;
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public int Count => _entries.Count;

    public bool TryGet(CacheKey key, [NotNullWhen(true)] out StoredAnswer? answer)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            answer = null;
            return false;
        }

        // A race may lose one count; that is cheaper than a locked instruction for each hit.
        if (entry.Hits < MostHits)
            entry.Hits++;

        answer = entry.Answer;
        return true;
    }

    public void Put(CacheKey key, StoredAnswer answer)
    {
        var size = answer.SizeInMemory();
        lock (_lock)
        {
            if (_entries.TryRemove(key, out var old))
                Unlink_NeedsLock(old);

            if (size > limit)
                return;

            // Make room first: the newcomer must not be the one that goes.
            while (_bytes + size > limit)
                Evict_NeedsLock();

            var returns = _ghostSet.Remove(key);
            var entry = new Entry(key, answer, size) { InMain = returns, Hits = old?.Hits ?? 0 };
            entry.Node = (returns ? _main : _small).AddFirst(entry);
            _smallBytes += returns ? 0 : size;
            _bytes += size;
            _entries[key] = entry;
        }
    }

    public bool Remove(CacheKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryRemove(key, out var entry))
                return false;

            Unlink_NeedsLock(entry);
            return true;
        }
    }

    /// <summary>Removes exactly this answer; a newer one under the same key stays.</summary>
    public void Remove(CacheKey key, StoredAnswer answer)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var entry) && ReferenceEquals(entry.Answer, answer) && _entries.TryRemove(key, out _))
                Unlink_NeedsLock(entry);
        }
    }

    public int RemoveWhere(Func<StoredAnswer, bool> match)
    {
        var removed = 0;
        foreach (var (key, entry) in _entries)
        {
            if (match(entry.Answer))
            {
                Remove(key, entry.Answer);
                removed++;
            }
        }

        return removed;
    }

    private void Evict_NeedsLock()
    {
        while (true)
        {
            if (_small.Last is { } candidate && (_smallBytes > limit / 10 || _main.Count == 0))
            {
                var entry = candidate.Value;
                if (entry.Hits > 0)
                {
                    _small.Remove(candidate);
                    _smallBytes -= entry.Size;
                    entry.Hits = 0;
                    entry.InMain = true;
                    _main.AddFirst(candidate);
                    continue;
                }

                _entries.TryRemove(entry.Key, out _);
                Unlink_NeedsLock(entry);
                Remember_NeedsLock(entry.Key);
                return;
            }

            var oldest = _main.Last!;
            if (oldest.Value.Hits > 0)
            {
                oldest.Value.Hits--;
                _main.Remove(oldest);
                _main.AddFirst(oldest);
                continue;
            }

            _entries.TryRemove(oldest.Value.Key, out _);
            Unlink_NeedsLock(oldest.Value);
            return;
        }
    }

    private void Remember_NeedsLock(CacheKey key)
    {
        if (_ghostSet.Add(key))
            _ghosts.Enqueue(key);

        // As many as there are answers, but a bounded number of bytes even when the answers are tiny.
        while (_ghosts.Count > Math.Clamp(_entries.Count, 64, 100_000))
            _ghostSet.Remove(_ghosts.Dequeue());
    }

    private void Unlink_NeedsLock(Entry entry)
    {
        if (entry.InMain)
        {
            _main.Remove(entry.Node!);
        }
        else
        {
            _small.Remove(entry.Node!);
            _smallBytes -= entry.Size;
        }

        _bytes -= entry.Size;
    }

    private sealed class Entry(CacheKey key, StoredAnswer answer, long size)
    {
        public CacheKey Key => key;

        public StoredAnswer Answer => answer;

        public long Size => size;

        public int Hits { get; set; }

        public bool InMain { get; set; }

        public LinkedListNode<Entry>? Node { get; set; }
    }
}
