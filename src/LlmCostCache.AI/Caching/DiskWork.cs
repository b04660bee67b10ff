namespace LlmCostCache.AI;

/// <summary>Something the writer of <see cref="DiskLayer"/> does, in the order in which it was asked for.</summary>
internal abstract class DiskWork
{
    private readonly TaskCompletionSource<int> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many rows it removed, once committed; zero when it failed. Never an exception.</summary>
    public Task<int> Done => _done.Task;

    public int Rows { get; set; }

    public void Finish(bool committed) => _done.TrySetResult(committed ? Rows : 0);

    internal sealed class Put(CacheKey key, StoredAnswer answer, long size) : DiskWork
    {
        public CacheKey Key => key;

        public StoredAnswer Answer => answer;

        public long Size => size;
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

    internal sealed class Barrier : DiskWork;
}
