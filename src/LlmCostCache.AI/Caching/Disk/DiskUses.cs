using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Hits that were counted and not written yet, one note for each answer however often it is asked for.</summary>
internal sealed class DiskUses(TimeProvider time)
{
    // A second of hits on more answers than this loses the count of some; nothing else depends on it.
    private const int MostNotes = 20_000;

    private readonly ConcurrentDictionary<CacheKey, Note> _notes = new();

    // Taken out and perhaps not written yet: until the next are taken, so that an answer that was just used is never missed in between.
    private readonly ConcurrentDictionary<CacheKey, long> _taken = new();

    /// <summary>Counts a hit.</summary>
    /// <returns>Whether there was nothing to write before, so that somebody should see to it.</returns>
    public bool Add(CacheKey key, Money saved)
    {
        var usedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
        while (true)
        {
            var isFirst = false;
            if (!_notes.TryGetValue(key, out var note))
            {
                if (_notes.Count >= MostNotes)
                    return false;

                isFirst = _notes.IsEmpty;
                note = _notes.GetOrAdd(key, static _ => new Note());
            }

            if (note.TryAdd(saved.Nanos, usedAt))
                return isFirst;
        }
    }

    /// <summary>When an answer was last used, if that is not written yet.</summary>
    public DateTimeOffset? UsedAt(CacheKey key) =>
        _notes.TryGetValue(key, out var note) ? DateTimeOffset.FromUnixTimeMilliseconds(note.UsedAt)
        : _taken.TryGetValue(key, out var usedAt) ? DateTimeOffset.FromUnixTimeMilliseconds(usedAt) : null;

    /// <summary>Takes up to so many notes out; those that were taken before are written.</summary>
    public List<(CacheKey Key, long Hits, long SavedNanos, long UsedAt)> Take(int count)
    {
        var taken = new List<(CacheKey, long, long, long)>();
        _taken.Clear();
        foreach (var (key, waiting) in _notes)
        {
            if (taken.Count == count)
                break;

            _taken[key] = waiting.UsedAt;

            if (_notes.TryRemove(key, out var note))
            {
                note.Close();
                taken.Add((key, note.Hits, note.SavedNanos, note.UsedAt));
            }
        }

        return taken;
    }

    private sealed class Note
    {
        private bool _isClosed;
        private long _usedAt;

        public long Hits { get; private set; }

        public long SavedNanos { get; private set; }

        public long UsedAt => Volatile.Read(ref _usedAt);

        public bool TryAdd(long savedNanos, long usedAt)
        {
            lock (this)
            {
                if (_isClosed)
                    return false;

                Hits++;
                SavedNanos += savedNanos;
                Volatile.Write(ref _usedAt, Math.Max(_usedAt, usedAt));
                return true;
            }
        }

        public void Close()
        {
            lock (this)
                _isClosed = true;
        }
    }
}
