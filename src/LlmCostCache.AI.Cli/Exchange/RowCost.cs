using System.Collections.Frozen;
using System.Globalization;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What a row says that the call cost, and whether it says so.</summary>
internal static class RowCost
{
    private static readonly FrozenDictionary<string, CostCertainty> s_certainties = Enum.GetValues<CostCertainty>().ToFrozenDictionary(LedgerWords.Word, StringComparer.Ordinal);

    /// <param name="fields">The row.</param>
    /// <param name="isOwn">Whether the row says anything about its cost, be it that nobody knows it.</param>
    /// <param name="isGiven">Whether somebody named an amount and nobody how certain it is.</param>
    public static CallCost Read(CheckedFields fields, out bool isOwn, out bool isGiven)
    {
        var (nanos, usd) = (fields.Count("cost_nanos"), fields.Decimal("cost_usd"));
        var (low, high) = (fields.Count("cost_low_nanos"), fields.Count("cost_high_nanos"));
        var saved = Saved(fields);
        var (revision, reason) = (fields.Text("price_revision"), fields.Text("reason"));
        if (usd is not null && fields.IsByAlias("cost_usd") && fields.Text("currency") is { } currency && !currency.Equals("usd", StringComparison.OrdinalIgnoreCase))
        {
            fields.Refuse($"\"cost\" is in {CheckedFields.Short(currency)}, and the ledger counts US dollars; give \"cost_usd\"");
        }

        if (usd < 0m || nanos < 0)
        {
            fields.Refuse(string.Create(CultureInfo.InvariantCulture, $"the cost is negative ({usd ?? nanos})"));
        }

        Money? amount = nanos is { } exact ? Money.FromNanos(exact) : null;
        if (usd is { } dollars && fields.Wrong is null)
        {
            var given = dollars > GivenCost.Most ? Money.MaxValue : GivenCost.Of(dollars);
            if (given != Money.MaxValue && (amount ?? given) != given)
            {
                fields.Refuse("\"cost_usd\" and \"cost_nanos\" are two different costs");
            }

            amount = given;
        }

        if (amount?.Usd > GivenCost.Most || (high ?? 0) > Money.FromUsd(GivenCost.Most).Nanos || Math.Abs(saved.Usd) > GivenCost.Most)
        {
            fields.Refuse("the cost is larger than any cost can be");
        }

        var said = fields.Text("certainty");
        var certainty = said is null ? amount is null ? CostCertainty.Unknown : (low ?? amount.Value.Nanos) == (high ?? amount.Value.Nanos) ? CostCertainty.Known : CostCertainty.Bounded
            : fields.Word(s_certainties, "certainty", CostCertainty.Unknown);
        isOwn = amount is not null || said is not null;
        isGiven = amount is not null && said is null;
        if (certainty == CostCertainty.Unknown)
        {
            if (amount is not null || low is not null || high is not null)
            {
                fields.Refuse("the cost is called unknown, and is there");
            }

            return CallCost.Unknown with { Saved = saved, PriceRevision = revision, Reason = reason };
        }

        amount ??= high is { } end ? Money.FromNanos(end) : null;
        if (amount is not { } cost)
        {
            fields.Refuse($"the cost is called {said}, and is not there");
            return CallCost.Unknown;
        }

        var (from, to) = (Money.FromNanos(low ?? cost.Nanos), Money.FromNanos(high ?? cost.Nanos));
        if (certainty == CostCertainty.Known && (from != cost || to != cost))
        {
            fields.Refuse("the cost is called known, and has another lower or upper end");
        }

        return new CallCost { Certainty = certainty, Amount = cost, Low = from, High = to, Saved = saved, PriceRevision = revision, Reason = reason };
    }

    private static Money Saved(CheckedFields fields)
    {
        // The only amount that may be below zero: a cache can spend more than it saves.
        var (nanos, usd) = (fields.Whole("saved_nanos"), fields.Decimal("saved_usd"));
        return nanos is { } exact ? Money.FromNanos(exact) : usd is not { } dollars ? Money.Zero : Math.Abs(dollars) < Money.MaxValue.Usd ? Money.FromUsd(dollars) : Money.MaxValue;
    }
}
