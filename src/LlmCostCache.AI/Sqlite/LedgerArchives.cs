using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The rows that moved out of a ledger, for whoever reads it from its beginning: which file the next ones are in.</summary>
internal sealed class LedgerArchives(SqliteConnection ledger)
{
    private readonly IReadOnlyList<LedgerArchive> _all = LedgerArchive.All(ledger);

    /// <summary>The last row that is no longer in the ledger itself; zero when none ever moved.</summary>
    public long Through => _all.Where(static archive => archive.Moved > 0).Select(static archive => archive.MovedThrough).LastOrDefault();

    /// <summary>Those that can hold calls between two instants.</summary>
    public IEnumerable<LedgerArchive> Between(long since, long until) => _all.Where(archive => archive.Overlaps(since, until));

    /// <summary>The file that holds the next rows behind a place in the sequence; null when those are in the ledger.</summary>
    public LedgerArchive? After(long sequence, long since, long until) => Between(since, until).FirstOrDefault(archive => archive.MovedThrough > sequence);

    /// <exception cref="StoreUnavailableException">It is missing, or is not the file that was made.</exception>
    public SqliteConnection Open(LedgerArchive archive) => LedgerArchiveFile.Open(LedgerArchive.DirectoryOf(ledger), archive);

    /// <summary>The later files in which rows of earlier ones are adjusted.</summary>
    public IEnumerable<LedgerArchive> AdjustingBefore(LedgerArchive archive) => _all.Where(later => later.Number > archive.Number && later.LateAdjustments > 0 && later.Moved > 0);
}
