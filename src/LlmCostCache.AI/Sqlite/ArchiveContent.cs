using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What the rows of an archive are, read from the rows themselves.</summary>
internal sealed record ArchiveContent
{
    private const int AtColumn = 6;
    private const int AdjustsColumn = 3;
    private const int BookedColumn = 18;
    private const int RateColumn = 38;

    public required long FirstSequence { get; init; }

    public required byte[] PreviousHash { get; init; }

    public long LastSequence { get; private set; }

    public byte[] LastHash { get; private set; } = [];

    public Int128 Booked { get; private set; }

    public long FirstAt { get; private set; } = long.MaxValue;

    public long LastAt { get; private set; } = long.MinValue;

    public long LateAdjustments { get; private set; }

    public long Conversions { get; private set; }

    /// <summary>Follows the chain through a file.</summary>
    /// <param name="archive">The file.</param>
    /// <param name="firstSequence">Where its rows begin.</param>
    /// <param name="previousHash">The hash of the row before.</param>
    /// <param name="found">Hears what is wrong.</param>
    /// <param name="row">Is given each row of the chain with its hash.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <param name="expected">Where the file must end, as <c>sequence:hash</c>; null for wherever it does.</param>
    public static ArchiveContent Read(
        SqliteConnection archive, long firstSequence, byte[] previousHash, Action<LedgerFinding> found, RowReader? row, CancellationToken cancellationToken, string? expected = null)
    {
        var content = new ArchiveContent { FirstSequence = firstSequence, PreviousHash = previousHash, LastSequence = firstSequence - 1, LastHash = previousHash };
        var chain = new LedgerChain(archive, found);
        chain.StartAfter(firstSequence - 1, previousHash);
        using var rows = new SqliteStatement(archive, $"SELECT {LedgerArchiveFile.ColumnsOf(archive)} FROM entry ORDER BY seq");
        for (var read = 1; rows.Step(); read++)
        {
            if (read % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (chain.Check(rows))
            {
                content.Add(rows);
                row?.Invoke(rows, chain.LastHash);
            }
        }

        (content.LastSequence, content.LastHash) = (chain.LastSequence, chain.LastHash.ToArray());
        chain.CompareWith(expected ?? chain.Head);
        return content;
    }

    private void Add(SqliteStatement row)
    {
        var at = row.Int64(AtColumn);
        (FirstAt, LastAt) = (Math.Min(FirstAt, at), Math.Max(LastAt, at));
        Booked += row.Int64(BookedColumn);
        LateAdjustments += row.NullableInt64(AdjustsColumn) < FirstSequence ? 1 : 0;
        Conversions += row.IsNull(RateColumn) ? 0 : 1;
    }

    /// <summary>Is given a row and its hash.</summary>
    internal delegate void RowReader(SqliteStatement row, ReadOnlySpan<byte> hash);
}
