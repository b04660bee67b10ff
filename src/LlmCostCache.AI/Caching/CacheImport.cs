namespace LlmCostCache.AI;

/// <summary>What came of <see cref="ResponseCache.ImportAsync"/>.</summary>
public sealed class CacheImport
{
    internal CacheImport(ImportOutcome outcome)
    {
        Stored = outcome.Stored;
        Known = outcome.Known;
        Skipped = outcome.SkippedLines;
        Reasons = outcome.Skipped;
    }

    /// <summary>Entries that are in the cache now and were not before.</summary>
    public long Stored { get; }

    /// <summary>Entries that the cache had already, the same or a newer one.</summary>
    public long Known { get; }

    /// <summary>Lines that were not taken over.</summary>
    public long Skipped { get; }

    /// <summary>How many lines were skipped, by reason.</summary>
    public IReadOnlyDictionary<string, long> Reasons { get; }
}
