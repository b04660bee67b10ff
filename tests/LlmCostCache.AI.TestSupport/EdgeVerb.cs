using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>
/// Spends from a budget of each minute, beside other processes that do the same, on a clock on which a minute passes in a tenth of a second: they cross the edges together. A refusal of what fits, by
/// the figures of the refusal itself, is printed as <c>wrong</c>; at the end it says how many calls were let through.
/// </summary>
public static class EdgeVerb
{
    public const long Limit = 2_000;

    public static Budget Budget { get; } = Budget.PerMinute(Money.FromNanos(Limit).Usd);

    public static async Task<int> RunAsync(string home, string seed, string calls)
    {
        var clock = new FastClock();
        var options = new LlmCostsOptions { TimeProvider = clock };
        await using var store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
        var calendar = new LedgerCalendar(TimeZoneInfo.Utc, DayOfWeek.Monday);
        Console.Out.WriteLine("ready");
        Console.In.ReadLine();
        var (passed, number) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(int.Parse(seed, CultureInfo.InvariantCulture) + worker);
            while (Interlocked.Increment(ref number) is var i && i <= int.Parse(calls, CultureInfo.InvariantCulture))
            {
                var now = clock.GetUtcNow();
                var (startsAt, endsAt) = calendar.WindowOf(Budget, now);
                var amount = Money.FromNanos(random.NextInt64(1, 100));
                var record = new UsageRecord { Id = $"{seed}-{i}", At = now, Cost = CallCost.Known(amount) };
                var outcome = await store.ReserveAsync(new ReservationRequest { Record = record, Holds = [new Hold(new BudgetWindow(Budget, "", startsAt, endsAt), amount, true)], Timeout = TimeSpan.FromDays(1) });
                var balance = outcome.Balances[0];
                if (outcome.Accepted != (balance.Spent.Count + balance.Reserved.Count + amount.Nanos <= Limit))
                {
                    Console.Out.WriteLine($"wrong: {balance.Spent} spent, {balance.Reserved} reserved, {amount} asked: {outcome.Accepted}");
                }

                if (outcome.Accepted)
                {
                    await store.AppendAsync(record);
                    Interlocked.Increment(ref passed);
                }
            }
        })));
        Console.Out.WriteLine($"passed {passed.ToString(CultureInfo.InvariantCulture)}");
        return 0;
    }

    /// <summary>The same for every process of the machine, 600 times as fast as the time.</summary>
    private sealed class FastClock : TimeProvider
    {
        private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => s_start.AddTicks(600 * (base.GetUtcNow() - s_start).Ticks % TimeSpan.FromDays(30_000).Ticks);
    }
}
