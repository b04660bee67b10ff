using System.CommandLine;

namespace LlmCostCache.AI.Cli;

/// <summary>The options that every command has.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Home { get; } = new("--home")
    {
        Description = "The directory of ledger.db and prices.json [default: $LLMCOSTCACHE_HOME, else ~/.llmcostcache]",
        HelpName = "DIR",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON with a \"schema\" field", Recursive = true };

    /// <summary>The home directory that is meant, as a full path; it need not exist.</summary>
    public string HomeOf(ParseResult parse, CliHost host)
    {
        var home = parse.GetValue(Home);
        if (home is not null && string.IsNullOrWhiteSpace(home))
        {
            throw new UsageException("--home is empty; name a directory, or leave the option out.");
        }

        return LlmCostsHome.Resolve(home ?? host.Environment(LlmCostsHome.Variable));
    }

    /// <summary>The prices as an application with this home sees them, without those that it sets in code.</summary>
    public PriceBook PricesOf(ParseResult parse, CliHost host) => PriceBook.Load(new LlmCostsOptions(), HomeOf(parse, host), host.Environment);
}
