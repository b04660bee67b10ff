using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>What is said of a home that has no ledger yet: that is a beginning and not an error.</summary>
internal static class Empty
{
    /// <param name="host">Where to say it.</param>
    /// <param name="home">The home directory.</param>
    /// <param name="isNote">Standard output belongs to a machine, so the sentence goes beside it.</param>
    public static void Say(CliHost host, string home, bool isNote)
    {
        var sentence = Shown.OneLine($"no calls recorded yet in {home}");
        if (isNote)
        {
            host.Error.WriteLine($"llmcost: {sentence}");
        }
        else
        {
            host.Console.WriteLine(sentence);
        }
    }

    /// <summary>The first thing to do, for whoever looks here first.</summary>
    public static void SayHowToBegin(CliHost host, bool isNote)
    {
        if (isNote)
        {
            return;
        }

        host.Console.WriteLine("""

            To record calls, wrap the client of your application (package LlmCostCache.AI):
              client.AsBuilder().UseCostCache().UseBudget().Build()
            To look where another application records them:
              llmcost --home DIR
            To see what calls would cost before you make any:
              llmcost price gpt-4o --input 1000 --output 200
            """);
    }
}
