using System.CommandLine;

namespace LlmCostCache.AI.Cli;

/// <summary>The options that every command has.</summary>
internal sealed class CommonOptions
{
    public const string HomeName = "--home";

    public Option<string?> Home { get; } = new(HomeName)
    {
        Description = "The directory of ledger.db and prices.json [default: $LLMCOSTCACHE_HOME, else ~/.llmcostcache]",
        HelpName = "DIR",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON with a \"schema\" field", Recursive = true };

    /// <summary>The home directory that is meant, as a full path; it need not exist.</summary>
    /// <exception cref="UsageException">It is empty, or a file.</exception>
    public string HomeOf(ParseResult parse, CliHost host) => HomeOf(parse.GetValue(Home), host);

    /// <inheritdoc cref="HomeOf(ParseResult, CliHost)"/>
    public static string HomeOf(string? home, CliHost host)
    {
        if (home is not null && string.IsNullOrWhiteSpace(home))
        {
            throw new UsageException("--home is empty; name a directory, or leave the option out.");
        }

        var path = LlmCostsHome.Resolve(home ?? host.Environment(LlmCostsHome.Variable));
        return File.Exists(path)
            ? throw new UsageException($"The home '{path}' is a file. Name the directory in which ledger.db lies{(Path.GetFileName(path) == "ledger.db" ? $": '{Path.GetDirectoryName(path)}'" : "")}.")
            : path;
    }

    /// <summary>The prices as an application with this home sees them, without those that it sets in code.</summary>
    public PriceBook PricesOf(ParseResult parse, CliHost host) => PriceBook.Load(new LlmCostsOptions(), HomeOf(parse, host), host.Environment);
}
