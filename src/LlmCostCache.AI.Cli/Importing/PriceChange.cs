namespace LlmCostCache.AI.Cli.Importing;

/// <summary>What a price list says about one model against a book.</summary>
internal sealed record PriceChange
{
    public required SourceModel Model { get; init; }

    /// <summary>The model that the book prices this name by; null when it has none.</summary>
    public PriceEntry? KnownEntry { get; init; }

    public DatedPrice? Known { get; init; }

    /// <summary>What would hold from then on; null when the list has no price that can be one.</summary>
    public DatedPrice? Price { get; init; }

    /// <summary>The first day of the price; null is from the start.</summary>
    public DateOnly? EffectiveFrom { get; init; }

    public IReadOnlyList<RateMove> Moves { get; init; } = [];

    /// <summary>Why it is not to be trusted.</summary>
    public IReadOnlyList<PriceFinding> Findings { get; init; } = [];

    /// <summary>Whether a person has said that it is right all the same.</summary>
    public bool IsAllowed { get; init; }

    public string Name => Model.Name;

    /// <summary>Whether the last good price stays.</summary>
    public bool IsQuarantined => Price is null || Findings.Any(finding => !IsAllowed || finding.Concern is PriceConcern.NotAPrice or PriceConcern.Duplicate);

    public ChangeKind Kind
    {
        get
        {
            if (Known is null)
            {
                return ChangeKind.New;
            }

            var (up, down) = (Moves.Any(move => Comparable(move.To) > Comparable(move.From)), Moves.Any(move => Comparable(move.To) < Comparable(move.From)));
            return (up, down) switch
            {
                (true, true) => ChangeKind.Mixed,
                (true, false) => ChangeKind.Dearer,
                (false, true) => ChangeKind.Cheaper,
                _ => ChangeKind.Unchanged,
            };
        }
    }

    /// <summary>The largest move, of the standard rates for input and output where they move; null when nothing can be compared.</summary>
    public RateMove? LargestMove
    {
        get
        {
            var comparable = Moves.Where(move => move.Percent is not null).ToArray();
            var main = comparable.Where(move => move is { When: "standard", Rate: "input" or "output" }).ToArray();
            return (main.Length > 0 ? main : comparable).MaxBy(move => Math.Abs(move.Percent!.Value));
        }
    }

    private static decimal Comparable(decimal? rate) => rate ?? 0m;
}
