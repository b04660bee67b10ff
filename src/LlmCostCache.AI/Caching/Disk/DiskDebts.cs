using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>What could not be written into the file yet and must be: without it the dead would live again after a restart, and other processes would never hear of it.</summary>
/// <remarks>Of the writer's thread alone, except <see cref="IsDoomed"/>.</remarks>
internal sealed class DiskDebts(Invalidations invalidations)
{
    private const int MostOwed = 10_000;

    private readonly List<DiskWork> _owed = [];

    // Of these the single answers that are to go: they still stand in the file, and readers must not find them.
    private readonly ConcurrentDictionary<CacheKey, long> _doomed = new();
    private bool _isToldOf;

    public bool HasInvalidations => _owed.Exists(static work => work is DiskWork.Invalidate);

    /// <summary>Whether an answer was removed and only could not be taken out of the file yet.</summary>
    public bool IsDoomed(CacheKey key, StoredAnswer answer) => !_doomed.IsEmpty && _doomed.TryGetValue(key, out var askedUpTo) && answer.AskedAt <= askedUpTo;

    /// <summary>Whether nobody was told yet that an invalidation is owed; once for each time that it happens.</summary>
    public bool IsNews()
    {
        var isNews = !_isToldOf;
        _isToldOf = true;
        return isNews;
    }

    public void ForEach(Action<DiskWork> write) => _owed.ForEach(write);

    /// <summary>Everything is written.</summary>
    public void Settle()
    {
        _owed.Clear();
        _doomed.Clear();
        _isToldOf = false;
    }

    /// <summary>Remembers what of a batch that was not written must be.</summary>
    /// <returns>Whether anything is owed.</returns>
    public bool Add(List<DiskWork> batch)
    {
        _owed.AddRange(batch.Where(static work => work is DiskWork.Invalidate or DiskWork.Delete));
        if (_owed.Count == 0)
            return false;

        foreach (var delete in batch.OfType<DiskWork.Delete>())
            _doomed.AddOrUpdate(delete.Key, delete.AskedUpTo, (_, known) => Math.Max(known, delete.AskedUpTo));

        // Too many to remember: everything older is forgotten, which is too much, never too little.
        if (_owed.Count > MostOwed && _owed.OfType<DiskWork.Invalidate>().ToList() is { Count: > 0 } told)
        {
            var everything = new DiskWork.Invalidate(new(Invalidations.Kind.Everything, ""), told.Max(static work => work.Stamp));
            invalidations.Add(everything.Scope, everything.Stamp);
            _owed.Clear();
            _doomed.Clear();
            _owed.Add(everything);
        }
        else if (_owed.Count > MostOwed)
        {
            _owed.Clear();
            _doomed.Clear();
        }

        return true;
    }

    /// <summary>Owes all that this process knows: other processes may not have learned it from a file that is gone.</summary>
    public void AddAllKnown() => _owed.AddRange(invalidations.Known().Select(static known => new DiskWork.Invalidate(known.Scope, known.Stamp)));
}
