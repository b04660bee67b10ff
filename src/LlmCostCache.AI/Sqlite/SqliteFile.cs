using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>Opens connections to a SQLite file as we want them: private to its owner, local, patient, and without a pool behind our back.</summary>
internal static class SqliteFile
{
    /// <summary>How long a connection waits for another process's turn.</summary>
    public const int BusyTimeoutMs = 5_000;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int FileHasMoved = 20;

    private static readonly byte[] s_main = [.. "main\0"u8];

    private static readonly TimeSpan s_turnPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_word = TimeSpan.FromSeconds(2);

    private static bool s_canTellMoves = true;

    // Before this version two connections that checkpoint at once can corrupt a WAL (sqlite.org/wal.html#walresetbug).
    private static readonly Version s_oldestVersion = new(3, 51, 3);

    private static readonly string[] s_networkFormats =
    [
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afpfs", "webdav", "davfs", "fuse.sshfs", "glusterfs", "fuse.glusterfs", "ceph", "afs",
    ];

    /// <summary>Makes the directory when it is missing, for its owner only.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be made, or lies on a network file system.</exception>
    public static void PrepareDirectory(string directory, Func<string, string>? formatOf = null)
    {
        try
        {
            if (File.Exists(directory))
            {
                throw Refusal(directory, "is a file; the home must be a directory. Move it away or choose another home directory.");
            }

            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(directory);
            }
            else
            {
                Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new StoreUnavailableException(
                $"The home directory '{directory}' cannot be made: "
                + $"{error.Message} Choose another one (LlmCostsOptions.HomeDirectory or LLMCOSTCACHE_HOME).", error)
            {
                Store = directory,
            };
        }

        RefuseNetwork(directory, formatOf ?? FormatOf);
    }

    /// <exception cref="StoreUnavailableException">The SQLite library that is loaded has the WAL-reset bug.</exception>
    public static void RequireSoundVersion(string path, string version)
    {
        if (Version.Parse(version) < s_oldestVersion)
        {
            throw new StoreUnavailableException(
                $"SQLite {version} can corrupt '{path}' when several processes use it; {s_oldestVersion} or later is needed. "
                + $"Update the package that brings SQLite (SQLitePCLRaw.lib.e_sqlite3).")
            {
                Store = path,
            };
        }
    }

    public static string LoadedVersion()
    {
        Batteries_V2.Init();
        return raw.sqlite3_libversion().utf8_to_string();
    }

    /// <summary>Makes an empty file that only its owner may read, unless there is one.</summary>
    public static void CreatePrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
    }

    /// <summary>Holds a file that only one process can have open, so that one at a time makes or replaces <paramref name="path"/>; the operating system takes it away from a process
    /// that dies.</summary>
    /// <param name="path">What is made or replaced.</param>
    /// <param name="patience">How long another process is waited for; ten seconds when null.</param>
    /// <param name="waiting">Hears every few seconds how long that has been.</param>
    /// <exception cref="IOException">Another one has held it for all of that time.</exception>
    public static FileStream TakeTurn(string path, TimeSpan? patience = null, Action<TimeSpan>? waiting = null)
    {
        using var pause = new ManualResetEventSlim();
        var (since, told) = (Stopwatch.GetTimestamp(), TimeSpan.Zero);
        while (true)
        {
            try
            {
                return new FileStream($"{path}.creating", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
            }
            catch (IOException error) when (Stopwatch.GetElapsedTime(since) < (patience ?? s_turnPatience) && IsHeldByAnother(error))
            {
                var waited = Stopwatch.GetElapsedTime(since);
                if (waiting is not null && waited >= told + s_word)
                {
                    told = waited;
                    waiting(waited);
                }

                pause.Wait(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    // EWOULDBLOCK on Linux and macOS, ERROR_SHARING_VIOLATION on Windows. Where no file can be made at all, no wait helps.
    public static bool IsHeldByAnother(IOException error) => error.HResult is 11 or 35 or unchecked((int)0x80070020);

    /// <summary>Opens a connection of our own (never pooled). The busy timeout is SQLite's, so a wait ends after five seconds.</summary>
    public static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            connection.Open();
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout = {BusyTimeoutMs}"));
            Execute(connection, "PRAGMA foreign_keys = ON");
            Execute(connection, "PRAGMA mmap_size = 0");
            Execute(connection, "PRAGMA trusted_schema = OFF");
            if (OperatingSystem.IsMacOS())
            {
                // fsync on macOS leaves data in the drive's cache.
                Execute(connection, "PRAGMA fullfsync = ON");
                Execute(connection, "PRAGMA checkpoint_fullfsync = ON");
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var statement = new SqliteStatement(connection, sql);
        statement.Run();
    }

    public static long Scalar(SqliteConnection connection, string sql)
    {
        using var statement = new SqliteStatement(connection, sql);
        return statement.Step() ? statement.Int64(0) : 0;
    }

    /// <summary>Whether the file that this connection writes is no longer the one at its path: it was removed, or another took its place.</summary>
    public static bool HasMoved(SqliteConnection connection)
    {
        if (!s_canTellMoves)
        {
            return !File.Exists(connection.DataSource);
        }

        try
        {
            return sqlite3_file_control(connection.Handle!.DangerousGetHandle(), s_main, FileHasMoved, out var moved) == raw.SQLITE_OK && moved != 0;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            // The application brings its SQLite under another name.
            s_canTellMoves = false;
            return !File.Exists(connection.DataSource);
        }
    }

    public static StoreUnavailableException Refusal(string path, string whatAndWhatNow) => new($"'{path}' {whatAndWhatNow}") { Store = path };

    // SQLITE_FCNTL_HAS_MOVED, which the wrapper does not pass on: it compares the file at the path with the one that is open.
    [DllImport("e_sqlite3", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int sqlite3_file_control(IntPtr database, byte[] name, int operation, out int moved);

    private static void RefuseNetwork(string directory, Func<string, string> formatOf)
    {
        var format = formatOf(directory);
        if (s_networkFormats.Contains(format, StringComparer.OrdinalIgnoreCase))
        {
            throw Refusal(directory, $"lies on a network file system ({format}), where SQLite's locks cannot be trusted and money would be lost. Choose a home directory on a local disk.");
        }
    }

    private static string FormatOf(string directory)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                return directory.StartsWith(@"\\", StringComparison.Ordinal) || new DriveInfo(directory).DriveType == DriveType.Network ? "smb" : "";
            }

            return new DriveInfo(directory).DriveFormat;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
