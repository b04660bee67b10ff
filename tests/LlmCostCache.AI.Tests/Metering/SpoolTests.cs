using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

public sealed class SpoolTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_row_that_the_ledger_cannot_take_is_kept_and_written_once_when_it_can()
    {
        await using var store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
        await using (var spool = new Spool(_home.Path, store, NullLogger.Instance))
        {
            spool.Add(Row("a"));
            spool.Add(Row("b"));
            Assert.True(File.Exists(Path.Combine(_home.Path, "spool.jsonl")));
            await spool.ReplayAsync(CancellationToken.None);
            await spool.ReplayAsync(CancellationToken.None);
        }

        Assert.Equal(["a", "b"], await IdsAsync(store));
        Assert.Empty(Directory.EnumerateFiles(_home.Path, "spool*"));
    }

    [Fact]
    public async Task What_an_earlier_process_left_is_written_when_the_ledger_is_opened()
    {
        var line = UsageRecordJson.Serialize(Row("left"));
        File.WriteAllText(Path.Combine(_home.Path, "spool.jsonl"), line + "\n" + line + "\n" + line[..40]);
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = _home.Path);
        Assert.Equal(["left"], await IdsAsync(costs.Store));
    }

    [Fact]
    public async Task A_row_that_follows_one_that_was_cut_is_not_lost_with_it()
    {
        await using var store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
        File.WriteAllText(Path.Combine(_home.Path, "spool.jsonl"), UsageRecordJson.Serialize(Row("cut"))[..40]);
        await using (var spool = new Spool(_home.Path, store, NullLogger.Instance))
        {
            spool.Add(Row("a"));
        }

        Assert.Equal(["a"], await IdsAsync(store));
    }

    [Fact]
    public async Task What_neither_the_ledger_nor_the_file_takes_waits_in_a_memory_that_has_an_end()
    {
        var log = new FakeLogger();
        await using var store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
        Directory.CreateDirectory(Path.Combine(_home.Path, "spool.jsonl"));
        await using (var spool = new Spool(_home.Path, store, log, mostInMemory: 2))
        {
            spool.Add(Row("a"));
            Assert.Contains("kept in memory", log.LatestRecord.Message, StringComparison.Ordinal);
            spool.Add(Row("b"));
            spool.Add(Row("too much"));
            Assert.Equal(LogLevel.Critical, log.LatestRecord.Level);
            Assert.Contains("too much", log.LatestRecord.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["a", "b"], await IdsAsync(store));
    }

    [Fact]
    public async Task Only_its_owner_may_read_what_waits()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var options = new LlmCostsOptions();
        var store = SqliteLedgerStore.Open(_home.Path, options, NullLogger.Instance);
        await store.DisposeAsync();
        var spool = new Spool(_home.Path, store, NullLogger.Instance);
        spool.Add(Row("a"));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_home.Path, "spool.jsonl")));
    }

    [Fact]
    public void A_row_survives_the_file_to_the_last_member()
    {
        var row = Row("a") with
        {
            CallId = "c",
            Attempt = 3,
            Currency = "CNY",
            NativeCost = 0.72m,
            FxRate = 7.1m,
            FxDate = new DateOnly(2026, 8, 22),
            Attribution = new Attribution { User = "alice", Tags = ["x", "y"] },
            Cost = CallCost.Between(Money.FromNanos(1), Money.FromNanos(2), "why") with { Usage = new TokenUsage { ReasoningTokens = 7 } },
            TimeToFirstChunk = TimeSpan.FromMilliseconds(5),
            ModelKey = "gpt-4o",
        };
        Assert.Equal(row, UsageRecordJson.TryDeserialize(UsageRecordJson.Serialize(row)));
    }

    [Fact]
    public async Task An_answer_that_was_paid_for_reaches_its_caller_when_the_ledger_is_gone()
    {
        var provider = new FakeChatClient();
        var costs = LlmCosts.Open(o => o.HomeDirectory = _home.Path);
        var client = provider.AsBuilder().UseBudget(costs).Build();
        await costs.Store.DisposeAsync();

        Assert.Equal("answer 1", (await client.GetResponseAsync("Hello")).Text);
        Assert.True(File.Exists(Path.Combine(_home.Path, "spool.jsonl")));
        await using var again = LlmCosts.Open(o => o.HomeDirectory = _home.Path);
        Assert.Single(await IdsAsync(again.Store));
    }

    [Fact]
    public async Task A_strict_budget_refuses_before_sending_when_the_ledger_is_gone()
    {
        var provider = new FakeChatClient();
        var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            o.Budgets.Add(Budget.Daily(10m));
        });
        var client = provider.AsBuilder().UseBudget(costs).Build();
        await costs.Store.DisposeAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => client.GetResponseAsync("Hello"));
        Assert.Empty(provider.Calls);
    }

    private static UsageRecord Row(string id) => new()
    {
        Id = id,
        At = new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero),
        Cost = CallCost.Known(Money.FromNanos(5)),
    };

    private static async Task<List<string>> IdsAsync(ILedgerStore store)
    {
        var ids = new List<string>();
        await foreach (var row in store.ReadAsync(LedgerFilter.All))
        {
            ids.Add(row.Id);
        }

        return ids;
    }

    [Fact]
    public async Task Rows_of_several_processes_do_not_overwrite_each_other()
    {
        const int Rows = 100;
        await using var store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance, neverSync: true);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(process => Task.Run(async () =>
        {
            await using var spool = new Spool(_home.Path, store, NullLogger.Instance);
            for (var i = 0; i < Rows; i++)
            {
                spool.Add(Row($"{process}-{i}"));
                if (i % 10 == process)
                {
                    await spool.ReplayAsync(CancellationToken.None);
                }
            }
        })));
        await using (var last = new Spool(_home.Path, store, NullLogger.Instance))
        {
            await last.ReplayAsync(CancellationToken.None);
        }

        Assert.Equal(4 * Rows, (await IdsAsync(store)).Count);
    }
}
