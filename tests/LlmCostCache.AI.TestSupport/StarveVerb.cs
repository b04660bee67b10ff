using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// A pool of two threads, 200 calls that wait for a disk that does not answer, and calls that need nothing of it: these must go on. Prints <c>stuck</c> once the disk holds the calls up, <c>served N</c>
/// for the hits answered meanwhile, and <c>ended N</c> when the disk answers again.
/// </summary>
internal static class StarveVerb
{
    private const int Calls = 200;

    public static async Task<int> RunAsync(string home)
    {
        ThreadPool.SetMinThreads(1, 1);
        if (!ThreadPool.SetMaxThreads(Math.Max(2, Environment.ProcessorCount), 2))
        {
            return 3;
        }

        var provider = new FakeChatClient();
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home;
            o.Budgets.Add(Budget.Total(1_000m));
        });
        using var client = provider.AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
        await client.GetResponseAsync("known");
        await File.WriteAllTextAsync(Path.Combine(home, "stop"), "");
        var calls = Enumerable.Range(0, Calls).Select(i => Task.Run(() => client.GetResponseAsync($"Question {i.ToString(CultureInfo.InvariantCulture)}"))).ToList();
        while (!File.Exists(Path.Combine(home, "stuck")))
        {
            await Task.Delay(10);
        }

        Console.Out.WriteLine("stuck");
        var served = 0;
        for (var i = 0; i < Calls; i++)
        {
            served += (await client.GetResponseAsync("known")).GetCost().CacheLayer == CacheLayer.None ? 0 : 1;
        }

        Console.Out.WriteLine($"served {served} before {calls.Count(call => call.IsCompleted)}");
        File.Delete(Path.Combine(home, "stop"));
        await Task.WhenAll(calls);
        Console.Out.WriteLine($"ended {calls.Count}");
        return 0;
    }
}
