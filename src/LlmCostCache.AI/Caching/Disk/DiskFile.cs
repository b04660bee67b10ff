using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>The file <c>cache.db</c>: made for its owner only, recognised before it is written, brought up to date, set aside when it is damaged.</summary>
internal sealed class DiskFile(string path, TimeProvider time, ILogger logger, Action<string> failed)
{
    public const string Name = "cache.db";
    public const int PageSize = 8192;

    /// <summary>"LCAC": another application's database is not ours to write into.</summary>
    public const int ApplicationId = 0x4C434143;

    // A larger file would keep the start waiting; what is damaged in it is found row by row.
    private const long MostBytesToCheck = 64 << 20;

    private static readonly string[] s_parts = ["", "-wal", "-shm"];

    private byte[]? _id;

    /// <summary>The schema that this version writes, step by step. A version that knows fewer steps leaves the file alone; it never begins it anew.</summary>
    public static IReadOnlyList<string> Steps { get; } = [ReadStep("cache-001.sql"), ReadStep("cache-002.sql")];

    public string Path => path;

    public static bool IsDamage(Exception e) => e is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB } or ForeignFileException;

    /// <summary>What a file can do to us. Everything else is a mistake of ours and must be seen.</summary>
    public static bool IsExpected(Exception e) =>
        e is SqliteException or IOException or UnauthorizedAccessException or InvalidCastException or InvalidOperationException
            or ArgumentException or NotSupportedException;

    /// <summary>Opens the file for writing; begins a new one when it is missing, damaged or another application's, which is kept beside it.</summary>
    public SqliteConnection OpenOrBeginAnew()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        using var turn = SqliteFile.TakeTurn(path);
        return OpenOrBeginAnew_NeedsTurn();
    }

    /// <summary>Goes on with the file that is there now.</summary>
    /// <param name="setAside">Whether ours is damaged: then it is kept beside the new one, unless another process has met the same damage and begun anew already.</param>
    public SqliteConnection BeginAnew(bool setAside)
    {
        using var turn = SqliteFile.TakeTurn(path);
        if (setAside && File.Exists(path) && !IsSuccessor())
            SetAside();

        return OpenOrBeginAnew_NeedsTurn();
    }

    /// <summary>A connection that only reads and waits 50 ms at most.</summary>
    public SqliteConnection OpenReader() => Open(SqliteOpenMode.ReadOnly,
        "PRAGMA busy_timeout = 50; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;");

    /// <summary>A connection for small transactions on the caller's path: it waits briefly and leaves checkpoints to the writer.</summary>
    public SqliteConnection OpenBriefWriter() => Open(SqliteOpenMode.ReadWrite,
        "PRAGMA busy_timeout = 20; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;");

    /// <summary>Whether the file was deleted since it was opened. SQLite would go on with what nobody else can see.</summary>
    public bool IsGone() => !File.Exists(path);

    /// <summary>Changes when another file takes its place, and now and then when not: one look at the directory tells whether
    /// <see cref="IsReplaced"/>, which costs a connection, is worth asking.</summary>
    public long Mark() => File.GetLastWriteTimeUtc(path).Ticks;

    /// <summary>Whether another file has taken its place.</summary>
    public bool IsReplaced()
    {
        using var connection = OpenReader();
        return !ReadId(connection).AsSpan().SequenceEqual(_id);
    }

    private static byte[]? ReadId(SqliteConnection connection)
    {
        using var statement = new SqliteStatement(connection, "SELECT id FROM file_id LIMIT 1");
        return statement.Step() ? statement.Bytes(0).ToArray() : null;
    }

    private static string ReadStep(string name)
    {
        using var stream = typeof(DiskFile).Assembly.GetManifestResourceStream($"Schema/{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static void Prepare(SqliteConnection connection)
    {
        var version = SqliteFile.Scalar(connection, "PRAGMA user_version");
        var isEmpty = SqliteFile.Scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0;
        if (!isEmpty && SqliteFile.Scalar(connection, "PRAGMA application_id") != ApplicationId)
            throw new ForeignFileException();

        if (version > Steps.Count)
        {
            throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture,
                $"The cache file has schema {version}; this version knows schemas up to {Steps.Count}."));
        }

        // Page size and vacuum only take effect before the first page is written.
        Run(connection, $"PRAGMA page_size = {PageSize}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
            + "PRAGMA journal_size_limit = 16777216;");
        if (version < Steps.Count)
            Migrate(connection);

        // A damaged page is found now rather than in the middle of a call.
        if (SqliteFile.Scalar(connection, "PRAGMA page_count") * PageSize <= MostBytesToCheck)
        {
            using var check = new SqliteStatement(connection, "PRAGMA quick_check(1)");
            if (!check.Step() || check.Text(0) != "ok")
                throw new ForeignFileException();
        }
    }

    private static void Migrate(SqliteConnection connection)
    {
        SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
        try
        {
            // Another process may have been faster while this one waited for the lock.
            for (var step = (int)SqliteFile.Scalar(connection, "PRAGMA user_version"); step < Steps.Count; step++)
                Run(connection, Steps[step]);

            Run(connection, $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Steps.Count}");
            SqliteFile.Execute(connection, "COMMIT");
        }
        catch
        {
            SqliteFile.Execute(connection, "ROLLBACK");
            throw;
        }
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    // One process at a time, so that none takes the new file of another for the damaged one, half made as it may be.
    private SqliteConnection OpenOrBeginAnew_NeedsTurn()
    {
        try
        {
            return OpenWriter();
        }
        catch (Exception e) when (IsDamage(e))
        {
            SetAside();
            return OpenWriter();
        }
    }

    private bool IsSuccessor()
    {
        try
        {
            return _id is not null && IsReplaced();
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    private void SetAside()
    {
        var movedTo = $"{path}.corrupt-{time.GetUtcNow().UtcDateTime:yyyyMMddTHHmmssfff}";
        foreach (var part in s_parts)
        {
            if (File.Exists(path + part))
                File.Move(path + part, movedTo + part, overwrite: true);
        }

        CacheLog.DiskQuarantined(logger, path, movedTo);
        failed("was damaged and begun anew");
    }

    private SqliteConnection OpenWriter()
    {
        if (new FileInfo(path).LinkTarget is not null)
            throw new IOException("The cache file is a link.");

        // Made here and not by SQLite, so that nobody else can read it at any moment. Never opened by us when it is there: closing it again
        // would take away the locks that our connections hold (sqlite.org/howtocorrupt.html, 2.2).
        if (!File.Exists(path))
        {
            try
            {
                SqliteFile.CreatePrivate(path);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process was faster.
            }
        }

        var connection = Open(SqliteOpenMode.ReadWrite, "PRAGMA busy_timeout = 2000; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;");
        try
        {
            Prepare(connection);
            _id = ReadId(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private SqliteConnection Open(SqliteOpenMode mode, string pragmas)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            connection.Open();
            Run(connection, pragmas);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The file belongs to somebody else, or its content contradicts itself.</summary>
    private sealed class ForeignFileException : IOException;
}
