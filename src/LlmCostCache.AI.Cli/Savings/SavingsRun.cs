using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>Goes through the ledger once and files every call under what it saved.</summary>
/// <remarks>
/// What a hit saved in net stands in its row and is added up as it stands. The gross figure is what the same call costs with its whole prompt read anew: what a product
/// that knows of no prompt caching at the provider would claim.
/// </remarks>
internal sealed class SavingsRun(Repricer repricer)
{
    private const string StandardTier = "standard";

    private static readonly CacheLayer[] s_layers = [CacheLayer.Memory, CacheLayer.Disk, CacheLayer.Distributed, CacheLayer.Semantic, CacheLayer.Coalesced, CacheLayer.None];

    private readonly Dictionary<CacheLayer, SavingsLever> _layers = s_layers.ToDictionary(layer => layer, layer => new SavingsLever(LedgerWords.Word(layer)));

    /// <summary>Each layer, whether or not it answered anything; the semantic one, and hits of which nobody said the layer, only when there are any.</summary>
    public IReadOnlyList<SavingsLever> Layers => [.. s_layers.Where(layer => layer is not (CacheLayer.Semantic or CacheLayer.None) || _layers[layer].Calls > 0).Select(layer => _layers[layer])];

    /// <summary>What the cache itself spent at providers: rows that say so with a negative saving.</summary>
    public SavingsLever OwnCosts { get; } = new("own_costs");

    public SavingsLever PromptCache { get; } = new("provider_prompt_cache");

    public SavingsLever ServiceTiers { get; } = new("service_tiers");

    public long Calls { get; private set; }

    /// <summary>The same with a row of a provider's report as the requests that it adds up; where it does not say how many, as one.</summary>
    public long Requests { get; private set; }

    public long Hits { get; private set; }

    public Money Spent { get; private set; }

    /// <summary>The lower end of what was spent on priced calls; what is booked of an estimate is its upper end.</summary>
    public Money Low { get; private set; }

    public long Unpriced { get; private set; }

    public DateTimeOffset? FirstCall { get; private set; }

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public async Task ReadAsync(LedgerView view, LedgerFilter filter, CancellationToken cancellationToken)
    {
        await foreach (var row in view.Ledger.ReadAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            Add(row);
        }
    }

    private void Add(UsageRecord row)
    {
        Calls++;
        Requests += Repricer.IsOfReport(row) ? Math.Max(1, row.Cost.Usage.Requests) : 1;
        FirstCall = FirstCall is { } first && first <= row.At ? first : row.At;
        Spent += row.Cost.Amount ?? Money.Zero;
        Low += row.Cost.Amount is null ? Money.Zero : row.Cost.Low;
        Unpriced += row.Cost.Certainty == CostCertainty.Unknown ? 1 : 0;
        if (row.Status is CallStatus.Cached or CallStatus.Coalesced)
        {
            Hits++;
            AddHit(_layers[row.Cost.CacheLayer], row);
            return;
        }

        if (row.Cost.Saved != Money.Zero)
        {
            OwnCosts.Add(Money.Zero, row.Cost.Saved);
        }

        if (row.Status is not (CallStatus.Blocked or CallStatus.Failed))
        {
            AddPaid(row);
        }
    }

    /// <summary>The gross figure is never below what the row says was saved: prices may have been corrected since, and the row keeps those of its day.</summary>
    private void AddHit(SavingsLever layer, UsageRecord row)
    {
        var anew = repricer.InPlaceOf(row, RepeatedPrompt.ReadAnew(row.Cost.Usage), row.ServiceTier);

        // The reason is why nothing was counted. A price that was added since says what the call costs, and not what the provider's own cache would have left of that.
        if (row.Cost.Saved == Money.Zero && row.Cost.Reason is not null && anew?.Low != Money.Zero)
        {
            layer.AddUnknown();
            return;
        }

        layer.Add(Money.Max(row.Cost.Saved, anew?.Low ?? Money.Zero), row.Cost.Saved);
    }

    /// <summary>What the provider's offers took off what was paid: a call at the same prices without them, less the call with them.</summary>
    private void AddPaid(UsageRecord row)
    {
        var usage = row.Cost.Usage;
        var read = usage.CachedInputTokens + usage.CachedAudioTokens + usage.CachedImageTokens;
        var written = usage.CacheWrite5mTokens + usage.CacheWrite1hTokens;
        var tier = string.IsNullOrEmpty(row.ServiceTier) || row.ServiceTier.Equals("default", StringComparison.OrdinalIgnoreCase)
            || row.ServiceTier.Equals(StandardTier, StringComparison.OrdinalIgnoreCase) ? null : row.ServiceTier;
        if (read + written == 0 && tier is null)
        {
            return;
        }

        var paid = repricer.InPlaceOf(row, usage, row.ServiceTier)?.Amount;
        if (read + written > 0)
        {
            var anew = repricer.InPlaceOf(row, RepeatedPrompt.ReadAnew(usage), row.ServiceTier)?.Amount;
            var unwritten = written == 0 ? paid : repricer.InPlaceOf(row, Unwritten(usage), row.ServiceTier)?.Amount;
            Add(PromptCache, anew - unwritten, anew - paid);
        }

        if (tier is not null)
        {
            var saved = repricer.InPlaceOf(row, usage, StandardTier)?.Amount - paid;
            Add(ServiceTiers, saved, saved);
        }
    }

    private static void Add(SavingsLever lever, Money? gross, Money? net)
    {
        if (gross is { } claimed && net is { } left)
        {
            lever.Add(claimed, left);
        }
        else
        {
            lever.AddUnknown();
        }
    }

    private static TokenUsage Unwritten(TokenUsage usage) => usage with
    {
        UncachedInputTokens = usage.UncachedInputTokens + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens,
        CacheWrite5mTokens = 0,
        CacheWrite1hTokens = 0,
    };
}
