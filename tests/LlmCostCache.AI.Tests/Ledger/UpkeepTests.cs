using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>Copies, repairs and compaction.</summary>
[Trait("Pace", "Machine")]
public class UpkeepTests
{
    [Theory]
    [InlineData("UPDATE budget_window SET posted_nanos = 0, pending_nanos = 3")]
    [InlineData("UPDATE rollup_slot SET booked_nanos = booked_nanos - 1; UPDATE dimension SET user = 'mallory'")]
    [InlineData("DELETE FROM rollup_slot; DELETE FROM dimension")]
    [InlineData("UPDATE dimension SET digest = zeroblob(32) WHERE whole = 0")]
    [InlineData("DELETE FROM reservation")]
    public async Task A_repair_computes_anew_what_is_kept_beside_the_rows(string damage)
    {
        await using var home = await EvidenceTests.FilledAsync();
        var hash = home.Scalar("SELECT SUM(seq * length(hash)) + SUM(booked_nanos) FROM entry");
        home.Execute(damage);

        var repair = LedgerRepair.Run(home.File, home.Clock, CancellationToken.None);

        Assert.NotEqual(0, repair.Repaired);
        Assert.Empty(repair.After.Problems);
        Assert.True((await home.Open().VerifyAsync()).IsIntact);
        Assert.Equal(hash, home.Scalar("SELECT SUM(seq * length(hash)) + SUM(booked_nanos) FROM entry"));
        Assert.True(File.Exists(repair.Backup));
    }

    [Fact]
    public async Task A_repair_leaves_changed_rows_as_they_are_and_says_so()
    {
        await using var home = await EvidenceTests.FilledAsync();
        home.Execute("UPDATE entry SET booked_nanos = 1 WHERE seq = 4; UPDATE rollup_slot SET calls = 1");

        var repair = LedgerRepair.Run(home.File, home.Clock, CancellationToken.None);

        Assert.Equal(4, repair.After.FirstBadSequence);
        Assert.Equal("Row 4 ('d') was changed after it was written.", Assert.Single(repair.After.Problems));
        Assert.Equal(1, home.Scalar("SELECT booked_nanos FROM entry WHERE seq = 4"));
    }

    [Fact]
    public async Task A_sound_ledger_is_not_touched_by_a_repair()
    {
        await using var home = await EvidenceTests.FilledAsync();

        var repair = LedgerRepair.Run(home.File, home.Clock, CancellationToken.None);

        Assert.Null(repair.Backup);
        Assert.Empty(Directory.GetFiles(home.Path, "*.bak"));
    }

