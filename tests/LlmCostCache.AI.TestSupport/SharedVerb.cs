using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Asks the same question twice through the clients of the first snippet, prints what was saved, and ends without a word about the <see cref="LlmCosts"/> that nobody opened.</summary>
public static class SharedVerb
{
    public static async Task<int> RunAsync()
    {
        var client = new FakeChatClient().AsBuilder().UseCostCache().UseBudget().Build();
        for (var i = 0; i < 2; i++)
        {
            Console.WriteLine((await client.GetResponseAsync("Hello")).GetCost().Saved);
        }

        return 0;
    }
}
