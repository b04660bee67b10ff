namespace LlmCostCache.AI;

/// <summary>What came of an import.</summary>
internal sealed class ImportOutcome
{
    private const int MostNamed = 20;

    private readonly SortedDictionary<string, long> _skipped = new(StringComparer.Ordinal);
    private readonly List<(long Line, string Reason)> _named = [];

    /// <summary>Entries that were read, good or bad.</summary>
    public long Lines { get; set; }

    /// <summary>Entries that are in the cache now and were not before; in a dry run, those that would be.</summary>
    public long Stored { get; set; }

    /// <summary>Entries that the cache had already, the same or a newer one.</summary>
    public long Known { get; set; }

    /// <summary>Entries that were not meant.</summary>
    public long NotMeant { get; set; }

    /// <summary>How many lines were skipped, by reason.</summary>
    public IReadOnlyDictionary<string, long> Skipped => _skipped;

    /// <summary>The first of them by number; the header is line 1.</summary>
    public IReadOnlyList<(long Line, string Reason)> Named => _named;

    public long SkippedLines => _skipped.Values.Sum();

    public void Skip(long line, string reason)
    {
        _skipped[reason] = _skipped.GetValueOrDefault(reason) + 1;
        if (_named.Count < MostNamed)
        {
            _named.Add((line, reason));
        }
    }
}
