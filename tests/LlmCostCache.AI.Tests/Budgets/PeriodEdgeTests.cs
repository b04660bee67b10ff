namespace LlmCostCache.AI.Tests;

/// <summary>Two writers with a file between them come to the end of a period at the same time.</summary>
public class PeriodEdgeTests
{
    [Fact]
    public async Task Two_writers_that_cross_the_edge_of_a_period_erase_nothing_and_refuse_nothing_that_fits()
    {
        const int Calls = 1_000;
        const long Amount = 10;
        await using var home = new LedgerHome(fast: true);
        SqliteLedgerStore[] stores = [home.Open(), home.Open()];

        // Each hour has room for its own half of the calls, and for not one more.
        var budget = Budget.Hourly(Money.FromNanos(Calls / 2 * Amount).Usd);
        var edge = LedgerHome.Noon.AddHours(1);
        home.Clock.AdjustTime(edge);
        var refused = 0;
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var call && call < Calls)
            {
                // Calls of the old hour and of the new one come mixed.
                var at = call % 2 == 0 ? edge.AddMilliseconds(-1) : edge;
                var (id, store) = ($"{call}", stores[call / 2 % 2]);
                var request = home.Request(id, home.Hold(budget, Amount, at: at));
                request = request with { Record = request.Record with { At = at } };
                var outcome = await store.ReserveAsync(request);
                Interlocked.Add(ref refused, outcome.Accepted ? 0 : 1);

                // Settled by the other one, as when a process takes over.
                await stores[(call / 2 + 1) % 2].AppendAsync(home.Row(id, Amount, at: at));
            }
        })));

        Assert.Equal(0, refused);
        foreach (var at in (DateTimeOffset[])[edge.AddMilliseconds(-1), edge])
        {
            var full = await stores[0].ReserveAsync(home.Request($"full {at:O}", home.Hold(budget, 1, at: at)));
            Assert.False(full.Accepted);
            Assert.Equal((Calls / 2 * Amount, 0), (full.Balances[0].Spent.Count, full.Balances[0].Reserved.Count));
        }

        Assert.True((await stores[1].VerifyAsync()).IsIntact);
    }
}
