namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>
/// Prices rows of the ledger again. What a row knows and a price book does not stays as it was booked: the provider's own word, prices set in code, amounts that were given.
/// </summary>
/// <param name="prices">The prices.</param>
/// <param name="effectiveOn">The day whose prices hold; null is each call's own.</param>
/// <param name="knownAt">When the prices must have been known; null is now.</param>
internal sealed class Repricer(PriceBook prices, DateOnly? effectiveOn = null, DateTimeOffset? knownAt = null)
{
    public RepricedCall Of(UsageRecord row)
    {
        var booked = row.Cost;
        if (row.Status is CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked or CallStatus.Failed)
        {
            return new(booked, RepricingGround.Unbilled);
        }

        if (HasFlag(row, TelemetryNames.ProviderCostFlag))
        {
            return new(booked, RepricingGround.ProviderCost);
        }

        var revision = PriceRevision.Read(booked.PriceRevision);
        if (revision is { KnownFrom: PriceRevision.Code })
        {
            return new(booked, RepricingGround.PriceInCode);
        }

        if (booked.Usage == TokenUsage.None || IsOfReport(row) || (revision is null && booked.Certainty == CostCertainty.Known))
        {
            return new(booked, RepricingGround.NotFromCounts);
        }

        var priced = Price(row, revision);
        if (revision is { Adjustment: { Length: > 0 } agreed } && PriceRevision.Read(priced.Cost.PriceRevision)?.Adjustment != agreed)
        {
            return new(booked, RepricingGround.PriceInCode);
        }

        var cost = AtTheRateOf(row, priced);
        return booked.Certainty switch
        {
            CostCertainty.Bounded when revision is null => UnlessHeld(row, cost),
            // The row knows more than its counts: how small the estimate can be, or how many requests went before.
            CostCertainty.Bounded or CostCertainty.Known when cost.PriceRevision == booked.PriceRevision && (booked.Certainty, cost.Certainty) != (CostCertainty.Known, CostCertainty.Known) =>
                new(booked, RepricingGround.Priced),
            CostCertainty.Bounded => new(Scaled(booked, cost), RepricingGround.Priced),
            _ => new(OfCounts(row, cost), RepricingGround.Priced),
        };
    }

    /// <summary>Whether the row adds up many requests that a provider reported: which step of a price each of them reached, the sum does not say.</summary>
    public static bool IsOfReport(UsageRecord row) => HasFlag(row, UsageFlags.Imported) && HasFlag(row, UsageFlags.Aggregated);

    /// <summary>What other counts or another tier would have cost in the place of a row's own, from the seller of the row at the prices of its time.</summary>
    /// <returns>Null where no price book can say it: the provider named the cost itself, the price is set in code, or there is none.</returns>
    public CallCost? InPlaceOf(UsageRecord row, TokenUsage usage, string? serviceTier)
    {
        var revision = PriceRevision.Read(row.Cost.PriceRevision);
        if (usage == TokenUsage.None || IsOfReport(row) || HasFlag(row, TelemetryNames.ProviderCostFlag) || revision is { KnownFrom: PriceRevision.Code })
        {
            return null;
        }

        var other = row with { Cost = row.Cost with { Usage = usage }, ServiceTier = serviceTier };
        var priced = Price(other, revision);
        if (priced.Cost.Certainty == CostCertainty.Unknown || (revision is { Adjustment: { Length: > 0 } agreed } && PriceRevision.Read(priced.Cost.PriceRevision)?.Adjustment != agreed))
        {
            return null;
        }

        return AtTheRateOf(other, priced);
    }

