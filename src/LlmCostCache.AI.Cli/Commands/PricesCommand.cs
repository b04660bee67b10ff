using System.CommandLine;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices</c>: the price book itself.</summary>
internal sealed class PricesCommand : Command, IHasExamples
{
    public PricesCommand(CommonOptions common, CliHost host)
        : base("prices", "List, show, check, import and compare prices")
    {
        Subcommands.Add(new PricesListCommand(common, host));
        Subcommands.Add(new PricesShowCommand(common, host));
        Subcommands.Add(new PricesCheckCommand(common, host));
        Subcommands.Add(new PricesImportCommand(common, host));
        Subcommands.Add(new PricesDiffCommand(common, host));
    }

    public IReadOnlyList<string> Examples => ["llmcost prices list sonnet", "llmcost prices import model_prices_and_context_window.json --provider openai"];
}
