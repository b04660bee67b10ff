using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Moves old months out of the ledger: copies them into a file, checks the file, brings it to the disk, gives it its name, and only then takes the rows out of the ledger.</summary>
/// <remarks>
/// Each step can be the last one of the process. A draft without a name is made anew. A file that the ledger does not know yet is checked and taken over. Rows leave the ledger
/// in small transactions, each with the note of how far that is, so that whoever writes meanwhile waits for milliseconds; a run that was interrupted goes on there.
/// </remarks>
internal sealed class LedgerArchiver(string path, TimeProvider time)
{
    private const int FewestAtOnce = 20;
    private const int MostAtOnce = 5_000;
    private const int Tries = 5;

    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_long = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_leastRest = TimeSpan.FromMilliseconds(2);

    private readonly string _directory = LedgerArchive.DirectoryOf(path);
    private int _atOnce = 1_000;

    /// <summary>How many rows leave the ledger in the first transactions; then as many as take some tens of milliseconds.</summary>
    public int RowsAtOnce
    {
        init => _atOnce = value;
    }

    /// <summary>Hears what is done with which file: how many rows of how many.</summary>
    public Action<string, string, long, long>? Progress { get; init; }

    /// <summary>What a run would do.</summary>
    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public LedgerArchivePlan Plan(DateTimeOffset before)
    {
        using var connection = LedgerFile.OpenForReading(path);
        try
        {
            return PlanOf(connection, before);
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>Moves what may move.</summary>
    /// <returns>The files that were made or finished.</returns>
    /// <exception cref="StoreUnavailableException">The ledger or the files cannot be used; what is done stays done, and a later run goes on.</exception>
    public ImmutableArray<LedgerArchive> Run(DateTimeOffset before, CancellationToken cancellationToken)
    {
        using var connection = LedgerFile.OpenForWriting(path, time, mayCreate: false);
        SqliteFile.PrepareDirectory(_directory);
        using var turn = TakeTurn();
        var done = new List<long>();
        try
        {
            while (PlanOf(connection, before) is { IsEmpty: false } plan)
            {
                var archive = plan.Unfinished.IsEmpty ? Make(connection, plan.Parts[0], cancellationToken) : plan.Unfinished[0];
                Move(connection, archive, cancellationToken);
                done.Add(archive.Number);
            }

            return [.. LedgerArchive.All(connection).Where(archive => done.Contains(archive.Number))];
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SqliteFile.Refusal(_directory, $"cannot be written: {error.Message} No row is lost; make room or give access, then repeat the command.");
        }
    }

    private FileStream TakeTurn()
    {
        try
        {
            return SqliteFile.TakeTurn(Path.Combine(_directory, "ledger"));
        }
        catch (IOException)
        {
            throw SqliteFile.Refusal(_directory, "is being written by another 'llmcost ledger archive'. Wait for its end.");
        }
    }

    private LedgerArchivePlan PlanOf(SqliteConnection connection, DateTimeOffset before)
    {
        SqliteFile.Execute(connection, "BEGIN");
        try
        {
            return LedgerArchivePlan.Of(connection, before, time.GetUtcNow());
        }
        finally
        {
            SqliteFile.Execute(connection, "ROLLBACK");
        }
    }

    /// <summary>Makes a file and lets the ledger know it; the rows are then in both, and are read in the ledger.</summary>
    private LedgerArchive Make(SqliteConnection connection, ArchivePart part, CancellationToken cancellationToken)
    {
        var file = Path.Combine(_directory, part.File);
        var previous = part.FirstSequence == 1 ? new byte[32] : LedgerArchive.All(connection)[^1].LastHash;
        if (!File.Exists(file) || TakeOver(connection, file, part, previous, cancellationToken) is not { } content)
        {
            var draft = file + ".new";
            content = LedgerArchiveFile.Make(draft, path, part, previous, done => Progress?.Invoke(part.File, "copied", done, part.Rows), cancellationToken);
            LedgerArchiveFile.Publish(draft, file);
        }

        Enter(connection, part.File, content);
        return LedgerArchive.All(connection)[^1];
    }

    /// <summary>
    /// A file that the ledger does not know yet, because an interrupted run made it, holds the very rows that are to move. It may hold more, when some of them have to stay by now, for a correction that came
    /// since: then it goes, because the ledger has all its rows still. One that holds anything else is none of ours.
    /// </summary>
    /// <returns>Null when it is to be made anew.</returns>
    private static ArchiveContent? TakeOver(SqliteConnection connection, string file, ArchivePart part, byte[] previous, CancellationToken cancellationToken)
    {
        LedgerFinding? wrong = null;
        ArchiveContent content;
        using (var archive = LedgerArchiveFile.Open(file))
        {
            content = ArchiveContent.Read(archive, part.FirstSequence, previous, finding => wrong ??= finding, null, cancellationToken);
        }

        if (wrong is not null || content.LastSequence < part.FirstSequence || !content.LastHash.AsSpan().SequenceEqual(HashOf(connection, content.LastSequence)))
        {
            throw SqliteFile.Refusal(file, "is there already and holds rows that the ledger does not have. Move it away; nothing of the ledger was changed.");
        }

        if (content.LastSequence <= part.LastSequence)
        {
            // The run that made it may have ended before either.
            LedgerArchiveFile.Protect(file);
            LedgerArchiveFile.KeepName(file);
            return content;
        }

        LedgerArchiveFile.Delete(file);
        return null;
    }

    private void Enter(SqliteConnection connection, string file, ArchiveContent content)
    {
        Begin(connection);
        try
        {
            if (!content.LastHash.AsSpan().SequenceEqual(HashOf(connection, content.LastSequence)))
            {
                throw SqliteFile.Refusal(path, "was changed while it was copied. Nothing was taken out of it; run 'llmcost ledger verify'.");
            }

            using var insert = new SqliteStatement(connection, """
                INSERT INTO archive (file, first_seq, last_seq, previous_hash, last_hash, booked_nanos, first_at, last_at, late_adjustments, conversions, made_at, moved_through, moved_hash)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?2 - 1, ?4)
                """);
            insert.Bind(1, file).Bind(2, content.FirstSequence).Bind(3, content.LastSequence).Bind(4, content.PreviousHash.AsSpan()).Bind(5, content.LastHash.AsSpan())
                .Bind(6, content.Booked.ToString(CultureInfo.InvariantCulture)).Bind(7, content.FirstAt).Bind(8, content.LastAt).Bind(9, content.LateAdjustments).Bind(10, content.Conversions)
                .Bind(11, LedgerTime.Micros(time.GetUtcNow())).Run();
            SqliteFile.Execute(connection, "COMMIT");
        }
        catch
        {
            Rollback(connection);
            throw;
        }
    }

    /// <summary>Takes the rows out of the ledger, some at a time.</summary>
    private void Move(SqliteConnection connection, LedgerArchive archive, CancellationToken cancellationToken)
    {
        // Whoever removed the file since then must not lose its rows.
        LedgerArchiveFile.Open(_directory, archive).Dispose();
        var through = archive.MovedThrough;
        using var rest = new ManualResetEventSlim();
        while (through < archive.LastSequence)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!File.Exists(Path.Combine(_directory, archive.File)))
            {
                throw SqliteFile.Refusal(Path.Combine(_directory, archive.File), "was removed while rows moved into it. Put it back, then repeat the command.");
            }

            var began = Stopwatch.GetTimestamp();
            through = MoveSome(connection, archive);
            var took = Stopwatch.GetElapsedTime(began);
            _atOnce = Math.Clamp(took < s_short ? _atOnce * 2 : took > s_long ? _atOnce / 2 : _atOnce, FewestAtOnce, MostAtOnce);
            Progress?.Invoke(archive.File, "moved", through - archive.FirstSequence + 1, archive.Rows);

            // SQLite queues nobody: others get their turn while this one rests.
            rest.Wait(took > s_leastRest ? took : s_leastRest, cancellationToken);
        }
    }

