namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>Two sums over the same rows: as they were booked, and at other prices.</summary>
internal sealed class RepricedTotal(string? key)
{
    /// <summary>The value of the dimension; null for rows without one, and for the whole.</summary>
    public string? Key { get; } = key;

    public long Calls { get; private set; }

    public BookedSum Booked { get; } = new();

    public BookedSum Repriced { get; } = new();

    /// <summary>Rows whose booked amount differs, whether both are known or only one of them.</summary>
    public long Changed { get; private set; }

    /// <summary>Rows that had no price when they were booked and have one now; their cost is part of the difference.</summary>
    public RowSum NowPriced { get; } = new();

    /// <summary>Rows that had a price when they were booked and have none now; their cost is part of the difference.</summary>
    public RowSum NoLongerPriced { get; } = new();

    /// <summary>Rows that keep the cost which the provider reported.</summary>
    public RowSum ProviderCost { get; } = new();

    /// <summary>Rows that keep the cost of a price, a discount or a margin that llmcost cannot see.</summary>
    public RowSum PricedInCode { get; } = new();

    /// <summary>Rows that keep a cost which was not computed from their counts.</summary>
    public RowSum NotFromCounts { get; } = new();

    public Money Difference => Repriced.Spent - Booked.Spent;

    /// <summary>The difference in percent of what was booked, to two digits; null when nothing was.</summary>
    public decimal? Percent => Booked.Spent == Money.Zero ? null : decimal.Round(100m * Difference.Nanos / Booked.Spent.Nanos, 2);

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(CallCost booked, RepricedCall repriced)
    {
        var cost = repriced.Cost;
        Calls++;
        Booked.Add(booked);
        Repriced.Add(cost);
        Changed += booked.Amount != cost.Amount ? 1 : 0;
        switch (booked.Amount, cost.Amount)
        {
            case (null, { } now):
                NowPriced.Add(now);
                break;
            case ({ } before, null):
                NoLongerPriced.Add(before);
                break;
        }

        KeptBy(repriced.Ground)?.Add(cost.Amount ?? Money.Zero);
    }

    private RowSum? KeptBy(RepricingGround ground) => ground switch
    {
        RepricingGround.ProviderCost => ProviderCost,
        RepricingGround.PriceInCode => PricedInCode,
        RepricingGround.NotFromCounts => NotFromCounts,
        _ => null,
    };

    /// <summary>How many rows, and what they cost together.</summary>
    public sealed class RowSum
    {
        public long Calls { get; private set; }

        public Money Cost { get; private set; }

        public void Add(Money cost)
        {
            Calls++;
            Cost += cost;
        }
    }

    /// <summary>What is booked, between which ends, and how many rows are in no sum because their cost is unknown.</summary>
    public sealed class BookedSum
    {
        public Money Spent { get; private set; }

        public Money Low { get; private set; }

        public Money High { get; private set; }

        public long Unpriced { get; private set; }

        public void Add(CallCost cost)
        {
            if (cost.Amount is not { } amount)
            {
                Unpriced++;
                return;
            }

            Spent += amount;
            Low += cost.Low;
            High += cost.High;
        }
    }
}
