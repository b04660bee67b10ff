using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A call whose row comes from elsewhere (an import, a merge) before its own process books it.</summary>
public class TakenInCallTests
{
    private static readonly Budget s_daily = Budget.Daily(0.000001m);

    [Theory]
    [InlineData(600)]
    [InlineData(25)]
    [InlineData(40)]
    public async Task What_its_own_process_says_later_corrects_it_and_is_counted_once(long truth)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("call", home.Hold(s_daily, 600)));

        Assert.Equal([IntakeOutcome.New], await store.TakeInAsync([new IntakeRow(home.Row("call", 40), true)]));
        Assert.Equal((40, 0), await StandingAsync(store));
        await store.AppendAsync(home.Row("call", truth));
        await store.AppendAsync(home.Row("call", truth));

        Assert.Equal((truth, 0), await StandingAsync(store));
        Assert.Equal(truth, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Equal(truth, Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync()).Cost.Amount!.Value.Nanos);
        Assert.Equal(truth == 40 ? 1 : 2, home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task It_is_corrected_in_its_archive_too()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("call", home.Hold(s_daily, 600)));
        await store.TakeInAsync([new IntakeRow(home.Row("call", 40), true)]);
        home.Clock.SetUtcNow(ArchiveTests.Month(12));
        ArchiveTests.Archive(home, 11);

        Assert.True(await store.AppendAsync(home.Row("call", 70, at: LedgerHome.Noon)));

        Assert.Equal(70, (await store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task What_another_ledger_assumed_of_it_is_corrected()
    {
        await using var home = new LedgerHome();
        await using var copy = new LedgerHome();
        await using (var first = home.Open())
        {
            await first.ReserveAsync(home.Request("call", home.Hold(s_daily, 600)));
        }

        Directory.CreateDirectory(copy.Path);
        File.Copy(home.File, copy.File);
        copy.Clock.Advance(TimeSpan.FromMinutes(11));
        await using (var other = copy.Open())
        {
            // Where the copy was put, nobody answers for the call any more.
            await other.ReserveAsync(copy.Request("next", copy.Hold(s_daily, 1)));
        }

        var store = home.Open();
        using (var foreign = new ForeignLedger(copy.File))
        {
            Assert.Equal([IntakeOutcome.New], await store.TakeInAsync(foreign.Next()));
        }

        Assert.Equal((600, 0), await StandingAsync(store));
        Assert.True(await store.AppendAsync(home.Row("call", 70)));
        Assert.Equal((70, 0), await StandingAsync(store));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Without_a_reservation_the_row_that_was_first_stays_and_the_log_says_so()
    {
        var logs = new FakeLoggerProvider();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(logs));
        await using var pipeline = new Pipeline(o => o.LoggerFactory = factory);
        pipeline.Provider.Answer = async (_, options, n) =>
        {
            // The attempt's id is known to nobody yet but the copy of a ledger; any row that has it stands for one here.
            using var connection = SqliteFile.Open(Path.Combine(pipeline.Home, LedgerFile.Name), Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite);
            using var trigger = connection.CreateCommand();
            trigger.CommandText = "CREATE TRIGGER IF NOT EXISTS known BEFORE INSERT ON entry WHEN NEW.usage_source = 'provider' BEGIN SELECT RAISE(IGNORE); END";
            trigger.ExecuteNonQuery();
            await Task.Yield();
            return pipeline.Provider.DefaultAnswer(options, $"answer {n}");
        };

        await pipeline.Client.GetResponseAsync("Hello");

        Assert.Contains(logs.Collector.GetSnapshot(), record => record.Id.Id == 106 && record.Message.Contains("that one stays and counts", StringComparison.Ordinal));
    }

    private static async Task<(long Spent, long Reserved)> StandingAsync(SqliteLedgerStore store)
    {
        var balance = (await store.ReadBalancesAsync()).Single(balance => balance.Window.Budget.Id == s_daily.Id);
        return (balance.Spent.Count, balance.Reserved.Count);
    }
}
