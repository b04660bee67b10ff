using CsCheck;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>A budget that begins to be counted adds up the rows of its window before it takes the write lock, and behind it only those that came since.</summary>
public class SeedsAheadTests
{
    private static readonly Budget s_total = Budget.Total(1m).ForModel("gpt-4o-mini");

    [Fact]
    public async Task Its_rows_are_read_while_another_process_writes()
    {
        await using var home = await ArchiveTests.FilledAsync();
        await using var store = home.Open();
        using var writer = SqliteFile.Open(home.File, SqliteOpenMode.ReadWrite);
        SqliteFile.Execute(writer, "BEGIN IMMEDIATE");
        using var reader = new LedgerReader(home.File, home.Clock, LedgerCalendar.Utc);
        var ahead = new SeedsAhead(reader.AtOnce);

        var earlier = Assert.Single(await ahead.ReadAsync([home.Hold(s_total, 1).Window], CancellationToken.None));

        Assert.Equal((8, 36), (earlier.Through, Assert.Single(earlier.Sums).Count));
    }

    [Fact]
    public async Task Under_the_lock_only_rows_behind_the_last_one_that_was_read_are_read()
    {
        await using var home = await ArchiveTests.FilledAsync();
        var window = home.Hold(s_total, 1).Window;
        EarlierSums earlier;
        using (var reader = new LedgerReader(home.File, home.Clock, LedgerCalendar.Utc))
        {
            earlier = Assert.Single(await new SeedsAhead(reader.AtOnce).ReadAsync([window], CancellationToken.None));
        }

        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("behind", 100));
            await store.AdjustAsync("a", CallCost.Known(Money.FromNanos(11)), "invoice");
        }

        // What is changed without a row is not seen again: it was read before.
        home.Execute("UPDATE entry SET booked_nanos = booked_nanos + 1000 WHERE seq = 2");
        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        book.Begin();
        book.Open(window, [earlier]);
        book.Commit();

        Assert.Equal(36 + 100 + 10, home.Scalar("SELECT posted_nanos FROM budget_window"));
    }

    [Fact]
    public async Task A_window_is_read_once_and_never_again_when_it_is_open()
    {
        await using var home = await ArchiveTests.FilledAsync();
        using var reader = new LedgerReader(home.File, home.Clock, LedgerCalendar.Utc);
        var reads = 0;
        var ahead = new SeedsAhead(read =>
        {
            Interlocked.Increment(ref reads);
            return reader.AtOnce(read);
        });
        var hold = home.Hold(s_total, 1);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ahead.ReadAsync([hold.Window], CancellationToken.None).AsTask()));
        Assert.True(ahead.Wants([hold]));
        ahead.Opened([hold.Window]);

        Assert.False(ahead.Wants([hold]));
        Assert.Empty(await ahead.ReadAsync([hold.Window], CancellationToken.None));
        Assert.Equal(1, reads);
    }

    [Fact]
    public async Task What_the_quarter_hours_or_an_index_answer_is_not_read_ahead()
    {
        await using var home = new LedgerHome();
        var ahead = new SeedsAhead(_ => throw new InvalidOperationException());
        foreach (var budget in (Budget[])[Budget.Total(1m), Budget.Daily(1m).ForUser("alice"), Budget.Total(1m).ForSession("s"), Budget.PerMinute(BudgetAmount.FromUsd(1m)).ForModel("m"), Budget.Hourly(1m).ForModel("m")])
        {
            Assert.False(ahead.Wants([home.Hold(budget, 1)]), budget.Name);
        }
    }

    [Fact]
    public async Task Many_callers_of_a_new_budget_find_all_that_was_spent()
    {
        await using var home = await ArchiveTests.FilledAsync();
        var (store, other) = (home.Open(), home.Open());

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            var at = i % 2 == 0 ? store : other;
            await at.AppendAsync(home.Row($"beside-{i}", 1));
            return await at.ReserveAsync(home.Request($"held-{i}", home.Hold(s_total, 10), home.Hold(Budget.Rolling(1m, TimeSpan.FromDays(200)).ForModel("gpt-4o-mini"), 10)));
        })));

        Assert.All(outcomes, outcome => Assert.True(outcome.Accepted));
        Assert.All(await store.ReadBalancesAsync(), balance => Assert.Equal((36 + 40, 400), (balance.Spent.Count, balance.Reserved.Count)));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    /// <summary>Rows that are written, corrected or archived between the two readings change nothing.</summary>
    [Fact]
    public void Read_before_or_under_the_lock_a_window_holds_the_same() =>
        Gen.Select(Gen.Int, Gen.Int[0, 3]).Sample((seed, months) => HoldsTheSameAsync(seed, months).GetAwaiter().GetResult(), iter: TestSize.Cases / 2_000, threads: 1);

    private static async Task HoldsTheSameAsync(int seed, int months)
    {
        await using var home = new LedgerHome(fast: true);
        var random = new Random(seed);
        await ArchiveTests.FillAsync(home, random);
        Budget[] budgets =
        [
            Budget.Total(1m).ForModel("m1"), Budget.Yearly(1m).ForTag("x"), Budget.Monthly(BudgetAmount.Tokens(9)).ForModel("m0"), Budget.Total(BudgetAmount.Requests(9)).ForUser("u1").ForModel("m2"),
            Budget.Rolling(1m, TimeSpan.FromDays(100)), Budget.Rolling(1m, TimeSpan.FromDays(37)).ForTag("y"),
        ];
        var windows = budgets.Select(budget => home.Hold(budget, 1).Window).ToList();
        System.Collections.Immutable.ImmutableArray<EarlierSums> earlier;
        using (var reader = new LedgerReader(home.File, home.Clock, LedgerCalendar.Utc))
        {
            earlier = await new SeedsAhead(reader.AtOnce).ReadAsync(windows, CancellationToken.None);
        }

        var last = (int)home.Scalar("SELECT COUNT(*) FROM entry WHERE kind = 'call'");
        await using (var store = home.Open())
        {
            for (var i = 0; i < random.Next(6); i++)
            {
                await store.AppendAsync(home.Row($"behind-{i}", random.Next(1, 99), new Attribution { User = "u1", Tags = ["x", "y"] }, $"m{random.Next(3)}", home.Clock.GetUtcNow().AddDays(-random.Next(90))) with { ModelKey = "k" });
                await store.AdjustAsync($"{random.Next(last)}", CallCost.Known(Money.FromNanos(random.Next(1, 1_000))) with { Usage = new() { OutputTokens = random.Next(9) } }, "invoice");
            }
        }

        if (months > 0)
        {
            ArchiveTests.Archive(home, 3 + (2 * months));
        }

        using var connection = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var book = new LedgerBook(connection, home.Clock);
        Assert.Equal(Opened(default), Opened(earlier));

        string Opened(System.Collections.Immutable.ImmutableArray<EarlierSums> read)
        {
            book.Begin();
            windows.ForEach(window => book.Open(window, read));
            book.Flush();
            var found = Windows(connection);
            book.Rollback();
            return found;
        }
    }

    private static string Windows(SqliteConnection connection)
    {
        using var select = new SqliteStatement(connection, "SELECT group_concat(budget_id || starts_at || '=' || posted_nanos, ' ') FROM (SELECT * FROM budget_window ORDER BY budget_id, starts_at)");
        select.Step();
        return select.Text(0);
    }
}
