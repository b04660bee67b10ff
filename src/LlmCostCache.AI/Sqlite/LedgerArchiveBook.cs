using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What the writer has to know of rows that moved out of the ledger: that an id was used, and, when a late answer corrects one, the row.</summary>
internal sealed class LedgerArchiveBook(SqliteConnection ledger, Func<string, SqliteStatement> prepare) : IDisposable
{
    private readonly SqliteStatement _any = prepare("SELECT 1 FROM archive LIMIT 1");
    private readonly SqliteStatement _holds = prepare("SELECT 1 FROM archived_id WHERE id = ?1");

    // Whoever asks for one row of a file mostly asks for more of it in the same transaction.
    private readonly Dictionary<long, (SqliteConnection File, SqliteStatement ById, SqliteStatement Adjustments)> _open = [];
    private LedgerArchives? _archives;
    private bool _some;

    private LedgerArchives Archives => _archives ??= new LedgerArchives(ledger);

    /// <summary>Looks whether there are any, once in a transaction: another process may have begun to archive.</summary>
    public void Refresh()
    {
        Dispose();
        _some = _any.Step();
        _any.Reset();
    }

    /// <summary>Whether a row of this id moved.</summary>
    public bool Holds(string id)
    {
        if (!_some)
        {
            return false;
        }

        var found = _holds.Bind(1, ArchivedId.Of(id).AsSpan()).Step();
        _holds.Reset();
        return found;
    }

    /// <summary>The call of this id with the adjustments that moved too; null when none moved.</summary>
    /// <exception cref="StoreUnavailableException">Its file is missing.</exception>
    public LedgerEntry? Find(string id)
    {
        var call = Row(id);
        return call is null ? null : AdjustmentsOf(call).Aggregate(call, static (folded, adjustment) => folded.Plus(adjustment));
    }

    /// <summary>The row of this id as it was written; null when none moved.</summary>
    /// <param name="id">The id.</param>
    /// <param name="at">When the call was made, if that is known: the file of then is opened first.</param>
    /// <exception cref="StoreUnavailableException">Its file is missing.</exception>
    public LedgerEntry? Row(string id, long? at = null)
    {
        if (!Holds(id))
        {
            return null;
        }

        foreach (var archive in Archives.Between(long.MinValue, long.MaxValue).OrderByDescending(archive => at is { } instant && archive.Overlaps(instant, instant + 1)))
        {
            var byId = Open(archive).ById;
            if (byId.Bind(1, id).Bind(2, archive.MovedThrough).Step())
            {
                var row = LedgerEntry.Read(byId);
                byId.Reset();
                return row;
            }
        }

        return null;
    }

    /// <summary>The adjustments of a call that moved as well, the first one first.</summary>
    /// <exception cref="StoreUnavailableException">A file of them is missing.</exception>
    public List<LedgerEntry> AdjustmentsOf(LedgerEntry call)
    {
        var found = new List<LedgerEntry>();
        foreach (var archive in Archives.Between(long.MinValue, long.MaxValue).Where(archive => archive.MovedThrough > call.Sequence))
        {
            // Only a file that says so adjusts rows of earlier ones.
            if (archive.FirstSequence > call.Sequence && archive.LateAdjustments == 0)
            {
                continue;
            }

            var adjustments = Open(archive).Adjustments;
            adjustments.Bind(1, call.Sequence).Bind(2, archive.MovedThrough);
            while (adjustments.Step())
            {
                found.Add(LedgerEntry.Read(adjustments));
            }
        }

        return found;
    }

    /// <summary>Closes the files; they are opened again when they are asked for.</summary>
    public void Dispose()
    {
        foreach (var (file, byId, adjustments) in _open.Values)
        {
            byId.Dispose();
            adjustments.Dispose();
            file.Dispose();
        }

        _open.Clear();
        _archives = null;
    }

    private (SqliteConnection File, SqliteStatement ById, SqliteStatement Adjustments) Open(LedgerArchive archive)
    {
        if (!_open.TryGetValue(archive.Number, out var open))
        {
            var file = Archives.Open(archive);
            var columns = LedgerArchiveFile.ColumnsOf(file);
            open = (file,
                new SqliteStatement(file, $"SELECT {columns} FROM entry WHERE id = ?1 AND seq <= ?2"),
                new SqliteStatement(file, $"SELECT {columns} FROM entry WHERE adjusts = ?1 AND seq <= ?2 ORDER BY seq"));
            _open.Add(archive.Number, open);
        }

        return open;
    }
}
