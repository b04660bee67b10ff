using System.Globalization;

namespace LlmCostCache.AI.Tests;

[Trait("Pace", "Machine")]
public class BudgetThresholdTests
{
    private static readonly Budget s_budget = Budget.Daily(0.000001m); // 1,000 nano-dollars

    [Fact]
    public async Task Spending_that_reaches_a_threshold_is_announced_once()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget);
        await store.AppendAsync(home.Row("a", 499));
        Assert.Empty(crossed);
        await store.AppendAsync(home.Row("b", 1));
        await store.AppendAsync(home.Row("c", 100));

        var crossing = Assert.Single(crossed);
        Assert.Equal((0.5m, Money.FromNanos(500)), (crossing.Share, crossing.Spent));
    }

    [Fact]
    public async Task A_call_that_crosses_several_thresholds_announces_each_of_them_the_smallest_first()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget);
        await store.AppendAsync(home.Row("a", 5_000));
        Assert.Equal([0.5m, 0.8m, 0.9m, 1m], crossed.Select(crossing => crossing.Share));
    }

    [Fact]
    public async Task A_budget_announces_the_thresholds_it_was_given_also_to_processes_that_did_not_configure_it()
    {
        await using var home = new LedgerHome();
        await OpenAsync(home, s_budget.NotifyAt(0.75m, 0.25m));
        var (other, crossed) = await OpenAsync(home);
        await other.AppendAsync(home.Row("a", 5_000));
        Assert.Equal([0.25m, 0.75m], crossed.Select(crossing => crossing.Share));
    }

    /// <summary>After an I/O error nobody knows whether a commit happened; its batch is done again on another connection.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_crossing_is_told_once_when_a_doubtful_commit_is_done_again(bool committed)
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
            await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget.NotifyAt(0.5m)]);

        var window = home.Hold(s_budget, 0).Window;
        using var first = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var second = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var failed = new LedgerBook(first, home.Clock);
        using var again = new LedgerBook(second, home.Clock);
        failed.Begin();
        Do(failed, repeated: false);
        if (committed)
            failed.Commit();

        again.Doubt(failed);
        failed.Rollback();

        // The clock goes on, so that what it finds is not what it writes.
        home.Clock.Advance(TimeSpan.FromSeconds(1));
        again.Begin();
        Assert.True(Do(again, repeated: true));
        again.Commit();

        Assert.Equal((0.5m, Money.FromNanos(600)), again.TakeCrossings().Select(crossing => (crossing.Share, crossing.Spent.Money)).Single());
        again.Begin();
        Assert.False(again.Notice(window, "projection"));
        again.Append(home.Row("b", 1), repeated: false);
        again.Commit();
        Assert.Empty(again.TakeCrossings());

        bool Do(LedgerBook book, bool repeated)
        {
            book.Open(window);
            book.Append(home.Row("a", 600), repeated);
            return book.Notice(window, "projection");
        }
    }

    /// <summary>While nobody knows whether the commit of one process happened, another goes on; what it announces is not announced once more.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_crossing_in_doubt_is_told_by_one_process_only(bool committed)
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
            await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget.NotifyAt(0.5m)]);

        var window = home.Hold(s_budget, 0).Window;
        using var first = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var second = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var elsewhere = LedgerFile.OpenForWriting(home.File, home.Clock);
        using var failed = new LedgerBook(first, home.Clock);
        using var again = new LedgerBook(second, home.Clock);
        using var other = new LedgerBook(elsewhere, home.Clock);
        failed.Begin();
        Do(failed, "a", repeated: false);
        if (committed)
            failed.Commit();

        again.Doubt(failed);
        failed.Rollback();
        home.Clock.Advance(TimeSpan.FromSeconds(1));
        other.Begin();
        var otherTold = Do(other, "b", repeated: false);
        other.Commit();
        home.Clock.Advance(TimeSpan.FromSeconds(1));
        again.Begin();
        var told = Do(again, "a", repeated: true);
        again.Commit();

        Assert.Equal((committed ? 0 : 1, committed ? 1 : 0), (other.TakeCrossings().Count, again.TakeCrossings().Count));
        Assert.Equal((!committed, committed), (otherTold, told));

        bool Do(LedgerBook book, string id, bool repeated)
        {
            book.Open(window);
            book.Append(home.Row(id, 600), repeated);
            return book.Notice(window, "projection");
        }
    }

    [Fact]
    public async Task A_crossing_whose_commit_is_in_doubt_twice_is_told_once()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
            await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget.NotifyAt(0.5m)]);

        var window = home.Hold(s_budget, 0).Window;
        var books = new List<LedgerBook>();
        for (var i = 0; i < 3; i++)
        {
            books.Add(new LedgerBook(LedgerFile.OpenForWriting(home.File, home.Clock), home.Clock));
            if (i > 0)
                books[i].Doubt(books[i - 1]);

            books[i].Begin();
            books[i].Open(window);
            books[i].Append(home.Row("a", 600), repeated: i > 0);
            books[i].Commit();
            home.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Single(books[2].TakeCrossings());
    }

    [Fact]
    public async Task A_budget_may_announce_nothing()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget.NotifyAt());
        await store.AppendAsync(home.Row("a", 5_000));
        Assert.Empty(crossed);
    }

    [Fact]
    public async Task The_next_period_begins_anew()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget.NotifyAt(0.5m));
        await ReserveAndPostAsync(home, store, "a", 600);
        home.Clock.Advance(TimeSpan.FromDays(1));
        await ReserveAndPostAsync(home, store, "b", 600);
        Assert.Equal([22, 23], crossed.Select(crossing => crossing.Window.StartsAt.Day));
    }

    [Fact]
    public async Task Each_user_of_a_template_crosses_alone()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget.ForEachUser().NotifyAt(0.5m));
        foreach (var user in (string[])["alice", "bob"])
        {
            var who = new Attribution { User = user };
            var request = home.Request($"{user}-1", home.Hold(s_budget.ForEachUser().NotifyAt(0.5m), 600, $"user={user}"));
            await store.ReserveAsync(request with { Record = request.Record with { Attribution = who } });
            await store.AppendAsync(home.Row($"{user}-1", 600, who));
            await store.AppendAsync(home.Row($"{user}-2", 100, who));
        }

        Assert.Equal(["user=alice", "user=bob"], crossed.Select(crossing => crossing.Window.Key));
    }

    [Fact]
    public async Task A_raised_limit_is_announced_anew_and_a_lowered_one_is_not()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget.NotifyAt(0.5m));
        await store.AppendAsync(home.Row("a", 600));
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [Budget.Daily(0.000002m).NotifyAt(0.5m)]);
        await store.AppendAsync(home.Row("b", 300));
        Assert.Single(crossed);
        await store.AppendAsync(home.Row("c", 100));
        Assert.Equal(2, crossed.Count);
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget.NotifyAt(0.5m)]);
        await store.AppendAsync(home.Row("d", 100));
        Assert.Equal(2, crossed.Count);
    }

    [Fact]
    public async Task A_reservation_crosses_nothing_until_it_is_spent()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget);
        await store.ReserveAsync(home.Request("a", home.Hold(s_budget, 1_000)));
        Assert.Empty(crossed);
        await store.AppendAsync(home.Row("a", 10));
        Assert.Empty(crossed);
    }

    [Fact]
    public async Task What_a_new_budget_finds_spent_is_announced_when_its_first_call_asks()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home);
        await store.AppendAsync(home.Row("a", 850));
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget]);
        Assert.False((await store.ReserveAsync(home.Request("b", home.Hold(s_budget, 200)))).Accepted);
        Assert.Equal([0.5m, 0.8m], crossed.Select(crossing => crossing.Share));
    }

    [Fact]
    public async Task What_is_rolled_back_was_not_announced()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, s_budget.NotifyAt(0.5m));
        await store.AppendAsync(home.Row("a", 400));

        // The row of the budget's notice is written, then the roll-up refuses the sum: the whole operation is undone, and the next one announces.
        home.Execute("CREATE TRIGGER refuse BEFORE INSERT ON entry WHEN NEW.id = 'bad' BEGIN SELECT 1; END; CREATE TRIGGER refuse_roll BEFORE UPDATE ON rollup_slot WHEN EXISTS (SELECT 1 FROM entry WHERE id = 'bad') BEGIN SELECT RAISE(ABORT, 'no'); END;");
        await Assert.ThrowsAnyAsync<Exception>(async () => await store.AppendAsync(home.Row("bad", 200)));
        Assert.Empty(crossed);
        await store.AppendAsync(home.Row("b", 200));
        Assert.Single(crossed);
    }

    [Fact]
    public async Task Nothing_of_a_limit_of_zero_is_reached_until_something_is_spent()
    {
        await using var home = new LedgerHome();
        var (store, crossed) = await OpenAsync(home, Budget.Daily(0m).Warn().NotifyAt(0.8m));
        await store.AppendAsync(home.Row("a", 0));
        Assert.Empty(crossed);
        await store.AppendAsync(home.Row("b", 1));
        Assert.Single(crossed);
    }

    [Fact]
    public async Task Each_threshold_is_announced_once_whatever_the_tasks_and_processes()
    {
        using var home = new TempHome();
        var told = new List<string>();
        var processes = Enumerable.Range(0, 4).Select(_ => SupportProcess.Start("record", home.Path, "1", "64")).ToList();
        try
        {
            foreach (var process in processes)
            {
                Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            }

            processes.ForEach(process => process.StandardInput.WriteLine("go"));
            foreach (var process in processes)
            {
                told.AddRange((await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
                await process.WaitForExitAsync();
                Assert.Equal(0, process.ExitCode);
            }
        }
        finally
        {
            processes.ForEach(process => process.Kill());
            processes.ForEach(process => process.Dispose());
        }

        Assert.Equal(["notice 0.5", "notice 0.8", "notice 0.9", "notice 1"], told.Order());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0.5")]
    [InlineData("10.1")]
    [InlineData("0.12345")]
    public void A_threshold_out_of_its_bounds_is_refused(string share) =>
        Assert.ThrowsAny<ArgumentException>(() => s_budget.NotifyAt(decimal.Parse(share, CultureInfo.InvariantCulture)));

    private static async Task<(SqliteLedgerStore Store, List<BudgetCrossing> Crossed)> OpenAsync(LedgerHome home, params Budget[] budgets)
    {
        var store = home.Open();
        var crossed = new List<BudgetCrossing>();
        store.Crossed = crossed.AddRange;
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, budgets);
        foreach (var budget in budgets.Where(budget => !budget.Scope.ToString().Contains('*', StringComparison.Ordinal)))
        {
            // A window comes to be with the first reservation in it.
            await store.ReserveAsync(home.Request($"open-{Guid.NewGuid():N}", home.Hold(budget, 0)));
        }

        return (store, crossed);
    }

    private static async Task ReserveAndPostAsync(LedgerHome home, SqliteLedgerStore store, string id, long nanos)
    {
        await store.ReserveAsync(home.Request(id, home.Hold(s_budget.NotifyAt(0.5m), nanos)));
        await store.AppendAsync(home.Row(id, nanos));
    }
}