    [Theory]
    [InlineData("UPDATE rollup_slot SET calls = 0; UPDATE dimension SET user = 'x'")]
    [InlineData("UPDATE dimension SET digest = CAST(id AS BLOB)")]
    public async Task Writers_go_on_after_a_repair_with_the_names_they_remember(string damage)
    {
        await using var home = await EvidenceTests.FilledAsync();
        var store = home.Open();
        await store.AppendAsync(home.Row("g", 5));
        home.Execute(damage);
        LedgerRepair.Run(home.File, home.Clock, CancellationToken.None);

        await store.AppendAsync(home.Row("h", 5));

        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_repair_beside_a_writer_finds_nothing_wrong_with_a_sound_ledger()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        using var done = new CancellationTokenSource();
        var budget = Budget.Daily(1m);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                await store.ReserveAsync(home.Request($"{i}", home.Hold(budget, 1)));
                await store.AppendAsync(home.Row($"{i}", 1));
            }
        });
        for (var round = 0; round < 20; round++)
        {
            var repair = LedgerRepair.Run(home.File, home.Clock, CancellationToken.None);

            Assert.True(repair.Before.IsIntact && repair.After.IsIntact, string.Join(' ', repair.Before.Problems));
        }

        await done.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task Writers_wait_for_upkeep_longer_than_for_each_other()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 1));
        using var upkeep = home.Connect();
        var turn = UpkeepTurn.Take(home.File);
        SqliteFile.Execute(upkeep, "BEGIN IMMEDIATE");

        var written = store.AppendAsync(home.Row("b", 1)).AsTask();
        await Task.WhenAny(written, Task.Delay(TimeSpan.FromSeconds(6)));
        Assert.False(written.IsCompleted);
        SqliteFile.Execute(upkeep, "COMMIT");
        turn.Dispose();

        Assert.True(await written);
        Assert.Empty(Directory.GetFiles(home.Path, "*.upkeep*"));
    }

    [Fact]
    public async Task A_backup_taken_while_rows_are_written_is_a_sound_beginning_of_the_ledger()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        using var done = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                await store.AppendAsync(home.Row($"{worker}-{i}", 1));
            }
        })));
        for (var copy = 0; copy < 5; copy++)
        {
            var backup = LedgerBackup.Take(home.File, Path.Combine(home.Path, $"copy-{copy}.db"), CancellationToken.None);

            Assert.True(backup.Check.IsIntact, string.Join(' ', backup.Check.Problems));
            Assert.Equal(backup.Check.Rows, Scalar(backup.File, "SELECT COALESCE(SUM(booked_nanos), 0) FROM rollup_slot JOIN dimension ON dimension.id = rollup_slot.dimension WHERE whole = 1"));
        }

        await done.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task A_backup_that_is_put_in_the_place_of_the_ledger_is_one()
    {
        await using var home = await EvidenceTests.FilledAsync();
        await using var other = new LedgerHome();
        Directory.CreateDirectory(other.Path);

        LedgerBackup.Take(home.File, other.File, CancellationToken.None);
        var store = other.Open();
        await store.AppendAsync(other.Row("later", 1));

        Assert.True((await store.VerifyAsync()).IsIntact);
        Assert.Equal(1, other.Scalar("SELECT journal_mode = 'wal' FROM pragma_journal_mode"));
    }

    [Fact]
    public async Task A_backup_never_replaces_a_file()
    {
        await using var home = await EvidenceTests.FilledAsync();
        var target = Path.Combine(home.Path, "copy.db");
        await File.WriteAllTextAsync(target, "mine");

        Assert.Throws<StoreUnavailableException>(() => LedgerBackup.Take(home.File, target, CancellationToken.None));

        Assert.Equal("mine", await File.ReadAllTextAsync(target));
    }

    [Fact]
    public async Task A_backup_that_cannot_be_finished_leaves_no_file()
    {
        await using var home = await EvidenceTests.FilledAsync();
        using var cancelled = new CancellationTokenSource();
        var missing = Path.Combine(home.Path, "no-such-directory", "copy.db");

        Assert.Throws<StoreUnavailableException>(() => LedgerBackup.Take(home.File, missing, cancelled.Token));

        Assert.Empty(Directory.GetFiles(home.Path, "copy*"));
    }

    [Fact]
    public async Task Compaction_makes_the_file_smaller_and_changes_no_row()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            for (var i = 0; i < 300; i++)
            {
                await store.AppendAsync(home.Row($"row-{i}", 1) with { FinishReason = new string('x', 1_000) });
            }
        }

        home.Execute("CREATE TABLE ballast AS SELECT * FROM entry; DROP TABLE ballast");
        var head = (await home.Open().VerifyAsync()).Head;

        var done = LedgerCompaction.Run(home.File, home.Clock);

        Assert.True(done.BytesAfter < done.BytesBefore);
        Assert.Equal(head, (await home.Open().VerifyAsync()).Head);
    }

    [Fact]
    public async Task Compaction_is_refused_when_the_disk_has_no_room_for_it()
    {
        await using var home = await EvidenceTests.FilledAsync();

        var refused = Assert.Throws<StoreUnavailableException>(() => LedgerCompaction.Run(home.File, home.Clock, _ => 1_000));

        Assert.Contains("1,000 are free", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compaction_that_is_called_off_leaves_the_ledger_as_it_was()
    {
        await using var home = await EvidenceTests.FilledAsync();
        home.Execute("CREATE TABLE ballast AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, randomblob(1000) AS b FROM n");
        var head = (await home.Open().VerifyAsync()).Head;
        using var before = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => LedgerCompaction.Run(home.File, home.Clock, _ => { before.Cancel(); return long.MaxValue; }, before.Token));
        Assert.Contains(Enumerable.Range(0, 50), attempt => WasStoppedAmid(home, afterMs: 4 + (2 * attempt)));

        Assert.Equal(head, (await home.Open().VerifyAsync()).Head);
    }

    // A machine may stop it too late, or before SQLite has begun: how long it takes to begin is tried out.
    private static bool WasStoppedAmid(LedgerHome home, int afterMs)
    {
        using var amid = new CancellationTokenSource();
        try
        {
            LedgerCompaction.Run(home.File, home.Clock, _ => { amid.CancelAfter(afterMs); return long.MaxValue; }, amid.Token);
            return false;
        }
        catch (OperationCanceledException error)
        {
            return error.InnerException is Microsoft.Data.Sqlite.SqliteException;
        }
    }

    [Fact]
    public async Task Statistics_count_rows_holds_budgets_and_what_waits()
    {
        await using var home = await EvidenceTests.FilledAsync();
        await File.WriteAllTextAsync(Path.Combine(home.Path, "spool.jsonl"), "{}\n{}\n");

        var stats = LedgerStatistics.Read(home.File, home.Clock);

        Assert.Equal((6, 0, 1, 1, 2), (stats.Rows, stats.Adjustments, stats.Budgets, stats.Holds, stats.Spooled));
        Assert.Equal(Money.FromNanos(7), stats.Held);
        Assert.Equal(6, stats.RowsLately);
        Assert.Contains(stats.Tables, table => table is { Name: "entry", Rows: 6 });
    }

    private static long Scalar(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
