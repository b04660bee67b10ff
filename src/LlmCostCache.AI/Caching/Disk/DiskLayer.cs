using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>Answers in <c>cache.db</c>, shared by the processes of one machine. Reads run inline; one thread writes, in batches.</summary>
/// <remarks>Nothing here raises an exception: the file may be deleted, damaged, locked or full at any time, and then simply knows
/// nothing.</remarks>
internal sealed class DiskLayer : IDisposable
{
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(100);

    // A look-up that takes longer is worth asking the provider instead; a disk like that is left alone.
    private static readonly TimeSpan s_slow = TimeSpan.FromMilliseconds(50);

    private readonly TimeProvider _time;
    private readonly Invalidations _invalidations;
    private readonly AnswerSeal _seal;
    private readonly Action<string> _failed;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly LayerBreaker _breaker;

    // Whoever holds the lock for writing keeps leases waiting, not readers.
    private readonly LayerBreaker _leaseBreaker;
    private readonly DiskFile _file;
    private readonly DiskInvalidations _told;
    private readonly DiskReaders _readers;
    private readonly DiskLeases _leases;
    private readonly DiskUses _uses;
    private readonly DiskWriter _writer;
    private long _polledAt;
    private long _lookedAt;
    private long _mark;
    private long _followed = -1;
    private volatile bool _closing;

    private DiskLayer(DiskFile file, long limit, AnswerSeal seal, TimeProvider time, Invalidations invalidations, ILogger logger, Action<string> failed)
    {
        _time = time;
        _file = file;
        _told = new DiskInvalidations(seal, invalidations);
        _invalidations = invalidations;
        _seal = seal;
        _failed = failed;
        _polledAt = _lookedAt = time.GetTimestamp();
        _breaker = new LayerBreaker(CacheLayer.Disk, time, logger);
        _leaseBreaker = new LayerBreaker(CacheLayer.Disk, time, logger);
        _readers = new DiskReaders(file, _told);
        _leases = new DiskLeases(file, _turn, time);
        _uses = new DiskUses(time);
        _writer = new DiskWriter(file, _readers, _leases, _uses, new DiskHousekeeping(limit, time), _told, _turn, seal, invalidations, time, logger, failed);
        _writer.Leaving += () =>
        {
            // Unless whoever followed another process has learned already.
            if (_readers.Generation != Interlocked.Read(ref _followed))
                LearnLast();
        };
        _writer.BegunAnew += () =>
        {
            _told.Forget();
            _breaker.Succeeded();
        };
    }

    /// <summary>Opens the file, beginning a new one when it is damaged; null, with one warning, when there is no using it.</summary>
    public static DiskLayer? TryOpen(string directory, long limit, AnswerSeal seal, TimeProvider time, Invalidations invalidations, ILogger logger,
        Action<string> failed)
    {
        var file = new DiskFile(Path.Combine(directory, DiskFile.Name), time, logger, failed);
        var layer = new DiskLayer(file, limit, seal, time, invalidations, logger, failed);
        try
        {
            layer._writer.Start();
            var reader = layer._readers.Take();
            layer._told.Learn(reader.Connection, reader.Told);
            layer._readers.GiveBack(reader);
            return layer;
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            CacheLog.DiskUnusable(logger, file.Path, e);
            failed(e is SqliteException sqlite ? $"cannot be opened (SQLite error {sqlite.SqliteErrorCode})" : $"cannot be opened ({e.GetType().Name})");
            layer.Dispose();
            return null;
        }
    }

    /// <summary>Looks a row up. A row that is malformed or was tampered with is deleted and counted; one that is encrypted with a key that is not
    /// ours is only counted.</summary>
    /// <param name="key">The question.</param>
    /// <param name="evenUnused">Whether an answer counts that nobody used for its sliding time.</param>
    public StoredAnswer? Find(CacheKey key, bool evenUnused = false)
    {
        var startedAt = Stopwatch.GetTimestamp();
        FollowFile();
        if (TakeReader() is not { } reader)
            return null;

        try
        {
            var answer = Find(key, reader, startedAt, evenUnused);
            _readers.GiveBack(reader);
            return answer;
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            Failed(e, reader);
            return null;
        }
    }

