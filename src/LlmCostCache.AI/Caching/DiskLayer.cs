using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Answers in <c>cache.db</c>, shared by the processes of one machine. Reads run inline; one thread writes, in batches.</summary>
/// <remarks>Nothing here raises an exception: the file may be deleted, damaged or full at any time, and then simply knows
/// nothing.</remarks>
internal sealed class DiskLayer : IDisposable
{
    public const string FileName = "cache.db";

    // "LCAC": another application's database is not ours to write into.
    private const int ApplicationId = 0x4C434143;
    private const int SchemaVersion = 1;
    private const int PageSize = 8192;
    private const int BatchRows = 200;
    private const long BatchBytes = 8 << 20;
    private const int QueuedPuts = 10_000;
    private const long QueuedBytes = 64 << 20;
    private const int MostReaders = 8;

    private static readonly TimeSpan s_sweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_drainWithin = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly long _limit;
    private readonly TimeProvider _time;
    private readonly Invalidations _invalidations;
    private readonly ILogger _logger;
    private readonly Action<string> _failed;
    private readonly BlockingCollection<DiskWork> _queue = [];
    private readonly ConcurrentBag<Reader> _readers = [];
    private readonly Thread _thread;
    private SqliteConnection? _writer;
    private long _queuedPuts;
    private long _queuedBytes;
    private long _seenInvalidation;
    private long _polledAt;
    private long? _sweptAt;
    private int _generation;
    private volatile bool _broken;
    private volatile bool _closing;

    private DiskLayer(string path, long limit, TimeProvider time, Invalidations invalidations, ILogger logger, Action<string> failed)
    {
        _path = path;
        _limit = limit;
        _time = time;
        _invalidations = invalidations;
        _logger = logger;
        _failed = failed;
        _polledAt = time.GetTimestamp();
        _thread = new Thread(Write) { IsBackground = true, Name = "LlmCostCache.AI cache.db" };
    }

    /// <summary>Opens the file, beginning a new one when it is damaged; null, with one warning, when there is no using it.</summary>
    public static DiskLayer? TryOpen(string directory, long limit, TimeProvider time, Invalidations invalidations, ILogger logger,
        Action<string> failed)
    {
        var layer = new DiskLayer(Path.Combine(directory, FileName), limit, time, invalidations, logger, failed);
        try
        {
            layer.OpenOrBeginAnew();
            using var reader = layer.NewReader();
            layer.Learn(reader);
        }
        catch (Exception e) when (IsExpected(e))
        {
            CacheLog.DiskUnusable(logger, layer._path, e);
            failed(e is SqliteException sqlite ? $"cannot be opened (SQLite error {sqlite.SqliteErrorCode})" : $"cannot be opened ({e.GetType().Name})");
            layer._writer?.Dispose();
            return null;
        }

        layer._thread.Start();
        return layer;
    }

    /// <summary>Looks a row up. A row that is malformed or was tampered with is deleted and counted.</summary>
    public StoredAnswer? Find(CacheKey key)
    {
        if (_broken || _closing || TakeReader() is not { } reader)
            return null;

        var keep = false;
        try
        {
            var found = reader.Find(key, out var frame, out var latestInvalidation);
            keep = true;
            if (!found)
                return null;

            if (latestInvalidation != Interlocked.Read(ref _seenInvalidation))
                Learn(reader);

            if (frame is not null && AnswerFrame.TryDecode(key, frame, out var answer))
                return answer;

            _failed("a row was malformed");
            Enqueue(new DiskWork.Delete(key, long.MaxValue));
            return null;
        }
        catch (Exception e) when (IsExpected(e))
        {
            keep = false;
            Failed(e);
            return null;
        }
        finally
        {
            if (keep && !_closing && reader.Generation == Volatile.Read(ref _generation) && _readers.Count < MostReaders)
                _readers.Add(reader);
            else
                reader.Dispose();
        }
    }

    /// <summary>Learns what other processes invalidated, at most every 100 ms: for answers found in memory, which do not pass by
    /// here.</summary>
    public void Poll()
    {
        var polledAt = Interlocked.Read(ref _polledAt);
        if (_time.GetElapsedTime(polledAt) < s_pollEvery
            || Interlocked.CompareExchange(ref _polledAt, _time.GetTimestamp(), polledAt) != polledAt
            || _broken || _closing || TakeReader() is not { } reader)
        {
            return;
        }

        try
        {
            Learn(reader);
            _readers.Add(reader);
        }
        catch (Exception e) when (IsExpected(e))
        {
            reader.Dispose();
            Failed(e);
        }
    }

