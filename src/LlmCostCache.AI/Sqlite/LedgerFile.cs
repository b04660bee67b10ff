using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The file <c>ledger.db</c>: made whole or not at all, recognised before it is touched, brought up to date by <see cref="LedgerMigration"/>.</summary>
internal static class LedgerFile
{
    public const string Name = "ledger.db";

    /// <summary>"LLMC", so that a file of another application is never taken for a ledger.</summary>
    private const int ApplicationId = 0x4C4C4D43;

    /// <summary>The schema that this version writes, step by step.</summary>
    public static IReadOnlyList<string> Steps { get; } = [.. new[] { "001", "002", "003", "004", "005", "006", "007", "008", "009" }.Select(step => ReadStep($"ledger-{step}.sql"))];

    private static int SchemaVersion => Steps.Count;

    public static string PathIn(string homeDirectory) => Path.Combine(Path.GetFullPath(homeDirectory), Name);

    /// <summary>Opens the ledger for writing, making it when there is none.</summary>
    /// <param name="path">The ledger.</param>
    /// <param name="time">The clock.</param>
    /// <param name="mayCreate">Whether it is made when there is none.</param>
    /// <param name="progress">Hears what is done to bring an older one up to date, or that another process does it.</param>
    /// <exception cref="StoreUnavailableException">It cannot be used; the message says why and what now, and no byte of it was changed.</exception>
    public static SqliteConnection OpenForWriting(string path, TimeProvider time, bool mayCreate = true, Action<string>? progress = null)
    {
        SqliteFile.RequireSoundVersion(path, SqliteFile.LoadedVersion());
        SqliteFile.PrepareDirectory(Path.GetDirectoryName(path)!);
        try
        {
            if (!File.Exists(path) && !Directory.Exists(path))
            {
                if (!mayCreate)
                {
                    throw Gone(path);
                }

                Create(path);
            }

            RefuseWhatIsNotOurs(path);
            var connection = SqliteFile.Open(path, SqliteOpenMode.ReadWrite);
            try
            {
                RefuseOtherVersion(path, SqliteFile.Scalar(connection, "PRAGMA user_version"));
                RefuseMissingTables(connection, path);
                new LedgerMigration(path, time, Steps) { Progress = progress }.Run(connection);
                // A copy that was put back comes without its log.
                SqliteFile.Execute(connection, "PRAGMA journal_mode = WAL");
                SqliteFile.Execute(connection, "PRAGMA synchronous = FULL");
                SqliteFile.Execute(connection, "PRAGMA journal_size_limit = 67108864");
                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>Opens a connection that can only read, beside whoever writes.</summary>
    /// <remarks>
    /// A ledger of an older schema is left to the application that writes it: a version of it from before could not open a newer one any more. What is read then is a
    /// copy of it as it is now, brought up to date in the temporary directory.
    /// </remarks>
    /// <param name="path">The ledger.</param>
    /// <param name="asIs">Whether an older schema is not brought up to date: for copies.</param>
    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be used.</exception>
    public static SqliteConnection OpenForReading(string path, bool asIs = false)
    {
        SqliteFile.RequireSoundVersion(path, SqliteFile.LoadedVersion());
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            throw SqliteFile.Refusal(path, "does not exist: nothing has been recorded in this home directory yet. Name another one with --home or LLMCOSTCACHE_HOME.");
        }

        try
        {
            RefuseWhatIsNotOurs(path);
            var connection = SqliteFile.Open(path, SqliteOpenMode.ReadOnly);
            try
            {
                var version = SqliteFile.Scalar(connection, "PRAGMA user_version");
                RefuseOtherVersion(path, version);
                RefuseMissingTables(connection, path);
                if (asIs || version == SchemaVersion)
                {
                    return connection;
                }

                using (connection)
                {
                    return OpenCopyOf(connection, (int)version);
                }
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>What to say when the file disappeared while it was in use: SQLite would go on writing to a file that nobody can open again.</summary>
    public static StoreUnavailableException Gone(string path) =>
        SqliteFile.Refusal(path, "was removed while it was in use. Put it back, or restart the application to begin a new ledger.");

    /// <summary>What to say when another file took its place: what is written to the old one is lost with it, and what is in the new one was never counted here.</summary>
    public static StoreUnavailableException Replaced(string path) => SqliteFile.Refusal(path,
        "was replaced by another file while it was in use; nothing was written to either. Restart the application to go on with the file that is there now, or put the other one back.");

    /// <summary>
    /// Builds the ledger under another name and moves it into place: no one ever sees it empty or half made. One process at a time: on Unix, moving a file looks whether
    /// the name is free and then takes it, and a ledger that another process made in between would be replaced, with all that was acknowledged in it.
    /// </summary>
    private static void Create(string path)
    {
        using var turn = SqliteFile.TakeTurn(path);
        if (File.Exists(path))
        {
            return;
        }

        var draft = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            Make(draft);
            File.Move(draft, path, overwrite: false);
        }
        finally
        {
            File.Delete(draft);
            File.Delete(draft + "-wal");
            File.Delete(draft + "-shm");
        }
    }

    /// <summary>Makes an empty ledger under a name that nobody looks for.</summary>
    internal static void Make(string draft)
    {
        SqliteFile.CreatePrivate(draft);
        using var connection = SqliteFile.Open(draft, SqliteOpenMode.ReadWrite);
        SqliteFile.Execute(connection, "PRAGMA journal_mode = WAL");
        SqliteFile.Execute(connection, "PRAGMA synchronous = FULL");
        SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
        SqliteFile.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId}"));
        LedgerMigration.Apply(connection, Steps, from: 0);
        SqliteFile.Execute(connection, "COMMIT");
        SqliteFile.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>Looks at the bytes before SQLite does: opening a foreign file could already change it, and an empty one would become an empty ledger.</summary>
    private static void RefuseWhatIsNotOurs(string path)
    {
        if (Directory.Exists(path))
        {
            throw SqliteFile.Refusal(path, "is a directory, not a ledger. Move it away or choose another home directory.");
        }

        Span<byte> header = stackalloc byte[100];
        int read;
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            read = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        }

        if (read == 0)
        {
            throw SqliteFile.Refusal(path, "is empty. A ledger is never empty, so its content was lost: restore a backup, or delete the file to begin a new ledger.");
        }

        if (read < header.Length || !header.StartsWith("SQLite format 3\0"u8))
        {
            throw SqliteFile.Refusal(path, "is not a SQLite database. Move it away or choose another home directory.");
        }

        if (BinaryPrimitives.ReadInt32BigEndian(header[68..]) != ApplicationId)
        {
            throw SqliteFile.Refusal(path, "is a SQLite database of another application. Move it away or choose another home directory.");
        }

        RefuseOtherVersion(path, BinaryPrimitives.ReadInt32BigEndian(header[60..]));
    }

    private static void RefuseOtherVersion(string path, long version)
    {
        if (version > SchemaVersion)
        {
            throw SqliteFile.Refusal(path, Newer(version));
        }

        if (version < 1)
        {
            throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture, $"has schema {version}, which no version of LlmCostCache.AI wrote. Keep a copy of it, then restore a backup."));
        }
    }

    private static string Newer(long version) => string.Create(CultureInfo.InvariantCulture,
        $"has schema {version}; this version of LlmCostCache.AI knows schemas up to {SchemaVersion}. Update it, or choose another home directory.");

    /// <summary>Why a process that had the ledger open cannot use it any more, when a newer version has brought it up to date since; null when none has.</summary>
    public static string? WhyNewer(string path)
    {
        try
        {
            if (Path.GetFileName(path) != Name || !File.Exists(path))
            {
                return null;
            }

            using var connection = SqliteFile.Open(path, SqliteOpenMode.ReadOnly);
            return SqliteFile.Scalar(connection, "PRAGMA user_version") is var version && version > SchemaVersion ? Newer(version) : null;
        }
        catch (SqliteException)
        {
            return null;
        }
    }

    private static SqliteConnection OpenCopyOf(SqliteConnection older, int version)
    {
        // A file without a name: SQLite takes the name away as soon as it has the file, so that nothing is left of it when this process is killed.
        var connection = SqliteFile.Open("", SqliteOpenMode.ReadWriteCreate);
        try
        {
            older.BackupDatabase(connection);
            SqliteFile.Execute(connection, "PRAGMA journal_mode = MEMORY");
            SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
            LedgerMigration.Apply(connection, Steps, version);
            NameArchives(connection, LedgerArchive.DirectoryOf(older));
            SqliteFile.Execute(connection, "COMMIT");
            SqliteFile.Execute(connection, "PRAGMA query_only = ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The files of archived rows lie beside the ledger, not beside its copy.</summary>
    private static void NameArchives(SqliteConnection copy, string directory)
    {
        if (Directory.Exists(directory))
        {
            using var name = new SqliteStatement(copy, "UPDATE archive SET file = ?1 || file");
            name.Bind(1, directory + Path.DirectorySeparatorChar).Run();
        }
    }

    private static void RefuseMissingTables(SqliteConnection connection, string path)
    {
        var tables = SqliteFile.Scalar(connection, """
            SELECT COUNT(*) FROM sqlite_schema
             WHERE type IN ('table', 'view') AND name IN ('entry', 'dimension', 'rollup', 'rollup_slot', 'budget', 'budget_window', 'reservation', 'hold', 'meta')
            """);
        if (tables != 8)
        {
            throw SqliteFile.Refusal(path, "has lost some of its tables. Keep a copy of it, then restore a backup.");
        }
    }

    private static string ReadStep(string name)
    {
        using var stream = typeof(LedgerFile).Assembly.GetManifestResourceStream($"Schema/{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