    /// <summary>The same for the rows of a batch, with one reader. When the file turns out slow or broken meanwhile, the rest is not known.</summary>
    public StoredAnswer?[] Find(IReadOnlyList<CacheKey> keys)
    {
        var answers = new StoredAnswer?[keys.Count];
        var startedAt = Stopwatch.GetTimestamp();
        if (keys.Count == 0 || TakeReader() is not { } reader)
            return answers;

        try
        {
            var i = 0;
            do
            {
                answers[i] = Find(keys[i], reader, startedAt);
                startedAt = Stopwatch.GetTimestamp();
            }
            while (++i < keys.Count && !_closing && !_breaker.IsLeftAlone);

            _readers.GiveBack(reader);
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            Failed(e, reader);
        }

        return answers;
    }

    /// <summary>Learns what other processes invalidated, at most every 100 ms: for answers found in memory, which do not pass by
    /// here.</summary>
    public void Poll()
    {
        var polledAt = Interlocked.Read(ref _polledAt);
        if (_time.GetElapsedTime(polledAt) < s_pollEvery
            || Interlocked.CompareExchange(ref _polledAt, _time.GetTimestamp(), polledAt) != polledAt)
        {
            return;
        }

        FollowFile();
        if (TakeReader() is not { } reader)
            return;

        try
        {
            _told.Learn(reader.Connection, reader.Told);
            _readers.GiveBack(reader);
            _breaker.Succeeded();
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            Failed(e, reader);
        }
    }

    /// <summary>Writes an answer in the background, with what its question consisted of, which is worked out there.</summary>
    public void Put(CacheKey key, StoredAnswer answer, Func<RequestOutline?>? outline = null)
    {
        if (_writer.TryPut(key, answer, outline))
            _leases.LeaveWithAnswer(key);
    }

    /// <summary>Counts a hit of an answer, in whichever layer it was found. Written in the background, about once a second.</summary>
    public void Used(CacheKey key, Money saved)
    {
        if (!_closing && _uses.Add(key, saved))
            _writer.TickSoon();
    }

    /// <summary>Takes, or renews, the right to ask a question alone among the processes of this machine.</summary>
    public async ValueTask<LeaseOutcome> TryLeaseAsync(CacheKey key, TimeSpan lifetime)
    {
        if (_closing || _writer.IsBroken || _breaker.IsLeftAlone || !_leaseBreaker.TryEnter())
            return LeaseOutcome.Unavailable;

        try
        {
            var outcome = await _leases.TryTakeAsync(key, lifetime).ConfigureAwait(false);
            if (outcome == LeaseOutcome.Unavailable)
                _leaseBreaker.Failed("busy");
            else
                _leaseBreaker.Succeeded();

            return outcome;
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            _failed(Describe(e));
            _leaseBreaker.Failed(Describe(e));
            return LeaseOutcome.Unavailable;
        }
    }

    /// <summary>Gives the right back, in the background. Storing an answer does so as well, and then this is no second thing to write.</summary>
    public void ReleaseLease(CacheKey key)
    {
        if (_leases.IsToBeReleased(key))
            _writer.TryAdd(new DiskWork.Release(key));
    }

    public Task<int> RemoveAsync(CacheKey key, long askedUpTo = long.MaxValue) => _writer.DoAsync(new DiskWork.Delete(key, askedUpTo));

    public Task<int> InvalidateAsync(Invalidations.Scope scope, long stamp) => _writer.DoAsync(new DiskWork.Invalidate(scope, stamp));

    public Task FlushAsync() => _writer.DoAsync(new DiskWork.Barrier());

    /// <summary>Writes what is queued and closes the file; gives up after ten seconds.</summary>
    public void Dispose()
    {
        if (_closing)
            return;

        _closing = true;

        // The writer last: only the last connection to close folds the write-ahead log into the file and takes its helpers away.
        _readers.Dispose();
        _leases.Dispose();
        _writer.Dispose();
    }

