using System.Globalization;

namespace LlmCostCache.AI.Tests;

public class CompetitionTests
{
    [Fact]
    public async Task Processes_that_share_a_hard_limit_use_it_up_and_never_exceed_it_by_a_nano_dollar()
    {
        await using var home = new LedgerHome();
        var (count, duration) = TestSize.Competition;
        var limit = (long)duration.TotalSeconds * 200_000;
        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [Budget.Total(Money.FromNanos(limit).Usd)]);
        var processes = Enumerable.Range(0, count)
            .Select(seed => SupportProcess.Start("compete", home.Path, limit.ToString(CultureInfo.InvariantCulture), (1_000 * seed).ToString(CultureInfo.InvariantCulture))).ToList();
        try
        {
            foreach (var process in processes)
            {
                Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            }

            processes.ForEach(process => process.StandardInput.WriteLine("go"));
            var running = Task.WhenAll(processes.Select(process => process.WaitForExitAsync()));
            while (!running.IsCompleted)
            {
                var now = Assert.Single(await store.ReadBalancesAsync());
                Assert.True(now.Spent.Nanos + now.Reserved.Nanos <= limit, $"{now.Spent} spent and {now.Reserved} reserved of {now.Limit}");
                await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(20)));
            }

            Assert.All(processes, process => Assert.Equal(0, process.ExitCode));
        }
        finally
        {
            processes.ForEach(process => process.Kill());
            processes.ForEach(process => process.Dispose());
        }

        var end = Assert.Single(await store.ReadBalancesAsync());
        Assert.InRange(end.Spent.Nanos, limit - CompeteVerb.Smallest + 1, limit);
        Assert.Equal(Money.Zero, end.Reserved);
        Assert.Equal(end.Spent, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Spent);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
