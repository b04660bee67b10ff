using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace LlmCostCache.AI;

/// <summary>A file of archived rows: a SQLite database with the table <c>entry</c> as the ledger has it, and a table <c>about</c> that tells a person what it is. It is only read once it has its name.</summary>
internal static class LedgerArchiveFile
{
    /// <summary>"LLMA", so that an archive is never taken for a ledger, whatever it is called.</summary>
    private const int ApplicationId = 0x4C4C4D41;

    private const int RowsAtOnce = 20_000;

    // EIO and ENOSPC.
    private const int InputOutput = 5;
    private const int NoSpace = 28;

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="StoreUnavailableException">It is missing, or is not the file that was made.</exception>
    public static SqliteConnection Open(string directory, LedgerArchive archive)
    {
        var path = Path.Combine(directory, archive.File);
        var rows = string.Create(CultureInfo.InvariantCulture, $"rows {archive.FirstSequence} to {archive.LastSequence} of the ledger");
        if (!File.Exists(path))
        {
            throw SqliteFile.Refusal(path, $"is missing. It holds {rows}; put it back from where it was moved to, or from a backup.");
        }

        var connection = Open(path);
        try
        {
            if (About(connection, "first_sequence") == archive.FirstSequence.ToString(CultureInfo.InvariantCulture)
                && About(connection, "last_sequence") == archive.LastSequence.ToString(CultureInfo.InvariantCulture)
                && About(connection, "last_hash") == Convert.ToHexStringLower(archive.LastHash))
            {
                return connection;
            }
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw SqliteFailure.Unavailable(path, error);
        }

        connection.Dispose();
        throw SqliteFile.Refusal(path, $"is another file than the one that was made. It should hold {rows}; put that one back.");
    }

    /// <summary>Opens an archive, whatever it holds.</summary>
    /// <exception cref="StoreUnavailableException">It is none, or cannot be read.</exception>
    public static SqliteConnection Open(string path)
    {
        try
        {
            Span<byte> header = stackalloc byte[100];
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            {
                if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.StartsWith("SQLite format 3\0"u8)
                    || BinaryPrimitives.ReadInt32BigEndian(header[68..]) != ApplicationId)
                {
                    throw SqliteFile.Refusal(path, "is no archive of a ledger. Put the right file back, or move this one away.");
                }
            }

            return SqliteFile.Open(path, SqliteOpenMode.ReadOnly);
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>The columns of <see cref="LedgerBook.Columns"/>, as far as the file has them: one that was made before a column existed has nothing in it.</summary>
    public static string ColumnsOf(SqliteConnection archive)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        using var info = new SqliteStatement(archive, "SELECT name FROM pragma_table_info('entry')");
        while (info.Step())
        {
            there.Add(info.Text(0));
        }

        return string.Join(", ", LedgerBook.Columns.Split(',', StringSplitOptions.TrimEntries).Select(column => there.Contains(column) ? column : $"NULL AS {column}"));
    }

