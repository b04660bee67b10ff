using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace LlmCostCache.AI;

/// <summary>Adds up one request at list prices, then adjusts the sum, then converts it; it is rounded by whoever makes it <see cref="Money"/>.</summary>
internal struct Bill(decimal factor, decimal unitsPerDollar)
{
    private const decimal Million = 1_000_000m;
    private const decimal MillisecondsPerSecond = 1000m;

    // A gigabyte in price lists has 10^9 bytes, and a day 24 hours.
    private const decimal ByteHoursPerGigabyteDay = 24_000_000_000m;

    private static readonly ImmutableSortedDictionary<string, decimal> s_noParts = ImmutableSortedDictionary.Create<string, decimal>(StringComparer.Ordinal);

    private PartBuffer _parts;

    /// <summary>The sum at list prices, in the currency of the price.</summary>
    public decimal List { get; private set; }

    /// <summary>The sum after discount and margin.</summary>
    public readonly decimal Native => Adjusted(List);

    public readonly decimal Dollars => ToDollars(List);

    /// <summary>Something was used for which the price has no rate.</summary>
    public RateKind? Missing { get; private set; }

    /// <param name="usage">What was used.</param>
    /// <param name="card">The rates that hold for the whole request.</param>
    /// <param name="factor">What discount and margin make of the list price.</param>
    /// <param name="unitsPerDollar">Units of the price's currency for one US dollar.</param>
    /// <param name="isFree">Whether nothing of the price costs anything.</param>
    public static Bill Of(TokenUsage usage, RateCard card, decimal factor, decimal unitsPerDollar, bool isFree)
    {
        var bill = new Bill(factor, unitsPerDollar);
        bill.AddTokens(usage, card);
        bill.Each(usage.WebSearches, RateKind.WebSearch, card);
        if (card[RateKind.Request] is not null)
        {
            bill.Each(usage.Requests, RateKind.Request, card);
        }

        bill.AddOtherUnits(usage, card, isFree);
        return bill;
    }

    /// <summary>The parts in dollars. Their sum is <see cref="Dollars"/> to the last digit.</summary>
    public readonly ImmutableSortedDictionary<string, decimal> Parts()
    {
        if (List == 0m || factor == 0m)
        {
            return s_noParts;
        }

        var parts = s_noParts.ToBuilder();
        var (sum, largest) = (0m, 0);
        for (var kind = 0; kind < RateCard.Kinds; kind++)
        {
            if (_parts[kind] != 0m)
            {
                var part = ToDollars(_parts[kind]);
                parts.Add(RateCard.PartNames[kind], part);
                sum += part;
                largest = _parts[kind] > _parts[largest] ? kind : largest;
            }
        }

        // Quotients have 28 digits, so a sum of quotients can miss the quotient of the sum by the last of them, which decides ties.
        if (Dollars - sum is var rest and not 0m)
        {
            parts[RateCard.PartNames[largest]] += rest;
        }

        return parts.ToImmutable();
    }

    private void AddTokens(TokenUsage usage, RateCard card)
    {
        // A model that is billed by the image, the second or the character may report tokens as well.
        if (!card.HasTokenRates && ((card[RateKind.Image] is not null && usage.Images > 0) || (card[RateKind.AudioSecond] is not null && usage.Milliseconds > 0)
            || (card[RateKind.VideoSecond] is not null && usage.VideoMilliseconds > 0) || (card[RateKind.Characters] is not null && usage.Characters > 0)))
        {
            return;
        }

        Tokens(usage.UncachedInputTokens, RateKind.Input, card);
        Tokens(usage.CachedInputTokens, RateKind.CachedInput, card);
        Tokens(usage.CacheWrite5mTokens, RateKind.CacheWrite5m, card);
        Tokens(usage.CacheWrite1hTokens, RateKind.CacheWrite1h, card);
        Tokens(usage.InputAudioTokens, RateKind.InputAudio, card);
        Tokens(usage.CachedAudioTokens, RateKind.CachedAudio, card);
        Tokens(usage.InputImageTokens, RateKind.InputImage, card);
        Tokens(usage.CachedImageTokens, RateKind.CachedImage, card);
        Tokens(usage.InputVideoTokens, RateKind.InputVideo, card);
        Tokens(usage.CitationTokens, RateKind.Citation, card);
        Tokens(usage.OutputTokens, RateKind.Output, card);
        Tokens(usage.ReasoningTokens, RateKind.Reasoning, card);
        Tokens(usage.OutputAudioTokens, RateKind.OutputAudio, card);
        Tokens(usage.OutputImageTokens, RateKind.OutputImage, card);
        Tokens(usage.OutputVideoTokens, RateKind.OutputVideo, card);
    }

    private void AddOtherUnits(TokenUsage usage, RateCard card, bool isFree)
    {
        // The same picture, sound or text counted twice, in tokens or requests that have a price and in another unit that has none, is billed once.
        var counted = isFree || usage.TotalTokens > 0 || (usage.Requests > 0 && card[RateKind.Request] > 0m);
        var asVideo = usage.InputVideoTokens > 0 || usage.OutputVideoTokens > 0;
        Other(usage.Images, RateKind.Image, card, per: 1m, isBilledAlready: usage.OutputImageTokens > 0);
        Other(usage.Milliseconds, RateKind.AudioSecond, card, MillisecondsPerSecond, isBilledAlready: counted);
        Other(usage.VideoMilliseconds, RateKind.VideoSecond, card, MillisecondsPerSecond, isBilledAlready: asVideo);
        Other(usage.ComputeMilliseconds, RateKind.ComputeSecond, card, MillisecondsPerSecond, isBilledAlready: false);
        Other(usage.Characters, RateKind.Characters, card, Million, isBilledAlready: counted);
        Other(usage.StorageByteHours, RateKind.StorageGbDay, card, ByteHoursPerGigabyteDay, isBilledAlready: false);
    }

    private void Tokens(long count, RateKind kind, RateCard card) => Add(count, kind, card, Million);

    private void Each(long count, RateKind kind, RateCard card) => Add(count, kind, card, 1m);

    private void Other(long count, RateKind kind, RateCard card, decimal per, bool isBilledAlready)
    {
        if (card[kind] is not null || !isBilledAlready)
        {
            Add(count, kind, card, per);
        }
    }

    private readonly decimal Adjusted(decimal list) => factor == 1m ? list : list * factor;

    private readonly decimal ToDollars(decimal list) => unitsPerDollar == 1m ? Adjusted(list) : Adjusted(list) / unitsPerDollar;

    private void Add(long count, RateKind kind, RateCard card, decimal per)
    {
        if (count == 0)
        {
            return;
        }

        if (card[kind] is not { } rate)
        {
            Missing ??= kind;
            return;
        }

        var list = count * rate / per;
        List += list;
        _parts[(int)kind] += list;
    }

    [InlineArray(RateCard.Kinds)]
    private struct PartBuffer
    {
        private decimal _first;
    }
}
