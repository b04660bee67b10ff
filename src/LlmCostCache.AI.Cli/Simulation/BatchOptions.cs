using System.CommandLine;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>The options that say which calls can wait and in which tier those are sent.</summary>
internal sealed class BatchOptions
{
    private readonly Option<string?> _share = new("--batch-share") { Description = "The share of calls that can wait, 0 to 1, beside those that the trace says so of", HelpName = "SHARE" };
    private readonly Option<string[]> _features = new("--batch-feature") { Description = "A feature whose calls can wait; several times for several", HelpName = "NAME" };
    private readonly Option<string> _tier = new("--batch-tier") { Description = "The tier they are sent in: batch, flex", HelpName = "TIER", DefaultValueFactory = _ => "batch" };

    public BatchOptions() => _tier.AcceptOnlyFromAmong("batch", "flex");

    public IEnumerable<Option> All => [_share, _features, _tier];

    /// <exception cref="UsageException">The share is none.</exception>
    public SimulationPlan Read(ParseResult parse, SimulationPlan plan) => plan with
    {
        Batches = All.Any(option => parse.GetResult(option) is { Implicit: false }),
        BatchTier = parse.GetValue(_tier)!,
        BatchShare = CallShare.Read("--batch-share", parse.GetValue(_share)) ?? 0m,
        BatchFeatures = (parse.GetValue(_features) ?? []).ToHashSet(StringComparer.Ordinal),
    };
}
