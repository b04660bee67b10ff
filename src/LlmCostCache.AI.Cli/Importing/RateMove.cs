namespace LlmCostCache.AI.Cli.Importing;

/// <summary>One rate that differs between two prices.</summary>
/// <param name="Rate">The name of the rate in price files.</param>
/// <param name="When">The condition under which it holds.</param>
/// <param name="From">The old rate; null when there was none.</param>
/// <param name="To">The new rate; null when there is none any more.</param>
internal sealed record RateMove(string Rate, string When, decimal? From, decimal? To)
{
    private const string Standard = "standard";

    /// <summary>How much dearer, in percent of the old rate; null where one of them is nothing.</summary>
    public decimal? Percent => From is { } from and > 0m && To is { } to ? Math.Round((to - from) / from * 100m, 1, MidpointRounding.AwayFromZero) : null;

    /// <summary>Everything that a request can be billed differently by.</summary>
    public static IReadOnlyList<RateMove> Between(DatedPrice from, DatedPrice to)
    {
        List<RateMove> moves = [];
        foreach (var probe in PriceProbe.Of(from, to))
        {
            var (old, now, oldListed, nowListed) = (probe.Card(from), probe.Card(to), probe.Listed(from), probe.Listed(to));
            for (var kind = (RateKind)0; (int)kind < RateCard.Kinds; kind++)
            {
                var move = new RateMove(RateCard.FieldNames[(int)kind], probe.Words, old[kind], now[kind]);

                // A rate that only stands in for another, or that a special condition does not touch, has moved elsewhere already.
                var isListed = oldListed[kind] is not null || nowListed[kind] is not null;
                if (move.From != move.To && isListed && !moves.Contains(move with { When = Standard }))
                {
                    moves.Add(move);
                }
            }
        }

        return moves;
    }
}