    private static string Describe(Exception e) => e is SqliteException sqlite ? $"SQLite error {sqlite.SqliteErrorCode}" : e.GetType().Name;

    private DiskReader? TakeReader()
    {
        if (_closing || _writer.IsBroken || !_breaker.TryEnter())
            return null;

        try
        {
            return _readers.Take();
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            Failed(e, null);
            return null;
        }
    }

    private void Failed(Exception e, DiskReader? reader)
    {
        var generation = reader?.Generation ?? _readers.Generation;
        reader?.Dispose();
        _failed(Describe(e));
        if (DiskFile.IsDamage(e))
            _writer.TryAdd(new DiskWork.Repair(generation));
        else if (!_closing && generation == _readers.Generation && e is SqliteException { SqliteErrorCode: raw.SQLITE_BUSY })
            _breaker.LeaveAlone(Describe(e)); // It kept this caller waiting for 50 ms. The next one must not wait as well.
        else if (!_closing && generation == _readers.Generation)
            _breaker.Failed(Describe(e));
    }

    private StoredAnswer? Find(CacheKey key, DiskReader reader, long startedAt, bool evenUnused = false)
    {
        var found = reader.Find(key, _seal, out var answer, out var latestInvalidation);
        if (found is not null && latestInvalidation != reader.Told.Seen)
            _told.Learn(reader.Connection, reader.Told);

        if (answer is not null && _writer.IsDoomed(key, answer))
            answer = null;

        // Its row stays: it may still be served on the day the provider fails.
        if (!evenUnused && answer?.SlidingFor is { } slidingFor && IsUnusedFor(slidingFor, key, reader))
            answer = null;

        if (found == SealResult.UnknownKey)
        {
            _failed("a row is encrypted with a key that is not among CacheEncryptionKeys");
        }
        else if (found == SealResult.Broken)
        {
            _failed("a row was malformed");
            _writer.TryAdd(new DiskWork.Delete(key, long.MaxValue));
        }

        if (Stopwatch.GetElapsedTime(startedAt) < s_slow)
            _breaker.Succeeded();
        else
            _breaker.Failed("slow");

        return answer;
    }

    private bool IsUnusedFor(TimeSpan slidingFor, CacheKey key, DiskReader reader)
    {
        var now = _time.GetUtcNow();
        return now - (_uses.UsedAt(key) ?? DateTimeOffset.MinValue) >= slidingFor && now - (reader.UsedAt(key) ?? now) >= slidingFor;
    }

    /// <summary>Goes over to the file that another process began, at most every 100 ms: what is invalidated from then on stands there.</summary>
    private void FollowFile()
    {
        var lookedAt = Interlocked.Read(ref _lookedAt);
        if (_closing || _writer.IsBroken || _time.GetElapsedTime(lookedAt) < s_pollEvery
            || Interlocked.CompareExchange(ref _lookedAt, _time.GetTimestamp(), lookedAt) != lookedAt)
        {
            return;
        }

        var mark = _file.Mark();
        if (mark == Interlocked.Read(ref _mark))
            return;

        try
        {
            if (_file.IsReplaced())
            {
                LearnLast();

                // In this order: no reader of the new file may go on with what is known of the old one.
                _told.Forget();
                _readers.Drop();
                Interlocked.Exchange(ref _followed, _readers.Generation);

                // The writer follows with whatever it does next.
                _writer.TryAdd(new DiskWork.Tick());
            }

            Interlocked.Exchange(ref _mark, mark);
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            // It is gone or locked. The next look-up says so, and the next look comes soon.
        }
    }

    /// <summary>Learns from a file that is about to be left what others invalidated. When it does not say, all that was asked so far counts as invalidated.</summary>
    private void LearnLast()
    {
        var reader = _readers.TakeIdle();
        try
        {
            if (reader is not null)
            {
                _told.Learn(reader.Connection, reader.Told);
                return;
            }
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            _failed(Describe(e));
        }
        finally
        {
            reader?.Dispose();
        }

        _invalidations.Add(new(Invalidations.Kind.Everything, ""), _invalidations.Stamp());
    }
}