    private long MoveSome(SqliteConnection connection, LedgerArchive archive)
    {
        Begin(connection);
        try
        {
            var (through, hash) = (archive.MovedThrough, archive.MovedHash);
            using (var current = new SqliteStatement(connection, "SELECT moved_through, moved_hash FROM archive WHERE number = ?1"))
            {
                current.Bind(1, archive.Number).Step();
                (through, hash) = (current.Int64(0), current.Bytes(1).ToArray());
            }

            var from = through;
            var sums = new ArchivedSums();
            using (var select = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT {_atOnce}"))
            using (var insert = new SqliteStatement(connection, "INSERT OR IGNORE INTO archived_id (id) VALUES (?1)"))
            {
                select.Bind(1, from).Bind(2, archive.LastSequence);
                while (select.Step())
                {
                    (through, hash) = (select.Int64(0), select.Bytes(select.Columns - 1).ToArray());
                    insert.Bind(1, ArchivedId.Of(select.Text(1)).AsSpan()).Run();
                    sums.Add(LedgerEntry.Read(select));
                }
            }

            if (through == from)
            {
                throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture, $"has lost rows {from + 1} to {archive.LastSequence}, which are in '{archive.Name}'. Run 'llmcost ledger verify'."));
            }

            Write(connection, archive.Number, sums);
            using (var delete = new SqliteStatement(connection, "DELETE FROM entry WHERE seq > ?1 AND seq <= ?2"))
            {
                delete.Bind(1, from).Bind(2, through).Run();
            }

            using (var note = new SqliteStatement(connection, "UPDATE archive SET moved_through = ?2, moved_hash = ?3 WHERE number = ?1"))
            {
                note.Bind(1, archive.Number).Bind(2, through).Bind(3, hash.AsSpan()).Run();
            }

            NoteChecked(connection, through, hash);
            SqliteFile.Execute(connection, "COMMIT");
            return through;
        }
        catch
        {
            Rollback(connection);
            throw;
        }
    }

    private static void Write(SqliteConnection connection, long archive, ArchivedSums sums)
    {
        using var add = new SqliteStatement(connection, """
            INSERT INTO archived_sum (archive, digest, session, requested_model, model_key, tags, tenant, project, team, user, feature, agent, first_at, last_at, booked_nanos, tokens, requests)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
                ON CONFLICT (archive, digest) DO UPDATE SET
                first_at = min(first_at, excluded.first_at),
                last_at = max(last_at, excluded.last_at),
                booked_nanos = booked_nanos + excluded.booked_nanos,
                tokens = tokens + excluded.tokens,
                requests = requests + excluded.requests
            """);
        foreach (var sum in sums.Sums.Values)
        {
            add.Bind(1, archive).Bind(2, sum.Digest.AsSpan());
            for (var i = 0; i < sum.Names.Length; i++)
            {
                add.Bind(3 + i, sum.Names[i]);
            }

            add.Bind(13, sum.FirstAt).Bind(14, sum.LastAt).Bind(15, sum.Booked).Bind(16, sum.Tokens).Bind(17, sum.Requests).Run();
        }
    }

    /// <summary>The check at the next start goes on behind what moved: it was checked when it was copied.</summary>
    private static void NoteChecked(SqliteConnection connection, long sequence, byte[] hash)
    {
        if (LedgerReader.Meta(connection, CounterCheck.Checked) is { } before && LedgerChain.TryReadHead(before, out var done, out _) && done >= sequence)
        {
            return;
        }

        using var note = new SqliteStatement(connection, "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        note.Bind(1, CounterCheck.Checked).Bind(2, LedgerChain.HeadOf(sequence, hash)).Run();
    }

    private static byte[] HashOf(SqliteConnection connection, long sequence)
    {
        using var select = new SqliteStatement(connection, "SELECT hash FROM entry WHERE seq = ?1");
        return select.Bind(1, sequence).Step() ? select.Bytes(0).ToArray() : [];
    }

    private static void Begin(SqliteConnection connection)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
                return;
            }
            catch (SqliteException error) when (error.SqliteErrorCode == SqliteFailure.Busy && tries < Tries)
            {
                // Whoever writes goes first.
            }
        }
    }

    private static void Rollback(SqliteConnection connection)
    {
        if (SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle!) == 0)
        {
            SqliteFile.Execute(connection, "ROLLBACK");
        }
    }
}
