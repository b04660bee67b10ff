using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI;

/// <summary>Answers in the memory of this process, bounded by bytes; what is asked for often stays (S3-FIFO).</summary>
/// <remarks>
/// A question is found by its <see cref="RequestPrint"/> and then compared byte by byte, so that two questions with one print are never taken for each other: the second one misses.
/// New answers enter a small queue (a tenth of the bytes). Whoever is asked for again before reaching its end moves to the main queue; the
/// others leave and are remembered by print only, and enter the main queue when they return. One-off questions thus never push out the
/// popular ones. A hit takes no lock: it counts up to three. There is no background work.
/// </remarks>
internal sealed class MemoryLayer(long limit)
{
    private const int MostHits = 3;

    // Hardly any answer is smaller: what is remembered of those that left stays below a hundredth of the limit.
    private const int SmallestAnswer = 1_000;

    private readonly ConcurrentDictionary<RequestPrint, MemoryEntry> _entries = new();
    private readonly Lock _lock = new();
    private readonly MemoryQueue _small = new();
    private readonly MemoryQueue _main = new();
    private readonly GhostTable _ghosts = new(limit / SmallestAnswer);
    private long _smallBytes;
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public int Count => _entries.Count;

    /// <summary>Looks a question up.</summary>
    /// <param name="print">Its print.</param>
    /// <param name="request">Its canonical bytes; empty when the print decides.</param>
    /// <param name="entry">The entry that answers it.</param>
    public bool TryGet(RequestPrint print, ReadOnlySpan<byte> request, [NotNullWhen(true)] out MemoryEntry? entry)
    {
        if (!_entries.TryGetValue(print, out entry) || !entry.Answers(request))
        {
            entry = null;
            return false;
        }

        // A race may lose one count; that is cheaper than a locked instruction for each hit, and a popular entry is only read.
        if (entry.Hits < MostHits)
            entry.Hits++;

        return true;
    }

    /// <summary>Stores an answer in the place of whatever has its print, unless that answers the same question and was asked for later: what a slow look-up brings from
    /// a lower layer must not undo a refresh.</summary>
    public void Put(MemoryEntry entry)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(entry.Print, out var old) && old.Key.Equals(entry.Key) && old.Answer.AskedAt > entry.Answer.AskedAt)
                return;

            if (_entries.TryRemove(entry.Print, out old))
                Unlink_NeedsLock(old);

            if (entry.Size > limit)
                return;

            // Make room first: the newcomer must not be the one that goes.
            while (_bytes + entry.Size > limit)
                Evict_NeedsLock();

            entry.InMain = _ghosts.Remove(entry.Print);
            entry.Hits = old?.Hits ?? 0;
            (entry.InMain ? _main : _small).Add(entry);
            _smallBytes += entry.InMain ? 0 : entry.Size;
            _bytes += entry.Size;
            _entries[entry.Print] = entry;
        }
    }

    /// <summary>Removes exactly this entry; a newer one in its place stays.</summary>
    public bool Remove(MemoryEntry entry)
    {
        lock (_lock)
        {
            if (!_entries.TryRemove(KeyValuePair.Create(entry.Print, entry)))
                return false;

            Unlink_NeedsLock(entry);
            return true;
        }
    }

    /// <summary>Removes the answer to a question.</summary>
    public bool Remove(RequestPrint print, ReadOnlySpan<byte> request) =>
        _entries.TryGetValue(print, out var entry) && entry.Answers(request) && Remove(entry);

    /// <summary>Removes the answers with these keys, wherever they are, unless they were asked for later; looks at all of them.</summary>
    public void Remove(IReadOnlyDictionary<CacheKey, long> askedUpTo)
    {
        foreach (var (_, entry) in _entries)
        {
            if (askedUpTo.TryGetValue(entry.Key, out var stamp) && entry.Answer.AskedAt <= stamp)
                Remove(entry);
        }
    }

    public int RemoveWhere(Func<StoredAnswer, bool> match)
    {
        var removed = 0;
        foreach (var (_, entry) in _entries)
        {
            if (match(entry.Answer) && Remove(entry))
                removed++;
        }

        return removed;
    }

    private void Evict_NeedsLock()
    {
        while (true)
        {
            if (_small.Oldest is { } candidate && (_smallBytes > limit / 10 || _main.Oldest is null))
            {
                if (candidate.Hits > 0)
                {
                    _small.Remove(candidate);
                    _smallBytes -= candidate.Size;
                    candidate.Hits = 0;
                    candidate.InMain = true;
                    _main.Add(candidate);
                    continue;
                }

                _entries.TryRemove(candidate.Print, out _);
                Unlink_NeedsLock(candidate);
                _ghosts.Add(candidate.Print);
                return;
            }

            var oldest = _main.Oldest!;
            if (oldest.Hits > 0)
            {
                oldest.Hits--;
                _main.Remove(oldest);
                _main.Add(oldest);
                continue;
            }

            _entries.TryRemove(oldest.Print, out _);
            Unlink_NeedsLock(oldest);
            return;
        }
    }

    private void Unlink_NeedsLock(MemoryEntry entry)
    {
        if (entry.InMain)
        {
            _main.Remove(entry);
        }
        else
        {
            _small.Remove(entry);
            _smallBytes -= entry.Size;
        }

        _bytes -= entry.Size;
    }
}
