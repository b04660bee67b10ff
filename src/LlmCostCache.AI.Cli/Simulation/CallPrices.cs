using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Prices a call for several strategies, which mostly want the same of the book.</summary>
internal sealed class CallPrices(PriceBook book)
{
    private readonly List<(string? Provider, string? Model, TokenUsage Usage, string? Tier, PricedUsage Priced)> _known = [];
    private TraceCall? _call;

    public PriceBook Book => book;

    public PricedUsage Of(TraceCall call, string? provider, string? model, TokenUsage usage, string? tier)
    {
        if (!ReferenceEquals(call, _call))
        {
            _call = call;
            _known.Clear();
        }

        foreach (var known in _known)
        {
            if (known.Tier == tier && known.Model == model && known.Provider == provider && known.Usage == usage)
            {
                return known.Priced;
            }
        }

        var priced = book.Price(new PriceQuery
        {
            Provider = provider,
            Model = model,
            At = call.At,
            ServiceTier = tier,

            // Where it ran says nothing about another model.
            Region = model == call.Model ? call.Region : null,
            Usage = usage,
        });
        _known.Add((provider, model, usage, tier, priced));
        return priced;
    }
}
