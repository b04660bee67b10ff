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

        home.Execute("UPDATE rollup SET images = images + 1");

        var found = await home.Open().VerifyAsync();
        Assert.Null(found.FirstBadSequence);
        Assert.NotEmpty(found.Problems);
    }

    private static LedgerHome OfTheFirstSchema()
    {
        var home = new LedgerHome();
        Directory.CreateDirectory(home.Path);
        using var connection = home.Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; PRAGMA application_id = 1280068931;" + LedgerFile.Steps[0] + s_rows
            + "PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)";
        command.ExecuteNonQuery();
        return home;
    }
}
