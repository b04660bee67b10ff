namespace LlmCostCache.AI;

/// <summary>Something the writer of <see cref="DiskLayer"/> does, in the order in which it was asked for.</summary>
internal abstract class DiskWork
{
    private readonly TaskCompletionSource<int> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many rows it removed, once committed; zero when it failed. Never an exception.</summary>
    public Task<int> Done => _done.Task;

    public int Rows { get; set; }

    public void Finish(bool committed) => _done.TrySetResult(committed ? Rows : 0);

    internal sealed class Put(CacheKey key, StoredAnswer answer, Func<RequestOutline?>? outline, long size) : DiskWork
    {
        public CacheKey Key => key;

        public StoredAnswer Answer => answer;

        public long Size => size;

        /// <summary>The answer as it goes into the file; made before the transaction begins, so that nobody waits for it.</summary>
        public byte[]? Frame { get; private set; }

        public byte[]? Outline { get; private set; }

        /// <summary>About how much the file grows: rows, index entries and what is left of their pages.</summary>
        public long BytesInFile => (Frame?.Length ?? 0) + (Outline?.Length ?? 0) + DiskFile.PageSize;

        public void Seal(AnswerSeal seal)
        {
            Frame = AnswerFrame.Encode(key, answer, seal);
            Outline = outline?.Invoke() is { } parts ? OutlineFrame.Encode(key, parts, seal) : null;
        }
    }

    /// <summary>Removes a row; when <paramref name="askedUpTo"/> is given, only if it is not newer.</summary>
    internal sealed class Delete(CacheKey key, long askedUpTo) : DiskWork
    {
        public CacheKey Key => key;

        public long AskedUpTo => askedUpTo;
    }

    internal sealed class Invalidate(Invalidations.Scope scope, long stamp) : DiskWork
    {
        public Invalidations.Scope Scope => scope;

        public long Stamp => stamp;
    }

    /// <summary>Gives a lease back before its time is over.</summary>
    internal sealed class Release(CacheKey key) : DiskWork
    {
        public CacheKey Key => key;
    }

    /// <summary>Sets the file aside: a reader found that it is damaged.</summary>
    internal sealed class Repair(int generation) : DiskWork
    {
        /// <summary>Which file it was; a newer one is not to blame.</summary>
        public int Generation => generation;
    }

    /// <summary>Writes down what is counted in memory, and has the house kept when it is time.</summary>
    internal sealed class Tick : DiskWork;

    internal sealed class Barrier : DiskWork;
}
