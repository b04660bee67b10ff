using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI.Tests;

/// <summary>What a batch gathers and remembers: it is right beside other processes, and gone with what was undone.</summary>
public class BatchTests
{
    private static readonly Budget s_daily = Budget.Daily(0.000001m);

    [Fact]
    public async Task A_batch_counts_what_its_own_calls_hold_before_it_is_written()
    {
        await using var home = new LedgerHome();
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin(careful: false);

        Assert.True(book.Reserve(home.Request("a", home.Hold(s_daily, 600))).Accepted);
        Assert.False(book.Reserve(home.Request("b", home.Hold(s_daily, 600))).Accepted);
        Assert.True(book.Append(home.Row("a", 100), repeated: false));
        var outcome = book.Reserve(home.Request("c", home.Hold(s_daily, 600)));
        book.Commit();

        Assert.True(outcome.Accepted);
        Assert.Equal((100, 0), (outcome.Balances[0].Spent.Nanos, outcome.Balances[0].Reserved.Nanos));
        Assert.Equal(100_600, home.Scalar("SELECT posted_nanos * 1000 + pending_nanos FROM budget_window"));
        Assert.True((await home.Open().VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task What_another_process_held_and_spent_is_seen_by_the_next_batch()
    {
        await using var home = new LedgerHome();
        var (one, other) = (home.Open(), home.Open());
        for (var i = 0; i < 5; i++)
        {
            Assert.True((await one.ReserveAsync(home.Request($"one {i}", home.Hold(s_daily, 100)))).Accepted);
            Assert.True(await one.AppendAsync(home.Row($"one {i}", 50)));
            var balance = (await other.ReserveAsync(home.Request($"other {i}", home.Hold(s_daily, 100)))).Balances[0];
            Assert.Equal(((i * 150) + 50, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
            Assert.True(await other.AppendAsync(home.Row($"other {i}", 100)));
        }

        Assert.False((await one.ReserveAsync(home.Request("too much", home.Hold(s_daily, 251)))).Accepted);
        Assert.True((await one.ReserveAsync(home.Request("fits", home.Hold(s_daily, 250)))).Accepted);
        Assert.True((await one.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task What_another_process_ended_is_not_settled_from_memory()
    {
        await using var home = new LedgerHome();
        var (one, other) = (home.Open(), home.Open());
        foreach (var id in (string[])["voided", "posted", "expired"])
        {
            await one.ReserveAsync(home.Request(id, home.Hold(s_daily, 100)));
        }

        await other.VoidAsync("voided");
        Assert.True(await other.AppendAsync(home.Row("posted", 10)));
        home.Clock.Advance(TimeSpan.FromMinutes(10));
        await other.ReserveAsync(home.Request("next", home.Hold(s_daily, 1)));

        Assert.True(await one.AppendAsync(home.Row("voided", 20)));
        Assert.False(await one.AppendAsync(home.Row("posted", 10)));
        Assert.True(await one.AppendAsync(home.Row("expired", 30)));
        Assert.Equal(60_001, home.Scalar("SELECT posted_nanos * 1000 + pending_nanos FROM budget_window"));
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM reservation WHERE state = 'pending'"));
        Assert.True((await one.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task An_id_that_was_undone_here_and_taken_elsewhere_is_settled_for_what_it_holds_there()
    {
        await using var home = new LedgerHome();
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin(careful: false);
        Assert.True(book.Reserve(home.Request("a", home.Hold(s_daily, 900))).Accepted);
        book.Rollback();
        var other = home.Open();
        Assert.True((await other.ReserveAsync(home.Request("a", home.Hold(s_daily, 200)))).Accepted);

        book.Begin(careful: false);
        Assert.True(book.Append(home.Row("a", 150), repeated: false));
        book.Commit();

        Assert.Equal(150_000, home.Scalar("SELECT posted_nanos * 1000 + pending_nanos FROM budget_window"));
        Assert.True((await other.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_batch_that_was_undone_leaves_nothing_behind_in_memory()
    {
        await using var home = new LedgerHome();
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin(careful: false);
        book.Reserve(home.Request("kept", home.Hold(s_daily, 100)));
        book.Commit();
        book.Begin(careful: false);
        book.Append(home.Row("kept", 70), repeated: false);
        book.Reserve(home.Request("undone", home.Hold(s_daily, 800)));
        book.Rollback();

        book.Begin(careful: false);
        var balance = book.Reserve(home.Request("next", home.Hold(s_daily, 900))).Balances[0];
        Assert.True(book.Append(home.Row("kept", 70), repeated: false));
        book.Commit();

        Assert.Equal((0, 100), (balance.Spent.Nanos, balance.Reserved.Nanos));
        Assert.Equal(70_900, home.Scalar("SELECT posted_nanos * 1000 + pending_nanos FROM budget_window"));
        Assert.True((await home.Open().VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task An_operation_that_fails_alone_takes_nothing_of_its_neighbours_along()
    {
        await using var home = new LedgerHome();
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin(careful: true);
        book.Attempt(each => each.Reserve(home.Request("a", home.Hold(s_daily, 100))));
        Assert.Throws<InvalidOperationException>(() => book.Attempt<bool>(each =>
        {
            each.Reserve(home.Request("b", home.Hold(s_daily, 300)));
            each.Append(home.Row("a", 50), repeated: false);
            throw new InvalidOperationException("half-way");
        }));
        var balance = book.Attempt(each => each.Reserve(home.Request("c", home.Hold(s_daily, 900)))).Balances[0];
        book.Commit();

        Assert.Equal((0, 100), (balance.Spent.Nanos, balance.Reserved.Nanos));
        Assert.Equal(1_000, home.Scalar("SELECT pending_nanos FROM budget_window"));
        Assert.Equal(0, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.True((await home.Open().VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_row_counts_in_each_of_two_windows_that_overlap_because_the_zone_was_changed()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var early = home.Hold(s_daily, 1);
        var shifted = early with { Window = early.Window with { StartsAt = early.Window.StartsAt.AddMinutes(307), EndsAt = early.Window.EndsAt.AddMinutes(307) } };
        await store.ReserveAsync(home.Request("a", early));
        await store.ReserveAsync(home.Request("b", shifted));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => store.AppendAsync(home.Row($"row {i}", 10)).AsTask()));
        await store.AppendAsync(home.Row("before the second", 7, at: early.Window.StartsAt.AddMinutes(305)));

        Assert.Equal(87, home.Scalar("SELECT MAX(posted_nanos) FROM budget_window"));
        Assert.Equal(80, home.Scalar("SELECT MIN(posted_nanos) FROM budget_window"));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_crowd_that_is_told_elsewhere_is_told_everything()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(async () => (await store.ReserveAsync(home.Request($"{i}", home.Hold(s_daily, 10)))).Accepted)));

        Assert.Equal(100, outcomes.Count(accepted => accepted));
        Assert.Equal(1_000, home.Scalar("SELECT pending_nanos FROM budget_window"));
    }

    [Fact]
    public async Task A_reservation_that_was_posted_leaves_no_row_and_its_id_stays_taken()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 100)));
        await store.AppendAsync(home.Row("a", 40));

        Assert.Equal(0, home.Scalar("SELECT COUNT(*) FROM reservation"));
        await Assert.ThrowsAsync<LlmCostException>(async () => await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 1))));
        await store.VoidAsync("a");
        Assert.Equal(40, home.Scalar("SELECT posted_nanos FROM budget_window"));
    }

    [Fact]
    public async Task What_was_gathered_is_forgotten_even_when_SQLite_cannot_undo_the_transaction_now()
    {
        await using var home = new LedgerHome();
        using (var connection = LedgerFile.OpenForWriting(home.File, home.Clock))
        using (var book = new LedgerBook(connection, home.Clock))
        {
            book.Begin(careful: false);
            Assert.True(book.Append(home.Row("undone", 7), repeated: false));
            raw.sqlite3_set_authorizer(connection.Handle!, static (object _, int action, string what, string _, string _, string _) => action == raw.SQLITE_TRANSACTION && what == "ROLLBACK" ? raw.SQLITE_DENY : raw.SQLITE_OK, null);
            Assert.Throws<SqliteException>(book.Rollback);
            raw.sqlite3_set_authorizer(connection.Handle!, (strdelegate_authorizer?)null, null);
            SqliteFile.Execute(connection, "ROLLBACK");

            book.Begin(careful: false);
            Assert.True(book.Append(home.Row("written", 5), repeated: false));
            book.Commit();
        }

        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }
}