    public void Put(CacheKey key, StoredAnswer answer)
    {
        var size = answer.SizeInMemory();
        if (Interlocked.Increment(ref _queuedPuts) > QueuedPuts || Interlocked.Add(ref _queuedBytes, size) > QueuedBytes)
        {
            // Counted down again by Released; the answer is bought again some day, the caller does not wait.
            Released(size);
            _failed("the queue is full");
            return;
        }

        if (!Enqueue(new DiskWork.Put(key, answer, size)))
            Released(size);
    }

    public Task<int> RemoveAsync(CacheKey key, long askedUpTo = long.MaxValue) => DoAsync(new DiskWork.Delete(key, askedUpTo));

    public Task<int> InvalidateAsync(Invalidations.Scope scope, long stamp) => DoAsync(new DiskWork.Invalidate(scope, stamp));

    public Task FlushAsync() => DoAsync(new DiskWork.Barrier());

    /// <summary>Writes what is queued and closes the file; gives up after ten seconds.</summary>
    public void Dispose()
    {
        if (_closing)
            return;

        _closing = true;
        _queue.CompleteAdding();
        if (!_thread.Join(s_drainWithin))
            _failed("the queue could not be written before closing");

        DropReaders();
    }

    private static bool IsExpected(Exception e) =>
        e is SqliteException or IOException or UnauthorizedAccessException or InvalidCastException or InvalidOperationException or ObjectDisposedException
            or ArgumentException or NotSupportedException;

    private static bool IsDamage(Exception e) => e is SqliteException { SqliteErrorCode: 11 or 26 };

    private void Failed(Exception e) => _failed(e is SqliteException sqlite ? $"SQLite error {sqlite.SqliteErrorCode}" : e.GetType().Name);

    private Task<int> DoAsync(DiskWork work)
    {
        if (!Enqueue(work))
            work.Finish(committed: false);

        return work.Done;
    }

    private bool Enqueue(DiskWork work)
    {
        try
        {
            return !_broken && _queue.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            // Closing.
            return false;
        }
    }

    private void Released(long size)
    {
        Interlocked.Decrement(ref _queuedPuts);
        Interlocked.Add(ref _queuedBytes, -size);
    }

    private Reader? TakeReader()
    {
        while (_readers.TryTake(out var reader))
        {
            if (reader.Generation == Volatile.Read(ref _generation))
                return reader;

            reader.Dispose();
        }

        try
        {
            return NewReader();
        }
        catch (Exception e) when (IsExpected(e))
        {
            Failed(e);
            return null;
        }
    }

    private Reader NewReader() => new(Open(SqliteOpenMode.ReadOnly), Volatile.Read(ref _generation));

    private void DropReaders()
    {
        Interlocked.Increment(ref _generation);
        while (_readers.TryTake(out var reader))
            reader.Dispose();
    }

