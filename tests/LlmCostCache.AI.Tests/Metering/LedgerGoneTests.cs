using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>The ledger goes away at one moment or another of a call and comes back: nobody loses an answer, no row is lost, none is written twice.</summary>
public class LedgerGoneTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_the_settlement_the_caller_has_its_answer_and_the_row_is_written_once_when_it_is_back(bool streamed)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), static (builder, costs) => builder.UseBudget(costs));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            TakeAway(pipeline);
            return Task.FromResult(pipeline.Provider.DefaultAnswer(options, $"answer {n}"));
        };
        var response = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("answer 1", response.Text);
        Assert.True(response.GetCost().Amount > Money.Zero);
        BringBack(pipeline);

        var row = Assert.Single(await pipeline.RowsAsync());
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((row.Cost.Amount, Money.Zero), (balance.Spent.Money, balance.Reserved.Money));
        Assert.Empty(Directory.EnumerateFiles(pipeline.Home, "spool*"));
        Assert.Empty((await pipeline.Costs.Store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_row_that_comes_back_after_its_reservation_expired_corrects_what_was_assumed()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(
            o =>
            {
                o.TimeProvider = clock;
                o.Budgets.Add(Budget.Daily(10m));
            },
            static (builder, costs) => builder.UseBudget(costs));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            if (n == 1)
            {
                TakeAway(pipeline);
            }

            return Task.FromResult(pipeline.Provider.DefaultAnswer(options, $"answer {n}"));
        };
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();
        BringBack(pipeline);
        clock.Advance(TimeSpan.FromHours(1));

        // Expires what was held for the first call, and takes the row of it that waits beside the ledger.
        var second = (await pipeline.Client.GetResponseAsync("Hello again")).GetCost();
        var rows = await pipeline.RowsAsync();

        Assert.Equal([cost.Amount, second.Amount], rows.Select(row => row.Cost.Amount));
        Assert.Equal(cost.Amount + second.Amount, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Spent.Money);
        Assert.Empty((await pipeline.Costs.Store.VerifyAsync()).Problems);
    }

    [Theory]
    [InlineData(BudgetMode.Strict)]
    [InlineData(BudgetMode.Balanced)]
    public async Task At_the_reservation_budgets_that_refuse_refuse_and_the_provider_is_not_asked(BudgetMode mode)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(mode == BudgetMode.Balanced ? Budget.Daily(10m).Balanced() : Budget.Daily(10m)));
        TakeAway(pipeline);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => pipeline.Client.GetResponseAsync("Hello"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync());
        Assert.Empty(pipeline.Provider.Calls);
        BringBack(pipeline);
        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Fact]
    public async Task All_the_time_budgets_that_only_warn_let_calls_pass_and_their_rows_are_written_once_when_it_is_back()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m).Warn()), static (builder, costs) => builder.UseBudget(costs));
        TakeAway(pipeline);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => pipeline.Client.GetResponseAsync($"Question {i}")));
        BringBack(pipeline);
        Assert.Equal(20, (await pipeline.RowsAsync()).Count);
        Assert.Empty((await pipeline.Costs.Store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task What_a_process_was_replaying_when_it_died_is_written_by_the_next_and_once()
    {
        using var home = new TempHome();
        var row = new UsageRecord { Id = "left", At = new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero), Cost = CallCost.Known(Money.FromNanos(5)) };

        // It had renamed the file, committed the row, and not yet deleted the file.
        await using (var died = LlmCosts.Open(o => o.HomeDirectory = home.Path))
        {
            await died.RecordAsync(row);
        }

        var other = row with { Id = "never written" };
        File.WriteAllText(Path.Combine(home.Path, "spool.jsonl.0199"), UsageRecordJson.Serialize(row) + "\n" + UsageRecordJson.Serialize(other) + "\n");

        await using var next = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var rows = await next.Store.ReadAsync(LedgerFilter.All).ToListAsync();
        Assert.Equal(["left", "never written"], rows.Select(found => found.Id));
        Assert.Empty(Directory.EnumerateFiles(home.Path, "spool*"));
    }

    private static void TakeAway(Pipeline pipeline) => File.Move(Path.Combine(pipeline.Home, "ledger.db"), Path.Combine(pipeline.Home, "ledger.away"), overwrite: false);

    private static void BringBack(Pipeline pipeline) => File.Move(Path.Combine(pipeline.Home, "ledger.away"), Path.Combine(pipeline.Home, "ledger.db"), overwrite: false);
}
