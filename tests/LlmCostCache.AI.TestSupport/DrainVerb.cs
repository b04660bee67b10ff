using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A thousand calls under way at once. Says <c>flying</c> when all of them are at the provider; told to end (SIGTERM), it lets them end, closes the ledger and leaves.</summary>
public static class DrainVerb
{
    public const int Calls = 1_000;

    public static async Task<int> RunAsync(string home)
    {
        var landing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ending = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            landing.TrySetResult();
        });
        var provider = new FakeChatClient();
        provider.Answer = async (_, options, number) =>
        {
            await landing.Task;
            return provider.DefaultAnswer(options, $"answer {number.ToString(CultureInfo.InvariantCulture)}");
        };
        await using (var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home;
            o.Budgets.Add(Budget.Total(1_000m));
        }))
        {
            using var client = provider.AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
            var calls = Enumerable.Range(0, Calls).Select(i => client.GetResponseAsync($"Question {i.ToString(CultureInfo.InvariantCulture)}", new ChatOptions { MaxOutputTokens = 500 })).ToList();
            while (provider.Calls.Count < Calls)
            {
                await Task.Delay(5);
            }

            Console.Out.WriteLine("flying");
            await Task.WhenAll(calls);
        }

        Console.Out.WriteLine("landed");
        return 0;
    }
}
