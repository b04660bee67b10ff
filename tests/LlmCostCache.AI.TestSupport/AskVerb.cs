using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>An application that asks one question many times at once. Prints how often its provider was called, and how many answers were the one that all should get.</summary>
public static class AskVerb
{
    public static async Task<int> RunAsync(string home, string times)
    {
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home);
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(500) };
        provider.Answer = (_, options, _) => Task.FromResult(provider.DefaultAnswer(options, "the answer"));
        using var client = provider.AsBuilder().UseCostCache(costs).Build();
        await Console.Out.WriteLineAsync("ready");
        await Console.Out.FlushAsync();
        Console.In.ReadLine();
        var answers = await Task.WhenAll(Enumerable.Range(0, int.Parse(times, CultureInfo.InvariantCulture)).Select(i => i % 2 == 0
            ? client.GetResponseAsync("The question")
            : client.GetStreamingResponseAsync("The question").ToChatResponseAsync()));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{provider.Calls.Count} {answers.Count(answer => answer.Text == "the answer")}"));
        return 0;
    }
}
