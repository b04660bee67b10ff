namespace LlmCostCache.AI.Tests;

/// <summary>What becomes known of a call after its row moved into an archive.</summary>
public class ArchivedCallTests
{
    private static readonly Budget s_total = Budget.Total(1m).ForModel("gpt-4o-mini");

    [Fact]
    public async Task A_late_answer_corrects_what_the_call_was_corrected_to_in_the_archive()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await ExpireAsync(home, store, "lost", 40);
        await store.AdjustAsync("lost", CallCost.Known(Money.FromNanos(25)), "invoice");
        home.Clock.SetUtcNow(ArchiveTests.Month(13));
        ArchiveTests.Archive(home, 12);
        Assert.Equal(0, home.Scalar("SELECT COUNT(*) FROM entry"));

        Assert.True(await store.AppendAsync(home.Row("lost", 15, at: LedgerHome.Noon)));
        Assert.False(await store.AppendAsync(home.Row("lost", 15, at: LedgerHome.Noon)));

        Assert.Equal(15 + 1, (await store.ReadBalancesAsync())[0].Spent.Count);
        Assert.Equal(15 + 1, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Equal(15, (await store.ReadAsync(LedgerFilter.All).ToListAsync()).Single(row => row.Id == "lost").Cost.Amount!.Value.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_late_answer_corrects_what_the_call_was_corrected_to_since_it_was_archived()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await ExpireAsync(home, store, "lost", 40);
        home.Clock.SetUtcNow(ArchiveTests.Month(13));
        ArchiveTests.Archive(home, 12);

        await store.AdjustAsync("lost", CallCost.Known(Money.FromNanos(25)), "invoice");
        Assert.True(await store.AppendAsync(home.Row("lost", 15, at: LedgerHome.Noon)));

        Assert.Equal(15 + 1, (await store.ReadBalancesAsync())[0].Spent.Count);
        Assert.Equal(15 + 1, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_late_answer_whose_archive_is_away_waits_for_it_and_stops_no_other_row()
    {
        using var home = new TempHome();
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(LedgerHome.Noon);
        var ledger = Path.Combine(home.Path, LedgerFile.Name);
        await using (var costs = Open())
        {
            var window = new BudgetWindow(s_total, "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
            await costs.Store.ReserveAsync(new ReservationRequest { Record = Row("lost", 0), Holds = [new Hold(window, Money.FromNanos(40), true)], Timeout = TimeSpan.FromMinutes(10) });
            clock.SetUtcNow(ArchiveTests.Month(10));
            await costs.Store.ReserveAsync(new ReservationRequest { Record = Row("next", 0), Holds = [new Hold(window, Money.FromNanos(1), true)], Timeout = TimeSpan.FromMinutes(10) });
            await costs.RecordAsync(Row("next", 1));
        }

        clock.SetUtcNow(ArchiveTests.Month(13));
        new LedgerArchiver(ledger, clock).Run(ArchiveTests.Month(12), CancellationToken.None);
        var archive = Assert.Single(Directory.GetFiles(LedgerArchive.DirectoryOf(ledger), "*.db"));
        File.Move(archive, archive + ".away");
        await using (var costs = Open())
        {
            costs.Spool.Add(Row("lost", 15));
            costs.Spool.Add(Row("other", 3));
            await costs.FlushAsync();
            Assert.Equal(1 + 40 + 3, (await costs.Store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        }

        File.Move(archive + ".away", archive);
        await using var again = Open();
        Assert.Equal(1 + 15 + 3, (await again.Store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty(Directory.EnumerateFiles(home.Path, "spool*"));
        Assert.Empty((await again.Store.VerifyAsync()).Problems);

        LlmCosts Open() => LlmCosts.Open(o => (o.HomeDirectory, o.TimeProvider) = (home.Path, clock));

        UsageRecord Row(string id, long nanos) => new() { Id = id, At = LedgerHome.Noon, RequestedModel = "gpt-4o-mini", Model = "gpt-4o-mini", Cost = CallCost.Known(Money.FromNanos(nanos)) };
    }

    [Fact]
    public async Task A_second_correction_that_another_ledger_knows_of_is_taken_over_onto_an_archived_call()
    {
        await using var home = await ArchiveTests.FilledAsync();
        await using var other = new LedgerHome();
        await using (var store = home.Open())
        {
            await store.AdjustAsync("a", CallCost.Known(Money.FromNanos(50)), "tokenizer");
            for (var i = 0; i < 8; i++)
            {
                await store.AppendAsync(home.Row($"later-{i}", 1, at: ArchiveTests.Month(9)));
            }
        }

        Directory.CreateDirectory(other.Path);
        File.Copy(home.File, other.File);
        await using (var store = other.Open())
        {
            await store.AdjustAsync("a", CallCost.Known(Money.FromNanos(60)), "invoice");
        }

        home.Clock.SetUtcNow(ArchiveTests.Month(12));
        ArchiveTests.Archive(home, 11);
        Assert.Equal(0, home.Scalar("SELECT COUNT(*) FROM entry"));
        var merged = home.Open();
        using (var foreign = new ForeignLedger(other.File))
        {
            var outcomes = await merged.TakeInAsync(foreign.Next());
            Assert.Equal(1, outcomes.Count(outcome => outcome == IntakeOutcome.New));
            Assert.DoesNotContain(IntakeOutcome.Differs, outcomes);
            Assert.DoesNotContain(IntakeOutcome.Unfit, outcomes);
        }

        Assert.Equal(36 - 1 + 60 + 8, (await merged.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await merged.VerifyAsync()).Problems);
    }

    private static async Task ExpireAsync(LedgerHome home, SqliteLedgerStore store, string id, long nanos)
    {
        await store.ReserveAsync(home.Request(id, home.Hold(s_total, nanos)));
        home.Clock.SetUtcNow(ArchiveTests.Month(10));
        await store.ReserveAsync(home.Request("next", home.Hold(s_total, 1)));
        await store.AppendAsync(home.Row("next", 1));
    }
}
