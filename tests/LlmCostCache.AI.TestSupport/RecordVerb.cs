using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Records calls of a hundredth of a limit that only warns, from 16 tasks at once, beside other processes that do the same. Prints <c>notice THRESHOLD</c> for each it is told.</summary>
public static class RecordVerb
{
    private const int Tasks = 16;

    public static async Task<int> RunAsync(string home, string limitUsd, string records)
    {
        var limit = decimal.Parse(limitUsd, CultureInfo.InvariantCulture);
        await using (var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home;
            o.Budgets.Add(Budget.Total(limit).Warn());
            o.OnBudgetNotice(notice => Console.Out.WriteLine($"notice {notice.Threshold?.ToString(CultureInfo.InvariantCulture)}"));
        }))
        {
            Console.Out.WriteLine("ready");
            Console.In.ReadLine();
            await Task.WhenAll(Enumerable.Range(0, Tasks).Select(async _ =>
            {
                for (var i = 0; i < int.Parse(records, CultureInfo.InvariantCulture) / Tasks; i++)
                {
                    await costs.RecordAsync(new UsageRecord
                    {
                        Id = Guid.NewGuid().ToString("N"),
                        At = DateTimeOffset.UtcNow,
                        Model = "gpt-4o-mini",
                        Cost = CallCost.Known(Money.FromUsd(limit / 100)),
                    });
                }
            }));
        }

        return 0;
    }
}