    private void Learn(Reader reader)
    {
        var seen = Interlocked.Read(ref _seenInvalidation);
        foreach (var (sequence, scope, stamp) in reader.InvalidationsAfter(seen))
        {
            _invalidations.Add(scope, stamp);
            seen = Math.Max(seen, sequence);
        }

        InterlockedMax(ref _seenInvalidation, seen);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        long seen;
        while ((seen = Interlocked.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString());
        try
        {
            connection.Open();
            Execute(connection, mode == SqliteOpenMode.ReadOnly
                ? "PRAGMA busy_timeout = 50; PRAGMA mmap_size = 0; PRAGMA query_only = ON;"
                : "PRAGMA busy_timeout = 2000; PRAGMA mmap_size = 0;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void OpenOrBeginAnew()
    {
        try
        {
            OpenWriter();
        }
        catch (Exception e) when (IsDamage(e) || e is ForeignFileException)
        {
            Quarantine();
            OpenWriter();
        }
    }

    private void OpenWriter()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        if (new FileInfo(_path).LinkTarget is not null)
            throw new IOException("The cache file is a link.");

        // Made here and not by SQLite, so that nobody else can read it at any moment.
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        new FileStream(_path, options).Dispose();
        var connection = Open(SqliteOpenMode.ReadWrite);
        try
        {
            Prepare(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        _writer = connection;
    }

    private static void Prepare(SqliteConnection connection)
    {
        var version = Convert.ToInt32(Scalar(connection, "PRAGMA user_version"), CultureInfo.InvariantCulture);
        var application = Convert.ToInt32(Scalar(connection, "PRAGMA application_id"), CultureInfo.InvariantCulture);
        var isEmpty = Convert.ToInt32(Scalar(connection, "SELECT count(*) FROM sqlite_schema"), CultureInfo.InvariantCulture) == 0;
        if (!isEmpty && application != ApplicationId)
            throw new ForeignFileException();

        if (version > SchemaVersion)
            throw new NotSupportedException("The cache file was written by a newer version.");

        // Page size and vacuum only take effect before the first page is written.
        Execute(connection, $"PRAGMA page_size = {PageSize}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
            + "PRAGMA journal_size_limit = 16777216;");
        if (version < SchemaVersion)
        {
            Execute(connection, $"""
                BEGIN IMMEDIATE;
                CREATE TABLE IF NOT EXISTS answer (
                    key BLOB NOT NULL PRIMARY KEY,
                    asked_at INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL,
                    tagged INTEGER NOT NULL,
                    model TEXT NOT NULL,
                    frame BLOB NOT NULL);
                CREATE INDEX IF NOT EXISTS answer_expires_at ON answer (expires_at);
                CREATE TABLE IF NOT EXISTS answer_tag (tag TEXT NOT NULL, answer INTEGER NOT NULL, PRIMARY KEY (tag, answer)) WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS answer_tag_answer ON answer_tag (answer);
                CREATE TRIGGER IF NOT EXISTS answer_removed AFTER DELETE ON answer WHEN OLD.tagged = 1
                BEGIN
                    DELETE FROM answer_tag WHERE answer = OLD.rowid;
                END;
                CREATE TABLE IF NOT EXISTS invalidation (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                    kind INTEGER NOT NULL,
                    name TEXT NOT NULL,
                    stamp INTEGER NOT NULL);
                PRAGMA application_id = {ApplicationId};
                PRAGMA user_version = {SchemaVersion};
                COMMIT;
                """);
        }

        // A damaged page is found now rather than in the middle of a call.
        if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok")
            throw new ForeignFileException();
    }

    private void Quarantine()
    {
        var movedTo = $"{_path}.corrupt-{_time.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssfff}";
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            if (File.Exists(_path + suffix))
                File.Move(_path + suffix, movedTo + suffix, overwrite: true);
        }

        CacheLog.DiskQuarantined(_logger, _path, movedTo);
        _failed("was damaged and begun anew");
    }

    private void Write()
    {
        var batch = new List<DiskWork>(BatchRows);
        while (_queue.TryTake(out var work, Timeout.Infinite))
        {
            var bytes = 0L;
            do
            {
                batch.Add(work);
                bytes += work is DiskWork.Put put ? put.Size : 0;
            }
            while (batch.Count < BatchRows && bytes < BatchBytes && _queue.TryTake(out work));

            Commit(batch);
            batch.Clear();
        }

        _writer?.Dispose();
    }

    private void Commit(List<DiskWork> batch)
    {
        var committed = false;
        try
        {
            // After damage that could not be repaired at once: perhaps now.
            if (_writer is null)
                OpenOrBeginAnew();

            using (var transaction = _writer!.BeginTransaction(deferred: false))
            {
                using var statements = new Statements(_writer, transaction);
                foreach (var work in batch)
                    statements.Do(work, _invalidations);

                transaction.Commit();
            }

            committed = true;
            KeepHouse();
        }
        catch (Exception e) when (IsExpected(e))
        {
            Failed(e);
            if (IsDamage(e))
                Repair();
        }
        finally
        {
            foreach (var work in batch)
            {
                if (work is DiskWork.Put put)
                    Released(put.Size);

                work.Finish(committed);
            }
        }
    }

    private void Repair()
    {
        try
        {
            _writer?.Dispose();
            _writer = null;
            DropReaders();
            Quarantine();
            OpenWriter();
            Interlocked.Exchange(ref _seenInvalidation, 0);
        }
        catch (Exception e) when (IsExpected(e))
        {
            CacheLog.DiskUnusable(_logger, _path, e);
            _broken = true;
        }
    }

    /// <summary>Deletes what has expired, once a minute, and the oldest rows when the file is too large.</summary>
    private void KeepHouse()
    {
        var now = _time.GetTimestamp();
        if (_sweptAt is not { } sweptAt || _time.GetElapsedTime(sweptAt, now) >= s_sweepEvery)
        {
            _sweptAt = now;
            var utc = _time.GetUtcNow();
            using var sweep = Command(_writer!, null, "DELETE FROM answer WHERE expires_at <= $now", "$now");
            sweep.Parameters[0].Value = utc.ToUnixTimeMilliseconds();
            sweep.ExecuteNonQuery();
            using var forget = Command(_writer!, null, "DELETE FROM invalidation WHERE stamp < $stamp", "$stamp");
            forget.Parameters[0].Value = (utc - CachePolicy.LongestTimeToLive - StoredAnswer.ClockTolerance).UtcTicks;
            forget.ExecuteNonQuery();
        }

        if (UsedBytes() <= _limit)
            return;

        using var evict = Command(_writer!, null,
            "DELETE FROM answer WHERE rowid IN (SELECT rowid FROM answer ORDER BY rowid LIMIT $count)", "$count");
        while (UsedBytes() > _limit - (_limit / 10))
        {
            // A tenth of the rows at a time, so that a file of large answers is not emptied at one stroke.
            evict.Parameters[0].Value = Math.Max(1, Convert.ToInt64(Scalar(_writer!, "SELECT count(*) FROM answer"),
                CultureInfo.InvariantCulture) / 10);
            if (evict.ExecuteNonQuery() == 0)
                break;
        }

        Execute(_writer!, "PRAGMA incremental_vacuum");
    }

    private long UsedBytes() => PageSize * (Convert.ToInt64(Scalar(_writer!, "PRAGMA page_count"), CultureInfo.InvariantCulture)
        - Convert.ToInt64(Scalar(_writer!, "PRAGMA freelist_count"), CultureInfo.InvariantCulture));

    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string sql,
        params ReadOnlySpan<string> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = Command(connection, null, sql);
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = Command(connection, null, sql);
        return command.ExecuteScalar();
    }

    /// <summary>The file belongs to somebody else, or its content contradicts itself.</summary>
    private sealed class ForeignFileException : IOException;

    private sealed class Reader : IDisposable
    {
        private readonly SqliteConnection _connection;
        private readonly SqliteCommand _find;
        private readonly SqliteParameter _key;

        public Reader(SqliteConnection connection, int generation)
        {
            _connection = connection;
            Generation = generation;
            _find = Command(connection, null, $"""
                SELECT CASE WHEN length(frame) <= {AnswerFrame.MaxBytes} THEN frame END,
                       (SELECT sequence FROM invalidation ORDER BY sequence DESC LIMIT 1)
                  FROM answer WHERE key = $key
                """, "$key");
            _key = _find.Parameters[0];
            _find.Prepare();
        }

        public int Generation { get; }

        /// <summary>A row's frame (null when it is not bytes of an acceptable length) and the number of the latest invalidation.</summary>
        public bool Find(CacheKey key, out byte[]? frame, out long latestInvalidation)
        {
            _key.Value = key.ToArray();
            using var reader = _find.ExecuteReader();
            if (!reader.Read())
            {
                frame = null;
                latestInvalidation = 0;
                return false;
            }

            frame = reader.GetValue(0) as byte[];
            latestInvalidation = reader.IsDBNull(1) ? 0 : reader.GetInt64(1);
            return true;
        }

        public List<(long Sequence, Invalidations.Scope Scope, long Stamp)> InvalidationsAfter(long sequence)
        {
            using var command = Command(_connection, null,
                "SELECT sequence, kind, name, stamp FROM invalidation WHERE sequence > $seen", "$seen");
            command.Parameters[0].Value = sequence;
            using var reader = command.ExecuteReader();
            var found = new List<(long, Invalidations.Scope, long)>();
            while (reader.Read())
                found.Add((reader.GetInt64(0), new((Invalidations.Kind)reader.GetInt32(1), reader.GetString(2)), reader.GetInt64(3)));

            return found;
        }

        public void Dispose()
        {
            _find.Dispose();
            _connection.Dispose();
        }
    }

    /// <summary>The statements of one batch.</summary>
    private sealed class Statements(SqliteConnection connection, SqliteTransaction transaction) : IDisposable
    {
        private readonly SqliteCommand _delete = Command(connection, transaction,
            "DELETE FROM answer WHERE key = $key AND asked_at <= $asked_at", "$key", "$asked_at");

        private readonly SqliteCommand _insert = Command(connection, transaction, """
            INSERT OR IGNORE INTO answer (key, asked_at, expires_at, tagged, model, frame)
            VALUES ($key, $asked_at, $expires_at, $tagged, $model, $frame) RETURNING rowid
            """, "$key", "$asked_at", "$expires_at", "$tagged", "$model", "$frame");

        private readonly SqliteCommand _tag = Command(connection, transaction,
            "INSERT OR IGNORE INTO answer_tag (tag, answer) VALUES ($tag, $answer)", "$tag", "$answer");

        public void Do(DiskWork work, Invalidations invalidations)
        {
            work.Rows = 0;
            switch (work)
            {
                // Written late, asked early: whoever invalidated meanwhile must not find it.
                case DiskWork.Put put when !invalidations.IsDead(put.Answer):
                    Put(put);
                    break;
                case DiskWork.Delete delete:
                    work.Rows = Delete(delete.Key, delete.AskedUpTo);
                    break;
                case DiskWork.Invalidate invalidate:
                    work.Rows = Invalidate(invalidate);
                    break;
            }
        }

        public void Dispose()
        {
            _delete.Dispose();
            _insert.Dispose();
            _tag.Dispose();
        }

        private int Delete(CacheKey key, long askedUpTo)
        {
            _delete.Parameters[0].Value = key.ToArray();
            _delete.Parameters[1].Value = askedUpTo;
            return _delete.ExecuteNonQuery();
        }

        private void Put(DiskWork.Put put)
        {
            // A row that was asked for later, by another process, stays.
            var answer = put.Answer;
            Delete(put.Key, answer.AskedAt);
            _insert.Parameters[0].Value = put.Key.ToArray();
            _insert.Parameters[1].Value = answer.AskedAt;
            _insert.Parameters[2].Value = answer.ExpiresAt.ToUnixTimeMilliseconds();
            _insert.Parameters[3].Value = answer.Tags.Count > 0 ? 1 : 0;
            _insert.Parameters[4].Value = answer.Model;
            _insert.Parameters[5].Value = AnswerFrame.Encode(put.Key, answer);
            if (_insert.ExecuteScalar() is not long row)
                return;

            foreach (var tag in answer.Tags)
            {
                _tag.Parameters[0].Value = tag;
                _tag.Parameters[1].Value = row;
                _tag.ExecuteNonQuery();
            }
        }

        private int Invalidate(DiskWork.Invalidate invalidate)
        {
            using var note = Command(connection, transaction, """
                DELETE FROM invalidation WHERE kind = $kind AND name = $name AND stamp <= $stamp;
                INSERT INTO invalidation (kind, name, stamp) VALUES ($kind, $name, $stamp);
                """, "$kind", "$name", "$stamp");
            note.Parameters[0].Value = (int)invalidate.Scope.Kind;
            note.Parameters[1].Value = invalidate.Scope.Name;
            note.Parameters[2].Value = invalidate.Stamp;
            note.ExecuteNonQuery();

            var which = invalidate.Scope.Kind switch
            {
                Invalidations.Kind.Tag => "AND rowid IN (SELECT answer FROM answer_tag WHERE tag = $name)",
                Invalidations.Kind.Model => "AND model = $name",
                _ => "AND $name = ''",
            };
            using var delete = Command(connection, transaction, $"DELETE FROM answer WHERE asked_at <= $stamp {which}", "$stamp", "$name");
            delete.Parameters[0].Value = invalidate.Stamp;
            delete.Parameters[1].Value = invalidate.Scope.Name;
            return delete.ExecuteNonQuery();
        }
    }
}
