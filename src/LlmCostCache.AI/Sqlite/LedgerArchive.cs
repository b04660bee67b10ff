using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>A file of rows that moved out of the ledger, as the ledger knows it.</summary>
internal sealed record LedgerArchive
{
    public const string DirectoryName = "archive";

    public const string Select = """
        SELECT number, file, first_seq, last_seq, previous_hash, last_hash, booked_nanos, first_at, last_at, late_adjustments, conversions, moved_through, moved_hash
          FROM archive ORDER BY number
        """;

    public required long Number { get; init; }

    public required string File { get; init; }

    public required long FirstSequence { get; init; }

    public required long LastSequence { get; init; }

    /// <summary>The hash of the row before the first.</summary>
    public required byte[] PreviousHash { get; init; }

    public required byte[] LastHash { get; init; }

    public required Int128 Booked { get; init; }

    /// <summary>When the earliest of its calls was made, in microseconds.</summary>
    public required long FirstAt { get; init; }

    public required long LastAt { get; init; }

    /// <summary>How many of its rows adjust one that lies in an earlier file.</summary>
    public required long LateAdjustments { get; init; }

    public required long Conversions { get; init; }

    /// <summary>The last row that lies in the file alone; those behind it are still in the ledger too, and are read there.</summary>
    public required long MovedThrough { get; init; }

    public required byte[] MovedHash { get; init; }

    public long Rows => LastSequence - FirstSequence + 1;

    /// <summary>How many of its rows are no longer in the ledger.</summary>
    public long Moved => MovedThrough - FirstSequence + 1;

    public bool IsFinished => MovedThrough == LastSequence;

    /// <summary>The files, in the order of their rows.</summary>
    public static IReadOnlyList<LedgerArchive> All(SqliteConnection ledger)
    {
        using var select = new SqliteStatement(ledger, Select);
        return Read(select);
    }

    /// <summary>Reads what a statement over <see cref="Select"/> returns.</summary>
    public static IReadOnlyList<LedgerArchive> Read(SqliteStatement select)
    {
        var archives = new List<LedgerArchive>();
        while (select.Step())
        {
            archives.Add(new()
            {
                Number = select.Int64(0),
                File = select.Text(1),
                FirstSequence = select.Int64(2),
                LastSequence = select.Int64(3),
                PreviousHash = select.Bytes(4).ToArray(),
                LastHash = select.Bytes(5).ToArray(),
                Booked = Int128.Parse(select.Text(6), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
                FirstAt = select.Int64(7),
                LastAt = select.Int64(8),
                LateAdjustments = select.Int64(9),
                Conversions = select.Int64(10),
                MovedThrough = select.Int64(11),
                MovedHash = select.Bytes(12).ToArray(),
            });
        }

        return archives;
    }

    /// <summary>The directory of the files that belong to the ledger of a connection.</summary>
    public static string DirectoryOf(SqliteConnection ledger) => DirectoryOf(ledger.DataSource);

    /// <summary>The directory of the files that belong to a ledger. A copy without a name, which stands for an older ledger, names them with their directory.</summary>
    public static string DirectoryOf(string ledger) => ledger.Length == 0 ? "" : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(ledger))!, DirectoryName);

    /// <summary>Whether a path is that of an archive in a home directory.</summary>
    public static bool IsIn(string homeDirectory, string? path) =>
        path is not null && Path.GetDirectoryName(Path.GetFullPath(path)) == Path.Combine(Path.GetFullPath(homeDirectory).TrimEnd(Path.DirectorySeparatorChar), DirectoryName);

    /// <summary>Whether a call between two instants can lie in the file.</summary>
    public bool Overlaps(long since, long until) => Moved > 0 && FirstAt < until && LastAt >= since;

    /// <summary>How the file is called in sentences.</summary>
    public string Name => $"{DirectoryName}/{File}";
}
