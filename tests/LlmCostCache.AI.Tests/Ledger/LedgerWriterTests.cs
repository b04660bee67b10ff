using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Tests;

public class LedgerWriterTests
{
    [Fact]
    public async Task Rows_written_in_the_background_are_there_after_a_flush()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        for (var i = 0; i < 2_500; i++)
        {
            store.AppendLater(home.Row($"{i}", 0));
        }

        await store.FlushAsync();

        Assert.Equal(2_500, (await store.VerifyAsync()).Rows);
        Assert.Equal(0, store.DroppedRecords);
    }

    [Fact]
    public async Task A_burst_of_hits_loses_no_row()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(caller => Task.Run(() =>
        {
            for (var i = 0; i < 4_000; i++)
            {
                store.AppendLater(home.Row($"{caller}-{i}", 0));
            }
        })));

        await store.FlushAsync();

        Assert.Equal(8_000, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Equal(0, store.DroppedRecords);
    }

    [Fact]
    public async Task A_second_burst_finds_room_because_nobody_rests_while_many_rows_wait()
    {
        await using var home = new LedgerHome();
        var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        await using var writer = new LedgerWriter(home.File, connection, home.Clock, NullLogger.Instance, neverSync: true, rest: Timeout.InfiniteTimeSpan);
        for (var burst = 0; burst < 3; burst++)
        {
            for (var i = 0; i < 8_000; i++)
            {
                writer.Later(home.Row($"{burst}-{i}", 0));
            }

            // Without a word to the writer: it has to see by itself that too many wait.
            while (writer.Waiting >= LedgerQueue.Crowd)
            {
                await Task.Delay(5);
            }
        }

        Assert.Equal(0, writer.Dropped);
    }

    [Fact]
    public async Task A_flush_an_awaited_row_and_closing_do_not_wait_for_the_rest()
    {
        await using var home = new LedgerHome();
        var connection = LedgerFile.OpenForWriting(home.File, home.Clock);

        // A writer whose rest never ends by itself: whoever waited for that would wait for ever.
        var writer = new LedgerWriter(home.File, connection, home.Clock, NullLogger.Instance, neverSync: true, rest: Timeout.InfiniteTimeSpan);
        writer.Later(home.Row("a", 0));
        await writer.RunAsync((_, _) => true, durable: true, reserves: false, default, flushes: true);
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry"));

        writer.Later(home.Row("b", 0));
        await writer.RunAsync((book, repeated) => book.Append(home.Row("c", 1), repeated), durable: true, reserves: false, default);
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry WHERE id = 'c'"));

        writer.Later(home.Row("d", 0));
        await writer.DisposeAsync();
        Assert.Equal(4, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Equal(0, writer.Dropped);
    }

    [Fact]
    public async Task Who_cannot_take_a_crossing_does_not_make_a_row_fail_that_was_written()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        store.Crossed = _ => throw new InvalidOperationException("nobody is at home");
        await store.ReserveAsync(home.Request("a", home.Hold(Budget.Daily(0.000001m).NotifyAt(0.5m), 900)));

        Assert.True(await store.AppendAsync(home.Row("a", 900)));
        Assert.False(await store.AppendAsync(home.Row("a", 900)));
    }

    [Fact]
    public async Task Who_cannot_take_how_many_rows_were_lost_does_not_end_the_writer()
    {
        await using var home = new LedgerHome();
        var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        await using var writer = new LedgerWriter(home.File, connection, home.Clock, NullLogger.Instance, neverSync: true)
        {
            RowsDropped = _ => throw new InvalidOperationException("nobody is at home"),
        };
        writer.Later(home.Row("never", 0) with { Status = (CallStatus)99 });
        await writer.RunAsync((_, _) => true, durable: true, reserves: false, default, flushes: true);

        Assert.Equal(1, writer.Dropped);
        Assert.True(await writer.RunAsync((book, repeated) => book.Append(home.Row("a", 1), repeated), durable: true, reserves: false, default));
    }

    [Fact]
    public async Task Closing_among_many_callers_writes_each_row_or_refuses_it()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var begun = 0;
        var writing = Enumerable.Range(0, 1_000).Select(i => Task.Run(async () =>
        {
            Interlocked.Increment(ref begun);
            try
            {
                return await store.AppendAsync(home.Row($"{i}", 1)) ? $"{i}" : null;
            }
            catch (StoreUnavailableException)
            {
                return null;
            }
        })).ToList();
        while (Volatile.Read(ref begun) < 100)
        {
            await Task.Delay(1);
        }

        await store.DisposeAsync();
        var acknowledged = (await Task.WhenAll(writing)).OfType<string>().Order(StringComparer.Ordinal).ToList();

        Assert.NotEmpty(acknowledged);
        var again = home.Open();
        Assert.Equal(acknowledged, (await again.ReadAsync(LedgerFilter.All).ToListAsync()).Select(row => row.Id).Order(StringComparer.Ordinal));
        Assert.True((await again.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task Closing_writes_what_is_waiting_and_leaves_one_file()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            for (var i = 0; i < 3_000; i++)
            {
                store.AppendLater(home.Row($"{i}", 0));
            }
        }

        Assert.Equal(3_000, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Equal(["ledger.db"], Directory.GetFiles(home.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_closed_ledger_says_so()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.DisposeAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync(home.Row("a", 1)));
    }

    [Fact]
    public async Task When_too_many_rows_wait_the_oldest_are_dropped_and_counted()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        using (var other = home.Connect())
        {
            using var lockIt = other.CreateCommand();
            lockIt.CommandText = "BEGIN IMMEDIATE";
            lockIt.ExecuteNonQuery();
            for (var i = 0; i < 12_000; i++)
            {
                store.AppendLater(home.Row($"{i}", 0));
            }
        }

        await store.FlushAsync();

        var rows = (await store.VerifyAsync()).Rows;
        Assert.InRange(rows, 10_000, 11_000);
        Assert.Equal(12_000, rows + store.DroppedRecords);
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry WHERE id = '11999'"));
    }

    [Fact]
    public async Task A_file_that_stays_locked_is_reported_and_used_again_when_it_is_free()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        using (var other = home.Connect())
        {
            using var lockIt = other.CreateCommand();
            lockIt.CommandText = "BEGIN IMMEDIATE";
            lockIt.ExecuteNonQuery();

            var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync(home.Row("a", 1)));

            Assert.Contains("locked", error.Message, StringComparison.Ordinal);
            Assert.Equal(home.File, error.Store);
        }

        Assert.True(await store.AppendAsync(home.Row("a", 1)));
    }

    [Fact]
    public async Task A_full_disk_is_reported_loses_nothing_acknowledged_and_is_used_again_when_there_is_room()
    {
        await using var home = new LedgerHome();
        var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        SqliteFile.Execute(connection, "PRAGMA max_page_count = 60");
        var acknowledged = 0L;
        await using (var writer = new LedgerWriter(home.File, connection, home.Clock, NullLogger.Instance, neverSync: false))
        {
            async Task AppendAsync() => await writer.RunAsync((book, repeated) => book.Append(home.Row($"{acknowledged}", 1), repeated), durable: true, reserves: false, default);
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
            {
                for (; acknowledged < 10_000; acknowledged++)
                {
                    await AppendAsync();
                }
            });
            Assert.Contains("full", error.Message, StringComparison.Ordinal);
            Assert.Equal(acknowledged, home.Scalar("SELECT COUNT(*) FROM entry"));

            SqliteFile.Execute(connection, "PRAGMA max_page_count = 100000");
            await AppendAsync();
        }

        Assert.InRange(acknowledged, 10, 9_999);
        Assert.Equal(acknowledged + 1, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_file_that_was_removed_is_reported_and_not_replaced_by_an_empty_one()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 1));
        File.Delete(home.File);

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync(home.Row("b", 1)));

        Assert.Contains("removed", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(home.File));
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_and_not_the_write()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        using var source = new CancellationTokenSource();
        Task<bool> appending;
        using (var other = home.Connect())
        {
            using var lockIt = other.CreateCommand();
            lockIt.CommandText = "BEGIN IMMEDIATE";
            lockIt.ExecuteNonQuery();
            appending = store.AppendAsync(home.Row("a", 1), source.Token).AsTask();
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => appending);
        }

        await store.FlushAsync();

        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry"));
    }

    [Fact]
    public async Task One_id_written_from_many_sides_at_once_is_one_row()
    {
        await using var home = new LedgerHome();
        var (one, other) = (home.Open(), home.Open());

        var written = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => (i % 2 == 0 ? one : other).AppendAsync(home.Row("a", 5)).AsTask()));

        Assert.Single(written, first => first);
        Assert.Equal(5, Assert.Single(await one.TotalsAsync(null, null, LedgerFilter.All)).Spent.Nanos);
    }

    [Fact]
    public async Task A_repeated_operation_whose_row_is_there_already_has_succeeded()
    {
        await using var home = new LedgerHome();
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin();
        book.Append(home.Row("a", 5), repeated: false);
        book.Commit();

        book.Begin();
        Assert.True(book.Append(home.Row("a", 5), repeated: true));
        Assert.False(book.Append(home.Row("a", 5), repeated: false));
        book.Commit();

        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry"));
    }

    [Fact]
    public async Task An_older_schema_is_brought_up_to_date_once_and_kept_as_a_copy()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("a", 5));
        }

        string[] steps = [.. LedgerFile.Steps, "ALTER TABLE meta ADD COLUMN note TEXT;"];
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            using var connection = SqliteFile.Open(home.File, Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite);
            new LedgerMigration(home.File, home.Clock, steps).Run(connection);
        })));

        Assert.Equal(steps.Length, home.Scalar("PRAGMA user_version"));
        Assert.Equal(5, home.Scalar("SELECT SUM(booked_nanos) FROM entry"));
        Assert.NotEmpty(Directory.GetFiles(home.Path, $"ledger.db.schema-{LedgerFile.Steps.Count}.*.bak"));
        Assert.All(Directory.GetFiles(home.Path, "*.bak"), copy => Assert.True(new FileInfo(copy).Length > 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public async Task A_row_without_a_sound_id_is_refused_at_the_door(string id)
    {
        await using var home = new LedgerHome();
        var store = home.Open();

        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(home.Row(id, 1)));
    }

    [Fact]
    public async Task A_negative_count_or_cost_is_refused_at_the_door()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var row = home.Row("a", 1);

        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(row with { Cost = CallCost.Known(Money.FromNanos(-1)) }));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(row with { Cost = row.Cost with { Usage = new TokenUsage { OutputTokens = -1 } } }));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(row with { Cost = new CallCost { Certainty = CostCertainty.Known } }));
    }
}
