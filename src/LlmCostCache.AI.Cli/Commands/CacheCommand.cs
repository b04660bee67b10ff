using System.CommandLine;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache</c>: what is in the cache, what it is worth, and why something is not in it.</summary>
internal sealed class CacheCommand : Command, IHasExamples
{
    public CacheCommand(CommonOptions common, CliHost host)
        : base("cache", "Look into the cache: hit rates, entries, why a request missed; clear, check and move it")
    {
        Subcommands.Add(new CacheStatsCommand(common, host));
        Subcommands.Add(new CacheListCommand(common, host));
        Subcommands.Add(new CacheShowCommand(common, host));
        Subcommands.Add(new CacheClearCommand(common, host));
        Subcommands.Add(new CacheWhyMissCommand(common, host));
        Subcommands.Add(new CacheVerifyCommand(common, host));
        Subcommands.Add(new CacheExportCommand(common, host));
        Subcommands.Add(new CacheImportCommand(common, host));
    }

    public IReadOnlyList<string> Examples => ["llmcost cache stats --by model --last 7d", "llmcost cache why-miss request.json"];
}
