using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Copies of a ledger: taken while others write, whole or not at all, on the disk when they get their name.</summary>
internal static class LedgerCopy
{
    /// <summary>Writes a copy of what is committed to <paramref name="target"/>; who writes meanwhile is not held up.</summary>
    /// <exception cref="IOException">There is a file of that name.</exception>
    public static void Take(SqliteConnection connection, string target, Action<string>? check = null)
    {
        // Under another name until it is whole: what is called a backup is one, also when the process or the disk gives up half-way.
        var draft = target + ".new";
        try
        {
            File.Delete(draft);
            SqliteFile.CreatePrivate(draft);
            using (var copy = new SqliteStatement(connection, "VACUUM INTO ?1"))
            {
                copy.Bind(1, draft).Run();
            }

            check?.Invoke(draft);
            BringToDisk(draft);
            File.Move(draft, target, overwrite: false);
        }
        finally
        {
            foreach (var end in (string[])["", "-journal", "-wal", "-shm"])
            {
                File.Delete(draft + end);
            }
        }
    }

    /// <summary>Makes a copy beside the ledger that is called after why and when it was made.</summary>
    /// <returns>Its path.</returns>
    public static string TakeBeside(SqliteConnection connection, string path, string why, TimeProvider time)
    {
        var copy = NameBeside(path, why, time);
        Take(connection, copy);
        return copy;
    }

    /// <summary>Copies the bytes of a file that SQLite cannot read any more, with its write-ahead log.</summary>
    public static string TakeBytes(string path, string why, TimeProvider time)
    {
        var copy = NameBeside(path, why, time);
        foreach (var end in (string[])["", "-wal"])
        {
            if (File.Exists(path + end))
            {
                SqliteFile.CreatePrivate(copy + end);
                using (var from = new FileStream(path + end, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
                using (var to = new FileStream(copy + end, FileMode.Open, FileAccess.Write))
                {
                    from.CopyTo(to);
                    to.Flush();
                    DiskSync.Sync(to.SafeFileHandle);
                }
            }
        }

        return copy;
    }

    public static string NameBeside(string path, string why, TimeProvider time) =>
        string.Create(CultureInfo.InvariantCulture, $"{path}.{why}.{time.GetUtcNow():yyyyMMddHHmmss}.{Guid.NewGuid():N}.bak");

    /// <summary>SQLite does not wait for the disk when it writes a file that is not its own.</summary>
    private static void BringToDisk(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        DiskSync.Sync(file);
    }
}
