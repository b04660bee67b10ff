using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// A whole application that shares a home with others: clients with cache and budget over a fake provider, many calls at once, until the hard limit refuses them.
/// Prints <c>paid NANOS</c> for each answer it has in its hands; whoever kills it compares that with the ledger. A refusal of a call that would have fitted, by the figures
/// of the refusal itself, is printed as <c>wrong</c>.
/// </summary>
public static class SpendVerb
{
    /// <summary>How long its reservations live when it is killed.</summary>
    public static TimeSpan Timeout { get; } = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string home, string limitUsd, string seed, string tasks)
    {
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home;
            o.ReservationTimeout = Timeout;
            o.ReservationWait = TimeSpan.FromSeconds(5);
            o.Budgets.Add(Budget.Total(decimal.Parse(limitUsd, CultureInfo.InvariantCulture)));
        });
        // A provider that keeps to what it is asked: it bills no more tokens than the question has bytes and the answer may have.
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(2) };
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, $"answer {number}");
            response.Usage = new UsageDetails { InputTokenCount = 15, OutputTokenCount = options!.MaxOutputTokens - number % 7 };
            return Task.FromResult(response);
        };
        using var client = provider.AsBuilder().UseCostCache(costs).UseBudget(costs).Build();
        var output = TextWriter.Synchronized(Console.Out);
        await output.WriteLineAsync("ready");
        await output.FlushAsync();
        Console.In.ReadLine();
        await Task.WhenAll(Enumerable.Range(0, int.Parse(tasks, CultureInfo.InvariantCulture)).Select(async task =>
        {
            for (var i = 0; ; i++)
            {
                try
                {
                    var response = await client.GetResponseAsync($"Question {seed}-{task}-{i}", new ChatOptions { MaxOutputTokens = 500 });
                    lock (output)
                    {
                        output.WriteLine($"paid {response.GetCost().Amount!.Value.Nanos.ToString(CultureInfo.InvariantCulture)}");
                        output.Flush();
                    }
                }
                catch (BudgetExceededException refusal)
                {
                    if (refusal.Spent + refusal.Reserved + refusal.Requested <= refusal.Limit)
                    {
                        lock (output)
                        {
                            output.WriteLine($"wrong: {refusal.Message}");
                            output.Flush();
                        }
                    }

                    return;
                }
            }
        }));
        return 0;
    }
}