    /// <summary>
    /// The row does not keep the host that was called, so an OpenAI client in front of DeepSeek looks like OpenAI's. The revision says whose price it was: unless the
    /// provider of the row itself answers for it, that is who is asked.
    /// </summary>
    private PricedUsage Price(UsageRecord row, PriceRevision? revision)
    {
        var query = new PriceQuery
        {
            Provider = row.Provider,
            Model = row.Model,
            At = effectiveOn is { } day ? new DateTimeOffset(day.ToDateTime(TimeOnly.FromDateTime(row.At.UtcDateTime)), TimeSpan.Zero) : row.At,
            KnownAt = knownAt,
            ServiceTier = row.ServiceTier,
            Region = row.Region,
            Usage = row.Cost.Usage,
        };
        var own = prices.Price(query);
        if (revision is not { } booked || booked.Provider == PriceRevision.AnyProvider || SpeaksForItself(row.Provider, own, booked))
        {
            return own;
        }

        var ofSeller = prices.Price(query with { Provider = booked.Provider });
        if (ofSeller is { Cost.PriceRevision: not null } && (ofSeller.Provider is null || ofSeller.Provider == booked.Provider))
        {
            return ofSeller;
        }

        var byId = prices.Price(query with { Provider = booked.Provider, Model = booked.Model });
        return byId.Cost.PriceRevision is null ? own : byId;
    }

    /// <summary>Whether the provider of the row is enough to find who sold the call: it is the seller, or there is a price for exactly this name, or for any.</summary>
    private static bool SpeaksForItself(string? provider, PricedUsage own, PriceRevision booked)
    {
        if (own.Cost.PriceRevision is null)
        {
            return false;
        }

        return ProviderDirectory.Instance.ByName(provider) is { } named
            ? named.Id == booked.Provider || named.Then.Contains(booked.Provider)
            : own.Provider is null || (provider is not null && PriceLayer.Key(own.Provider) == PriceLayer.Key(provider));
    }

    private static bool HasFlag(UsageRecord row, string flag) => row.Flags?.Split(',').Contains(flag, StringComparer.Ordinal) == true;

    /// <summary>At the exchange rate that the row keeps: other prices are the question, not other currencies.</summary>
    private static CallCost AtTheRateOf(UsageRecord row, PricedUsage priced) =>
        priced is { Cost.Certainty: CostCertainty.Known, NativeCost: { } native, FxRate: { } rate } && row.FxRate is { } kept && kept != rate && row.Currency == priced.Currency
            ? CallCost.Known(Money.FromUsd(native / kept)) with { Usage = priced.Cost.Usage, PriceRevision = priced.Cost.PriceRevision, Reason = priced.Cost.Reason }
            : priced.Cost;

    /// <summary>What a budget had held was booked because there was no price; a price that is there now says more, if the counts are the provider's.</summary>
    private static RepricedCall UnlessHeld(UsageRecord row, CallCost cost) => cost.Certainty != CostCertainty.Unknown && row.UsageSource == "provider" && HasFlag(row, UsageFlags.HeldAmount)
        ? new(cost, RepricingGround.Priced)
        : new(row.Cost, RepricingGround.NotFromCounts);

    /// <summary>Counts that are a lower end, estimated without a price, still are one when there is a price.</summary>
    private static CallCost OfCounts(UsageRecord row, CallCost cost) => row.UsageSource == "provider" || row.Cost.Certainty == CostCertainty.Known || cost.Certainty == CostCertainty.Unknown
        ? cost
        : CallCost.Unpriced("The counts are a lower end, estimated without a price") with { Low = cost.Low, Usage = cost.Usage, PriceRevision = cost.PriceRevision };

    /// <summary>The counts of an estimate are those of its upper end; its lower end keeps its distance, because the counts of that one are not in the row.</summary>
    private static CallCost Scaled(CallCost booked, CallCost cost)
    {
        if (cost.Certainty == CostCertainty.Unknown)
        {
            return cost;
        }

        var low = booked.High == Money.Zero ? Money.Zero : Money.FromNanos((long)(booked.Low.Nanos * (Int128)cost.Low.Nanos / booked.High.Nanos));
        return CallCost.Between(Money.Min(low, cost.High), cost.High, booked.Reason) with { Usage = cost.Usage, PriceRevision = cost.PriceRevision };
    }
}
