using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Follows the chain through the files of rows that moved, up to the first row that is still in the ledger, and holds against them what the ledger kept.</summary>
internal sealed class LedgerArchiveCheck(SqliteConnection ledger, string directory, Action<LedgerFinding> found)
{
    private readonly IReadOnlyList<LedgerArchive> _archives = LedgerArchive.All(ledger);
    private readonly List<LedgerArchive> _unread = [];

    /// <summary>The last row that is no longer in the ledger, and its hash.</summary>
    public (long Sequence, byte[] Hash) End => _archives.Where(static archive => archive.Moved > 0).Select(static archive => (archive.MovedThrough, archive.MovedHash)).LastOrDefault((0, new byte[32]));

    /// <summary>A file that could not be read; null when none was.</summary>
    public string? Unread => _unread.Count == 0 ? null : Path.Combine(directory, _unread[0].File);

    /// <summary>Whether rows between two instants could not be read, so that nothing is known of what they add up to.</summary>
    public bool Misses(long since, long until) => _unread.Exists(archive => archive.Overlaps(since, until));

    /// <summary>The rows that are adjusted by archived ones.</summary>
    public void AddAdjusted(HashSet<long> adjusted)
    {
        foreach (var archive in _archives)
        {
            try
            {
                using var file = LedgerArchiveFile.Open(directory, archive);
                using var select = new SqliteStatement(file, "SELECT DISTINCT adjusts FROM entry WHERE adjusts IS NOT NULL");
                while (select.Step())
                {
                    adjusted.Add(select.Int64(0));
                }
            }
            catch (Exception error) when (IsOfFile(error))
            {
                // Walk says it.
            }
        }
    }

    /// <summary>Checks every file and gives each row that is no longer in the ledger.</summary>
    public void Walk(ArchiveContent.RowReader row, CancellationToken cancellationToken)
    {
        var (end, hash) = (0L, new byte[32]);
        foreach (var archive in _archives)
        {
            if (archive.FirstSequence != end + 1 || !archive.PreviousHash.AsSpan().SequenceEqual(hash))
            {
                Wrong(archive, $"does not begin where the rows before it end: what the ledger notes about its archives was changed.");
            }

            (end, hash) = (archive.LastSequence, archive.LastHash);
            Check(archive, row, cancellationToken);
        }
    }

    private void Check(LedgerArchive archive, ArchiveContent.RowReader row, CancellationToken cancellationToken)
    {
        try
        {
            using var file = LedgerArchiveFile.Open(directory, archive);
            using var ids = new SqliteStatement(ledger, "SELECT 1 FROM archived_id WHERE id = ?1");
            var sums = new ArchivedSums();
            var moved = archive.PreviousHash;
            var unknown = 0L;
            var content = ArchiveContent.Read(
                file, archive.FirstSequence, archive.PreviousHash, finding => found(finding with { Message = $"{archive.Name}: {finding.Message}" }), Count, cancellationToken,
                LedgerChain.HeadOf(archive.LastSequence, archive.LastHash));
            if (!moved.AsSpan().SequenceEqual(archive.MovedHash))
            {
                Wrong(archive, $"goes on in the ledger behind row {archive.MovedThrough}, and the hash that the ledger notes for that row is not the one in the file.");
            }

            if (content.Booked != archive.Booked)
            {
                Wrong(archive, $"adds up to {content.Booked} nano-dollars; the ledger notes {archive.Booked}.");
            }

            if (unknown > 0)
            {
                Wrong(archive, $"has {unknown} rows whose ids the ledger has forgotten: one could be written a second time.");
            }

            Compare(archive, sums);

            void Count(SqliteStatement line, ReadOnlySpan<byte> hash)
            {
                if (line.Int64(0) > archive.MovedThrough)
                {
                    return;
                }

                moved = hash.ToArray();
                unknown += ids.Bind(1, ArchivedId.Of(line.Text(1)).AsSpan()).Step() ? 0 : 1;
                ids.Reset();
                row(line, hash);
                try
                {
                    sums.Add(LedgerEntry.Read(line));
                }
                catch (Exception error) when (LedgerEntry.IsUnreadable(error))
                {
                    // A row that cannot be read was changed, and the chain has said so.
                }
            }
        }
        catch (Exception error) when (IsOfFile(error))
        {
            _unread.Add(archive);
            found(new LedgerFinding(LedgerFindingKind.ArchiveMissing, error.Message) { Sequence = archive.FirstSequence });
        }
    }

    private void Compare(LedgerArchive archive, ArchivedSums sums)
    {
        var (known, wrong) = (0, 0);
        using var select = new SqliteStatement(ledger, """
            SELECT digest, session, requested_model, model_key, tags, tenant, project, team, user, feature, agent, first_at, last_at, booked_nanos, tokens, requests
              FROM archived_sum WHERE archive = ?1
            """);
        select.Bind(1, archive.Number);
        while (select.Step())
        {
            known++;
            wrong += sums.Sums.TryGetValue(Convert.ToHexString(select.Bytes(0)), out var sum)
                && Enumerable.Range(0, sum.Names.Length).All(i => select.NullableText(1 + i) == sum.Names[i])
                && (select.Int64(11), select.Int64(12), select.Int64(13), select.Int64(14), select.Int64(15)) == (sum.FirstAt, sum.LastAt, sum.Booked, sum.Tokens, sum.Requests) ? 0 : 1;
        }

        if (wrong > 0 || known != sums.Sums.Count)
        {
            Wrong(archive, "is added up for budgets in the ledger, and those sums are not those of its rows.");
        }
    }

    private static bool IsOfFile(Exception error) => error is StoreUnavailableException or SqliteException or IOException or UnauthorizedAccessException;

    private void Wrong(LedgerArchive archive, FormattableString what) =>
        found(new LedgerFinding(LedgerFindingKind.CounterWrong, $"{archive.Name} {what.ToString(System.Globalization.CultureInfo.InvariantCulture)}"));

    private void Wrong(LedgerArchive archive, string what) => found(new LedgerFinding(LedgerFindingKind.CounterWrong, $"{archive.Name} {what}"));
}
