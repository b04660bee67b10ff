using System.Runtime.CompilerServices;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Takes the attempts of a ledger apart into charges. What an attempt cost is what the ledger says; the price book only says how it divides among the kinds of tokens. Attempts
/// without a price are no charge of zero: they are left out and counted, as are hits and refusals, for which no provider charges.
/// </summary>
internal sealed class FocusCharges(PriceBook prices)
{
    private const decimal MillisecondsPerSecond = 1_000m;
    private const decimal ByteHoursPerGigabyteDay = 24_000_000_000m;

    private static readonly Measure[] s_measures =
    [
        Tokens("input", "Input Tokens", static usage => usage.UncachedInputTokens),
        Tokens("cached_input", "Cached Input Tokens", static usage => usage.CachedInputTokens),
        Tokens("cache_write_5m", "Cache Write Tokens (5 Minutes)", static usage => usage.CacheWrite5mTokens),
        Tokens("cache_write_1h", "Cache Write Tokens (1 Hour)", static usage => usage.CacheWrite1hTokens),
        Tokens("input_audio", "Audio Input Tokens", static usage => usage.InputAudioTokens),
        Tokens("cached_audio", "Cached Audio Input Tokens", static usage => usage.CachedAudioTokens),
        Tokens("input_image", "Image Input Tokens", static usage => usage.InputImageTokens),
        Tokens("cached_image", "Cached Image Input Tokens", static usage => usage.CachedImageTokens),
        Tokens("input_video", "Video Input Tokens", static usage => usage.InputVideoTokens),
        Tokens("citation", "Citation Tokens", static usage => usage.CitationTokens),
        Tokens("output", "Output Tokens", static usage => usage.OutputTokens),
        Tokens("reasoning", "Reasoning Tokens", static usage => usage.ReasoningTokens),
        Tokens("output_audio", "Audio Output Tokens", static usage => usage.OutputAudioTokens),
        Tokens("output_image", "Image Output Tokens", static usage => usage.OutputImageTokens),
        Tokens("output_video", "Video Output Tokens", static usage => usage.OutputVideoTokens),
        new("web_search", "Web Searches", "Searches", IsToken: false, static usage => usage.WebSearches),
        new("request", "Requests", "Requests", IsToken: false, static usage => usage.Requests),
        new("image", "Images", "Images", IsToken: false, static usage => usage.Images),
        new("audio_second", "Audio", "Seconds", IsToken: false, static usage => usage.Milliseconds / MillisecondsPerSecond),
        new("video_second", "Video", "Seconds", IsToken: false, static usage => usage.VideoMilliseconds / MillisecondsPerSecond),
        new("compute_second", "Compute", "Seconds", IsToken: false, static usage => usage.ComputeMilliseconds / MillisecondsPerSecond),
        new("characters", "Characters", "Characters", IsToken: false, static usage => usage.Characters),
        new("storage_gb_day", "Storage", "GB-Days", IsToken: false, static usage => usage.StorageByteHours / ByteHoursPerGigabyteDay),
    ];

    /// <summary>Attempts that became charges.</summary>
    public long Attempts { get; private set; }

    /// <summary>Attempts that were left out because nobody knows what they cost.</summary>
    public long Unpriced { get; private set; }

    /// <summary>Hits, refusals and failures, which no provider charged.</summary>
    public long Uncharged { get; private set; }

    public async IAsyncEnumerable<FocusCharge> OfAsync(IAsyncEnumerable<UsageRecord> rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            var isBilled = row.Cost.CacheLayer == CacheLayer.None && row.Status is CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed;
            if (row.Cost.Amount is { } cost ? cost == Money.Zero && !isBilled : !isBilled)
            {
                Uncharged++;
            }
            else if (row.Cost.Amount is null)
            {
                Unpriced++;
            }
            else
            {
                Attempts++;
                foreach (var charge in Of(row))
                {
                    yield return charge;
                }
            }
        }
    }

    public IEnumerable<FocusCharge> Of(UsageRecord row)
    {
        var (usage, cost) = (row.Cost.Usage, row.Cost.Amount!.Value);
        var priced = Price(row, usage);
        var isSum = UsageFlags.Has(row.Flags, UsageFlags.Aggregated);
        IReadOnlyDictionary<string, decimal> parts = isSum ? PartsInShortPrompts(row) : priced.Parts;
        var measures = s_measures.Where(measure => measure.Of(usage) > 0m && (measure.IsToken || parts.ContainsKey(measure.Kind))).ToList();
        var weights = measures.ConvertAll(measure => parts.GetValueOrDefault(measure.Kind));
        var whole = weights.Sum();
        if (measures.Count == 0 || (whole == 0m && cost != Money.Zero))
        {
            // A cost that somebody else named, of a model without a price: it belongs to the request as a whole.
            var requests = Math.Max(1, usage.Requests);
            return [new FocusCharge(row, "request", "Requests", requests, "Requests", cost, cost.Usd, cost.Usd)];
        }

        // Only when the book still says what the ledger says are its unrounded amounts those of this call. Nobody pays a unit price for a sum of requests: theirs is the average.
        var isExact = !isSum && priced.Cost.Certainty == CostCertainty.Known && priced.Cost.Amount == cost && row.Cost.Certainty == CostCertainty.Known;
        var toList = isExact && priced is { ListCost: { } list, NativeCost: { } native and not 0m } ? list / native : 1m;
        var shares = Shares(cost.Nanos, weights, whole);
        return measures.Select((measure, i) =>
        {
            var billed = Money.FromNanos(shares[i]);
            var contracted = isExact ? weights[i] : billed.Usd;
            return new FocusCharge(row, measure.Kind, measure.Meter, measure.Of(usage), measure.Unit, billed, contracted, isExact ? contracted * toList : contracted);
        });
    }

    private PricedUsage Price(UsageRecord row, TokenUsage usage) =>
        prices.Price(new PriceQuery { Provider = row.Provider, Model = row.Model, At = row.At, ServiceTier = row.ServiceTier, Region = row.Region, Usage = usage });

    /// <summary>The parts of many short requests: priced as one, their sum would divide as a prompt so long divides that none of them was.</summary>
    private Dictionary<string, decimal> PartsInShortPrompts(UsageRecord row)
    {
        var parts = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var (usage, times) in ShortPrompts.Of(row.Cost.Usage))
        {
            foreach (var (kind, amount) in Price(row, usage).Parts)
            {
                parts[kind] = parts.GetValueOrDefault(kind) + amount * times;
            }
        }

        return parts;
    }

    /// <summary>Whole nano-dollars by weight that add up to the total: what is left over goes one by one to those that rounding took most from.</summary>
    private static long[] Shares(long total, List<decimal> weights, decimal whole)
    {
        var shares = new long[weights.Count];
        if (whole == 0m)
        {
            return shares;
        }

        var exact = weights.ConvertAll(weight => total * (weight / whole));
        for (var i = 0; i < shares.Length; i++)
        {
            shares[i] = (long)decimal.Floor(exact[i]);
        }

        var left = total - shares.Sum();
        foreach (var i in Enumerable.Range(0, shares.Length).OrderByDescending(i => exact[i] - shares[i]).ThenBy(static i => i).Take((int)left))
        {
            shares[i]++;
        }

        return shares;
    }

    private static Measure Tokens(string kind, string meter, Func<TokenUsage, decimal> of) => new(kind, meter, "Tokens", IsToken: true, of);

    private sealed record Measure(string Kind, string Meter, string Unit, bool IsToken, Func<TokenUsage, decimal> Of);
}
