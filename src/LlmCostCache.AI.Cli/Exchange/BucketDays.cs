namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Which days of which reports a ledger holds, so that no call is booked from two reports that both describe it.</summary>
internal sealed class BucketDays(LedgerLookup? lookup)
{
    private readonly Dictionary<BucketKind, Dictionary<long, HashSet<string>>> _shapes = [];
    private readonly Dictionary<(BucketKind Kind, long Day), string?> _sources = [];

    /// <summary>Why a row of a report may not be added; null when it may, or is there already.</summary>
    /// <param name="id">The id of the row.</param>
    /// <param name="at">When its span begins.</param>
    /// <param name="source">The file or ledger it comes from.</param>
    /// <param name="judge">What the ledger makes of the row.</param>
    public string? WhyNot(string id, DateTimeOffset at, string? source, Func<LedgerLookup, IntakeOutcome> judge)
    {
        if (BucketKind.Of(id) is not { } kind)
        {
            return null;
        }

        var day = LedgerLookup.DayOf(at);
        if (lookup?.Has(id) == true)
        {
            if (judge(lookup) == IntakeOutcome.Known)
            {
                // The very row: this is the report that was begun, before it was interrupted or before the day was over.
                _sources[(kind, day)] = source;
            }

            return null;
        }

        if (Of(kind.Other).ContainsKey(day))
        {
            var (own, other) = kind.IsCosts ? ("costs", "token usage") : ("token usage", "costs");
            return $"is of a day whose {other} was imported already; {own} and {other} describe the same calls";
        }

        var days = Of(kind);
        if (!days.TryGetValue(day, out var shapes))
        {
            days.Add(day, shapes = []);
            _sources[(kind, day)] = source;
        }

        // What one source says of a day belongs together, whatever is left empty in it.
        if (!shapes.Contains(kind.ShapeOf(id)) && !(_sources.TryGetValue((kind, day), out var first) && first == source))
        {
            return "is of a day that was imported already from a report with other groups or spans of time; both describe the same calls";
        }

        shapes.Add(kind.ShapeOf(id));
        return null;
    }

    private Dictionary<long, HashSet<string>> Of(BucketKind kind)
    {
        if (!_shapes.TryGetValue(kind, out var days))
        {
            _shapes[kind] = days = lookup?.DaysOf(kind.IdPrefix, BucketKind.ShapeLength) ?? [];
        }

        return days;
    }
}
