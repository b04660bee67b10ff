using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>Many at once at one hard limit.</summary>
public class CrowdTests
{
    private static readonly Budget s_budget = Budget.Daily(1m);

    [Fact]
    public async Task Of_256_tasks_none_takes_the_limit_over_and_none_is_refused_what_fits()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_budget]);
        var tries = TestSize.IsCi ? 10_000 : 2_560;
        var (taken, paid) = (0, 0L);
        await Task.WhenAll(Enumerable.Range(0, 256).Select(task => Task.Run(async () =>
        {
            var random = new Random(task);
            while (Interlocked.Increment(ref taken) is var number && number <= tries)
            {
                var amount = random.NextInt64(10_000_000, 100_000_001);
                var id = number.ToString(CultureInfo.InvariantCulture);
                var outcome = await store.ReserveAsync(home.Request(id, home.Hold(s_budget, amount)));
                var balance = outcome.Balances[0];
                Assert.Equal(outcome.Accepted, balance.Spent.Count + balance.Reserved.Count + amount <= s_budget.Amount.Count);
                if (!outcome.Accepted)
                {
                    continue;
                }

                // Most calls cost less than was held, some nothing; so that there is always something to compete for.
                if (random.Next(3) > 0)
                {
                    await store.VoidAsync(id);
                    continue;
                }

                var cost = random.NextInt64(amount / 100);
                Assert.True(await store.AppendAsync(home.Row(id, cost)));
                Interlocked.Add(ref paid, cost);
            }
        })));

        var end = Assert.Single(await store.ReadBalancesAsync());
        Assert.InRange(paid, 1, s_budget.Amount.Count);
        Assert.Equal((paid, 0L), (end.Spent.Count, end.Reserved.Count));
        Assert.Equal(paid, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Two_processes_that_cross_the_edges_of_minutes_together_lose_nothing_and_are_refused_nothing_that_fits()
    {
        await using var home = new LedgerHome();
        await home.Open().ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [EdgeVerb.Budget]);
        var calls = TestSize.IsCi ? "5000" : "600";
        var processes = new[] { "1000", "2000" }.Select(seed => SupportProcess.Start("edge", home.Path, seed, calls)).ToList();
        var told = new List<string>();
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
            }
        }
        finally
        {
            processes.ForEach(process => process.Kill());
            processes.ForEach(process => process.Dispose());
        }

        Assert.DoesNotContain(told, line => line.StartsWith("wrong", StringComparison.Ordinal));
        Assert.Equal(2, told.Count);
        Assert.Equal(told.Sum(line => long.Parse(line["passed ".Length..], CultureInfo.InvariantCulture)), home.Scalar("SELECT COUNT(*) FROM entry"));
        Assert.True(home.Scalar("SELECT COUNT(*) FROM budget_window") > 2);
        Assert.Equal(0, home.Scalar($"SELECT COUNT(*) FROM budget_window WHERE posted_nanos > {EdgeVerb.Limit} OR pending_nanos <> 0"));
        Assert.Equal(home.Scalar("SELECT SUM(booked_nanos) FROM entry"), home.Scalar("SELECT SUM(posted_nanos) FROM budget_window"));
        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }
}