    /// <summary>Copies rows of the ledger into a new file under a name that nobody looks for, checks what was written row by row and brings it to the disk.</summary>
    /// <param name="draft">The name; what is left of an earlier try goes.</param>
    /// <param name="ledger">The ledger's file.</param>
    /// <param name="part">Which rows.</param>
    /// <param name="previousHash">The hash of the row before them.</param>
    /// <param name="progress">Hears how many rows are copied.</param>
    /// <param name="cancellationToken">Ends it; the draft goes.</param>
    /// <exception cref="StoreUnavailableException">The rows do not verify: they stay where they are, as evidence.</exception>
    public static ArchiveContent Make(string draft, string ledger, ArchivePart part, byte[] previousHash, Action<long>? progress, CancellationToken cancellationToken)
    {
        try
        {
            Delete(draft);
            SqliteFile.CreatePrivate(draft);
            ArchiveContent content;
            using (var connection = SqliteFile.Open(draft, SqliteOpenMode.ReadWrite))
            {
                // Nobody has the file until it is whole and on the disk, so nothing in between is waited for.
                SqliteFile.Execute(connection, "PRAGMA journal_mode = OFF");
                SqliteFile.Execute(connection, "PRAGMA synchronous = OFF");
                SqliteFile.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId}"));
                SqliteFile.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {LedgerFile.Steps.Count}"));
                using (var attach = new SqliteStatement(connection, "ATTACH ?1 AS ledger"))
                {
                    attach.Bind(1, ledger).Run();
                }

                Define(connection, "table");
                Copy(connection, part, progress, cancellationToken);
                Define(connection, "index");
                SqliteFile.Execute(connection, "DETACH ledger");
                content = ArchiveContent.Read(connection, part.FirstSequence, previousHash, finding => throw Unsound(ledger, finding), null, cancellationToken);
                if (content.LastSequence != part.LastSequence)
                {
                    throw Unsound(ledger, new LedgerFinding(LedgerFindingKind.RowMissing, $"Rows {content.LastSequence + 1} to {part.LastSequence} are missing."));
                }

                Describe(connection, content);
            }

            using (var file = File.OpenHandle(draft, FileMode.Open, FileAccess.ReadWrite))
            {
                DiskSync.Sync(file);
            }

            return content;
        }
        catch
        {
            Delete(draft);
            throw;
        }
    }

    /// <summary>Gives the draft its name; afterwards nobody can write it, and the name survives the power.</summary>
    /// <exception cref="IOException">The disk did not take the name.</exception>
    public static void Publish(string draft, string path)
    {
        // On Windows a file that is read-only cannot be deleted, and a draft that is left behind has to go.
        if (!OperatingSystem.IsWindows())
        {
            Protect(draft);
        }

        File.Move(draft, path, overwrite: false);
        Protect(path);
        KeepName(path);
    }

    /// <summary>Brings the name of a file to the disk, and that of its directory: both are written at another time than the file.</summary>
    /// <exception cref="IOException">The disk did not take them.</exception>
    public static void KeepName(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        SyncDirectory(directory);
        SyncDirectory(Path.GetDirectoryName(directory)!);
    }

    /// <summary>Lets nobody write a file.</summary>
    public static void Protect(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            File.SetAttributes(path, FileAttributes.ReadOnly);
        }
        else
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead);
        }
    }

    /// <summary>Removes a file that the ledger does not know, or what is left of a draft.</summary>
    public static void Delete(string path)
    {
        foreach (var end in (string[])["", "-journal"])
        {
            if (OperatingSystem.IsWindows() && File.Exists(path + end))
            {
                File.SetAttributes(path + end, FileAttributes.Normal);
            }

            File.Delete(path + end);
        }
    }

    private static StoreUnavailableException Unsound(string ledger, LedgerFinding finding) =>
        SqliteFile.Refusal(ledger, $"does not verify, and rows that are wrong are evidence where they are: {finding.Message} Nothing more was archived; 'llmcost ledger verify' says everything.");

    /// <summary>Makes the table or its indices, as the ledger has them.</summary>
    private static void Define(SqliteConnection connection, string type)
    {
        var definitions = new List<string>();
        using (var select = new SqliteStatement(connection, "SELECT sql FROM ledger.sqlite_schema WHERE type = ?1 AND tbl_name = 'entry' AND sql IS NOT NULL"))
        {
            select.Bind(1, type);
            while (select.Step())
            {
                definitions.Add(select.Text(0));
            }
        }

        definitions.ForEach(definition => SqliteFile.Execute(connection, definition));
    }

    private static void Copy(SqliteConnection connection, ArchivePart part, Action<long>? progress, CancellationToken cancellationToken)
    {
        // A short read at a time, so that the write-ahead log of the ledger can be emptied meanwhile. Rows do not change.
        using var copy = new SqliteStatement(connection, $"INSERT INTO main.entry ({LedgerBook.Columns}) SELECT {LedgerBook.Columns} FROM ledger.entry WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq");
        for (var first = part.FirstSequence; first <= part.LastSequence; first += RowsAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var last = Math.Min(first + RowsAtOnce - 1, part.LastSequence);
            copy.Bind(1, first).Bind(2, last).Run();
            progress?.Invoke(last - part.FirstSequence + 1);
        }
    }

    private static void Describe(SqliteConnection connection, ArchiveContent content)
    {
        SqliteFile.Execute(connection, "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT");
        using var insert = new SqliteStatement(connection, "INSERT INTO about (key, value) VALUES (?1, ?2)");
        foreach (var (key, value) in (ReadOnlySpan<(string, FormattableString)>)
        [
            ("what", $"Rows {content.FirstSequence} to {content.LastSequence} of a ledger of LlmCostCache.AI, from {LedgerTime.Instant(content.FirstAt):u} to {LedgerTime.Instant(content.LastAt):u}. They continue in ledger.db; keep this file beside it, in the directory 'archive'."),
            ("first_sequence", $"{content.FirstSequence}"), ("last_sequence", $"{content.LastSequence}"), ("rows", $"{content.LastSequence - content.FirstSequence + 1}"),
            ("previous_hash", $"{Convert.ToHexStringLower(content.PreviousHash)}"), ("last_hash", $"{Convert.ToHexStringLower(content.LastHash)}"), ("booked_nanos", $"{content.Booked}"),
        ])
        {
            insert.Bind(1, key).Bind(2, value.ToString(CultureInfo.InvariantCulture)).Run();
        }
    }

    private static string? About(SqliteConnection connection, string key)
    {
        using var select = new SqliteStatement(connection, "SELECT value FROM about WHERE key = ?1");
        return select.Bind(1, key).Step() ? select.Text(0) : null;
    }

    private static void SyncDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = open(directory, 0);
        if (descriptor < 0)
        {
            return;
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            DiskSync.Sync(handle);
        }
        catch (IOException error) when (error.HResult is not (InputOutput or NoSpace))
        {
            // Some file systems sync no directories, and say so.
        }
    }

    [DllImport("libc", ExactSpelling = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
