using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>A ledger of the first schema, with the rows and hashes that its version wrote, opened by this one.</summary>
public class MigrationTests
{
    private static readonly string s_rows = File.ReadAllText(Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.Tests", "Ledger", "Fixtures", "schema-1.sql"));

    private static readonly TokenUsage s_new = new()
    {
        CachedImageTokens = 1,
        InputVideoTokens = 2,
        OutputVideoTokens = 3,
        CitationTokens = 4,
        Images = 5,
        VideoMilliseconds = 6,
        ComputeMilliseconds = 7,
        StorageByteHours = 8,
    };

    [Fact]
    public async Task A_ledger_of_the_first_schema_is_brought_up_to_date_and_its_hashes_still_hold()
    {
        await using var home = OfTheFirstSchema();

        var found = await home.Open().VerifyAsync();

        Assert.Empty(found.Problems);
        Assert.Equal(6, found.Rows);
        Assert.Equal(LedgerFile.Steps.Count, home.Scalar("PRAGMA user_version"));
    }

    [Fact]
    public async Task What_it_held_reads_as_before_with_nothing_in_the_new_columns()
    {
        await using var home = OfTheFirstSchema();
        var store = home.Open();

        var total = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));

        Assert.Equal((5, 1, 58, 30), (total.Calls, total.Unpriced, total.Spent.Nanos, total.Saved.Nanos));
        Assert.Equal((22, 26, 30), (total.Usage.UncachedInputTokens, total.Usage.WebSearches, total.Usage.Characters));
        Assert.Equal(0, home.Scalar("SELECT SUM(images + storage_byte_hours + citation_tokens) + COUNT(region) FROM entry"));
        Assert.Equal(Money.FromNanos(58), (await store.ReadBalancesAsync())[0].Spent);
    }

    [Fact]
    public async Task A_copy_of_the_older_ledger_stays_beside_it()
    {
        await using var home = OfTheFirstSchema();
        await home.Open().VerifyAsync();

        var copy = Assert.Single(Directory.GetFiles(home.Path, "ledger.db.schema-1.*.bak"));

        using var connection = new SqliteConnection($"Data Source={copy};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (SELECT user_version FROM pragma_user_version) * 1000 + COUNT(*) FROM entry";
        Assert.Equal(1006L, command.ExecuteScalar());
    }

    [Fact]
    public async Task A_copy_that_could_not_be_finished_is_not_called_a_backup()
    {
        await using var home = OfTheFirstSchema();
        var page = home.Scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'");
        var size = home.Scalar("PRAGMA page_size");
        home.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        using (var file = File.OpenHandle(Path.Combine(home.Path, LedgerFile.Name), FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, new byte[size], (page - 1) * size);
        }

        Assert.Throws<StoreUnavailableException>(() => home.Open());

        Assert.Empty(Directory.GetFiles(home.Path, "*.bak*"));
    }

    [Fact]
    public async Task Copies_of_migrations_that_were_interrupted_are_cleared_away()
    {
        await using var home = OfTheFirstSchema();
        foreach (var left in (string[])["ledger.db.schema-1.20260101000000.a.bak", "ledger.db.schema-1.20260101000000.b.bak.new"])
        {
            await File.WriteAllTextAsync(Path.Combine(home.Path, left), "half");
        }

        await home.Open().VerifyAsync();

        var copy = Assert.Single(Directory.GetFiles(home.Path, "*.bak*"));
        Assert.True(new FileInfo(copy).Length > 4);
    }

    [Fact]
    public async Task A_process_that_meets_a_migration_waits_for_its_end_and_says_so()
    {
        await using var home = OfTheFirstSchema();
        var turn = SqliteFile.TakeTurn(home.File);
        var said = new List<string>();

        // The one that does it ends when the other has said that it waits.
        using (LedgerFile.OpenForWriting(home.File, home.Clock, progress: message =>
        {
            said.Add(message);
            turn.Dispose();
        }))
        {
        }

        Assert.StartsWith($"Another process brings '{home.File}' up to date; waiting for its end, ", said[0], StringComparison.Ordinal);
        Assert.Equal($"'{home.File}' is up to date.", said[^1]);
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_process_that_waits_for_a_migration_in_vain_is_told_what_to_do()
    {
        await using var home = OfTheFirstSchema();
        using var turn = SqliteFile.TakeTurn(home.File);
        using var connection = home.Connect();

        var error = Assert.Throws<StoreUnavailableException>(() => new LedgerMigration(home.File, home.Clock, LedgerFile.Steps) { Patience = TimeSpan.Zero }.Run(connection));

        Assert.Contains("by another process for more than 0 minutes now. Nothing is lost; wait for its end", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, home.Scalar("PRAGMA user_version"));
    }

    /// <summary>Writers of other processes wait for upkeep for a minute, and not for five seconds as for one another.</summary>
    [Fact]
    public async Task Whoever_writes_meanwhile_waits_as_for_upkeep()
    {
        await using var home = OfTheFirstSchema();
        var taken = new List<(string Said, bool IsTaken)>();

        using (LedgerFile.OpenForWriting(home.File, home.Clock, progress: message => taken.Add((message, UpkeepTurn.IsTaken(home.File)))))
        {
        }

        Assert.Equal([false, true, true], taken.Select(said => said.IsTaken));
        Assert.Contains("its sums are added up", taken[1].Said, StringComparison.Ordinal);
        Assert.False(UpkeepTurn.IsTaken(home.File));
    }

    [Fact]
    public async Task Reports_read_an_older_ledger_and_leave_it_as_it_is()
    {
        await using var home = OfTheFirstSchema();

        using (var reader = LedgerReader.Open(home.File, home.Clock))
        {
            Assert.Equal(58, Assert.Single(reader.Totals(null, null, LedgerFilter.All, CancellationToken.None)).Spent.Nanos);
            Assert.True(reader.Verify(null, CancellationToken.None).IsIntact);
        }

        Assert.Equal(1, home.Scalar("PRAGMA user_version"));
        Assert.Empty(Directory.GetFiles(home.Path, "*.bak*"));
    }

    /// <summary>What had a name would stay when the reader is killed.</summary>
    [Fact]
    public async Task What_a_reader_makes_of_an_older_ledger_never_has_a_name()
    {
        await using var home = OfTheFirstSchema();
        using var connection = LedgerFile.OpenForReading(home.File);

        Assert.Equal(LedgerFile.Steps.Count, SqliteFile.Scalar(connection, "PRAGMA user_version"));
        Assert.Equal(6, SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM entry"));
        Assert.Empty(connection.DataSource);
    }

    [Fact]
    public async Task A_backup_of_an_older_ledger_is_of_its_schema()
    {
        await using var home = OfTheFirstSchema();
        var target = Path.Combine(home.Path, "copy.db");

        Assert.True(LedgerBackup.Take(home.File, target, CancellationToken.None).Check.IsIntact);

        using var connection = new SqliteConnection($"Data Source={target};Mode=ReadOnly;Pooling=False");
        connection.Open();
        Assert.Equal(1, SqliteFile.Scalar(connection, "PRAGMA user_version"));
    }

    [Fact]
    public async Task A_reservation_from_before_expires_and_is_booked()
    {
        await using var home = OfTheFirstSchema();
        var store = home.Open();
        home.Clock.Advance(TimeSpan.FromMinutes(11));
        await store.ReserveAsync(home.Request("g"));

        var total = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));

        Assert.Equal(58 + 500, total.Spent.Nanos);
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_reservation_from_before_is_settled_for_what_it_held()
    {
        await using var home = OfTheFirstSchema();
        var store = home.Open();

        Assert.Equal(500, home.Scalar("SELECT amount_nanos FROM hold WHERE reservation_id = 'f' AND budget_id = 'all|day|' AND starts_at = 1787356800000000"));
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM reservation"));
        Assert.True(await store.AppendAsync(home.Row("f", 42)));

        Assert.Equal(100_000, home.Scalar("SELECT posted_nanos * 1000 + pending_nanos FROM budget_window WHERE budget_id = 'all|day|'"));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Theory]
    [InlineData("UPDATE entry SET images = 1 WHERE seq = 3", 3)]
    [InlineData("UPDATE entry SET storage_byte_hours = -1 WHERE seq = 5", 5)]
    [InlineData("UPDATE entry SET region = 'us' WHERE seq = 1", 1)]
    [InlineData("UPDATE entry SET region = '' WHERE seq = 1", 1)]
    [InlineData("UPDATE entry SET cost_nanos = 1 WHERE seq = 3", 3)]
    public async Task A_new_column_that_is_filled_in_an_old_row_is_noticed(string attack, long firstBad)
    {
        await using var home = OfTheFirstSchema();
        await home.Open().DisposeAsync();

        home.Execute(attack);

        Assert.Equal(firstBad, (await home.Open().VerifyAsync()).FirstBadSequence);
    }

    [Theory]
    [InlineData("UPDATE entry SET images = 0 WHERE seq = 7")]
    [InlineData("UPDATE entry SET images = 6 WHERE seq = 7")]
    [InlineData("UPDATE entry SET images = video_milliseconds, video_milliseconds = images WHERE seq = 7")]
    [InlineData("UPDATE entry SET storage_byte_hours = 0, region = '8' WHERE seq = 7")]
    [InlineData("UPDATE entry SET region = NULL WHERE seq = 7")]
    public async Task A_new_column_that_is_emptied_changed_or_exchanged_is_noticed(string attack)
    {
        await using var home = OfTheFirstSchema();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("g", 1) with { Cost = CallCost.Known(Money.FromNanos(1)) with { Usage = s_new }, Region = "us" });
            Assert.True((await store.VerifyAsync()).IsIntact);
        }

        home.Execute(attack);

        Assert.Equal(7, (await home.Open().VerifyAsync()).FirstBadSequence);
    }

    [Fact]
    public async Task A_value_cannot_pass_from_one_new_column_to_another_that_was_empty()
    {
        await using var home = OfTheFirstSchema();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("g", 1) with { Cost = CallCost.Known(Money.FromNanos(1)) with { Usage = new() { Images = 5 } } });
        }

        home.Execute("UPDATE entry SET images = 0, video_milliseconds = 5 WHERE seq = 7");

        Assert.Equal(7, (await home.Open().VerifyAsync()).FirstBadSequence);
    }

    [Fact]
    public async Task A_sum_of_a_new_unit_that_is_not_that_of_its_rows_is_noticed()
    {
        await using var home = OfTheFirstSchema();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("g", 1) with { Cost = CallCost.Known(Money.FromNanos(1)) with { Usage = s_new } });
        }

        home.Execute("UPDATE rollup_slot SET images = images + 1");

        var found = await home.Open().VerifyAsync();
        Assert.Null(found.FirstBadSequence);
        Assert.NotEmpty(found.Problems);
    }

    internal static LedgerHome OfTheFirstSchema() => OfSchema(1);

    /// <summary>The ledger of the first schema, brought up to a later one as its version did.</summary>
    internal static LedgerHome OfSchema(int version)
    {
        var home = new LedgerHome();
        Directory.CreateDirectory(home.Path);
        using var connection = home.Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; PRAGMA application_id = 1280068931;" + LedgerFile.Steps[0] + s_rows
            + string.Concat(LedgerFile.Steps.Take(version).Skip(1)) + $"PRAGMA user_version = {version}; PRAGMA wal_checkpoint(TRUNCATE)";
        command.ExecuteNonQuery();
        return home;
    }

    [Fact]
    public async Task What_stopped_it_is_said_also_when_SQLite_has_undone_it_by_itself()
    {
        await using var home = OfTheFirstSchema();
        using var connection = SqliteFile.Open(home.File, Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite);

        // A disk that is full ends the transaction too.
        var error = Assert.Throws<Microsoft.Data.Sqlite.SqliteException>(() => new LedgerMigration(home.File, home.Clock, [.. LedgerFile.Steps, "ROLLBACK; SELECT * FROM nowhere"]).Run(connection));

        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
    }
}
