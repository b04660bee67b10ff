using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Recomputes everything that can be recomputed: the chain, the windows' counters and the roll-up.</summary>
internal sealed class LedgerVerifier(SqliteConnection connection)
{
    private const int MaxFindings = 1_000;

    private readonly List<LedgerFinding> _findings = [];
    private readonly WindowCheck _windows = new(connection);
    private readonly RollupCheck _rollup = new(connection);
    private readonly Dictionary<long, LedgerEntry> _adjusted = [];
    private LedgerArchiveCheck? _archives;
    private long _rows;
    private long _wrong;
    private long? _firstBad;

    /// <summary>Whether what is kept beside the rows is made to agree with them; the caller holds the write lock.</summary>
    public bool Repairs { get; init; }

    /// <summary>Where the chain ended at another time, as <c>sequence:hash</c>; null when nobody noted it.</summary>
    public string? EarlierHead { get; init; }

    /// <summary>What is to be known of the file's bytes before SQLite looked at it; null when nothing is wrong with them.</summary>
    public string? Damage { get; init; }

    /// <summary>Where the files of archived rows are; null for beside the ledger.</summary>
    public string? ArchiveDirectory { get; init; }

    public LedgerVerification Verify(CancellationToken cancellationToken)
    {
        if (Damage is not null)
        {
            Found(new LedgerFinding(LedgerFindingKind.FileDamaged, Damage));
        }

        string? head = null;
        try
        {
            CheckFile();
            _windows.Read();
            _archives = new LedgerArchiveCheck(connection, ArchiveDirectory ?? LedgerArchive.DirectoryOf(connection), Found);
            head = WalkChain(_archives, cancellationToken);
            if (Repairs && _archives.Unread is { } unread)
            {
                throw SqliteFile.Refusal(unread, "cannot be read, and without its rows the sums would come out too small. Put the file back, then repeat the repair; nothing was changed.");
            }

            _rollup.CheckNames(Wrong);
            _windows.Compare(_archives, Wrong);
            _rollup.Compare(_archives, Wrong);
            if (Repairs)
            {
                _windows.Write();
                _rollup.Write();
            }
        }
        catch (Exception error) when (error is SqliteException { SqliteErrorCode: 11 or 26 } or FormatException or OverflowException or LlmCostException and not StoreUnavailableException)
        {
            Found(new LedgerFinding(LedgerFindingKind.FileDamaged, $"The ledger cannot be read to its end: {error.Message}"));
        }

        return new LedgerVerification(_rows, _firstBad, [.. _findings.Select(finding => finding.Message)]) { Findings = _findings, Wrong = _wrong, Head = head };
    }

    /// <summary>An index that disagrees with its table would answer wrongly while every row is right.</summary>
    private void CheckFile()
    {
        using var check = new SqliteStatement(connection, "PRAGMA integrity_check(20)");
        while (check.Step())
        {
            if (check.Text(0) is var said && said != "ok")
            {
                Found(new LedgerFinding(LedgerFindingKind.FileDamaged, $"The file is damaged: {said}"));
            }
        }

        using var strays = new SqliteStatement(connection, "SELECT \"table\", COUNT(*) FROM pragma_foreign_key_check GROUP BY 1");
        while (strays.Step())
        {
            Found(new LedgerFinding(LedgerFindingKind.CounterWrong, $"{strays.Int64(1)} rows of the table '{strays.Text(0)}' belong to something that is gone."));
        }

        var homeless = SqliteFile.Scalar(connection, """
            SELECT COUNT(*) FROM hold JOIN reservation ON reservation.id = hold.reservation_id
             WHERE reservation.state = 'pending'
               AND NOT EXISTS (SELECT 1 FROM budget_window AS held
                                WHERE held.budget_id = hold.budget_id AND held.window_key = hold.window_key AND held.starts_at = hold.starts_at)
            """);
        if (homeless > 0)
        {
            Found(new LedgerFinding(LedgerFindingKind.CounterWrong, $"{homeless} holds of pending reservations are counted in no window."));
        }
    }

    /// <returns>The end of the chain; null when there are no rows.</returns>
    private string? WalkChain(LedgerArchiveCheck archives, CancellationToken cancellationToken)
    {
        var adjusted = new HashSet<long>();
        using (var select = new SqliteStatement(connection, "SELECT DISTINCT adjusts FROM entry WHERE adjusts IS NOT NULL"))
        {
            while (select.Step())
            {
                adjusted.Add(select.Int64(0));
            }
        }

        archives.AddAdjusted(adjusted);
        var chain = new LedgerChain(connection, Found);
        var (earlierSequence, earlierHash, earlierStored) = (0L, Array.Empty<byte>(), Array.Empty<byte>());
        if (EarlierHead is not null && !LedgerChain.TryReadHead(EarlierHead, out earlierSequence, out earlierHash))
        {
            throw new ArgumentException($"'{EarlierHead}' is no end of a chain; one looks like 42:0123...cdef, with 64 hexadecimal digits.");
        }

        archives.Walk(
            (row, hash) =>
            {
                _rows++;
                var sequence = row.Int64(0);
                earlierStored = sequence == earlierSequence ? hash.ToArray() : earlierStored;
                Count(row, sequence, adjusted);
            },
            cancellationToken);
        var (end, endHash) = archives.End;
        chain.StartAfter(end, endHash);

        using var rows = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry ORDER BY seq");
        while (rows.Step())
        {
            if (++_rows % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            var sequence = rows.Int64(0);
            if (!chain.Check(rows))
            {
                continue;
            }

            if (sequence == earlierSequence)
            {
                earlierStored = chain.LastHash.ToArray();
            }

            Count(rows, sequence, adjusted);
        }

        chain.CompareWith(LedgerReader.Meta(connection, "head"));
        if (EarlierHead is not null && earlierSequence > 0)
        {
            chain.CompareWithEarlier(earlierSequence, earlierHash, earlierStored);
        }

        return chain.LastSequence == 0 ? null : chain.Head;
    }

    private void Count(SqliteStatement row, long sequence, HashSet<long> adjusted)
    {
        LedgerEntry entry;
        try
        {
            entry = LedgerEntry.Read(row);
        }
        catch (Exception error) when (LedgerEntry.IsUnreadable(error))
        {
            Found(new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {sequence} cannot be read: {error.Message}") { Sequence = sequence });
            return;
        }

        _windows.Count(entry);
        if (entry.IsAdjustment)
        {
            if (!_adjusted.TryGetValue(entry.Adjusts!.Value, out var before))
            {
                if (_archives!.Misses(entry.At, entry.At + 1))
                {
                    return;
                }

                Found(new LedgerFinding(LedgerFindingKind.RowMissing, $"Row {sequence} ('{entry.Id}') adjusts row {entry.Adjusts}, which is not there before it.") { Sequence = sequence, Id = entry.Id });
                return;
            }

            var after = before.Plus(entry);
            _adjusted[before.Sequence] = after;
            _rollup.Add(before, -1);
            _rollup.Add(after, 1);
            return;
        }

        if (adjusted.Contains(sequence))
        {
            _adjusted[sequence] = entry;
        }

        _rollup.Add(entry, 1);
    }

    private void Wrong(string message) => Found(new LedgerFinding(LedgerFindingKind.CounterWrong, message));

    private void Found(LedgerFinding finding)
    {
        _wrong++;
        if (finding.Sequence is { } sequence)
        {
            _firstBad = _firstBad is { } first ? Math.Min(first, sequence) : sequence;
        }

        if (_findings.Count < MaxFindings)
        {
            _findings.Add(finding);
        }
    }
}
