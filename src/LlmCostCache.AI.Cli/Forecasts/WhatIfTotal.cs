namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>What calls cost, beside what they would have cost.</summary>
internal sealed class WhatIfTotal(string? model)
{
    /// <summary>The model that answered; null for rows without one, and for the whole.</summary>
    public string? Model { get; } = model;

    public long Calls { get; private set; }

    public long Tokens { get; private set; }

    /// <summary>What was booked for calls of which both sides are known.</summary>
    public Money Booked { get; private set; }

    /// <summary>The lower end of <see cref="Booked"/>: what is booked of an estimate is its upper end.</summary>
    public Money Low { get; private set; }

    public Money Other { get; private set; }

    /// <summary>Calls of which only one side or none is known; they are in neither sum.</summary>
    public long Unknown { get; private set; }

    /// <summary>What was booked for all calls that have a price.</summary>
    public Money AllBooked { get; private set; }

    /// <summary>Calls without a booked price.</summary>
    public long Unpriced { get; private set; }

    public Money Difference => Other - Booked;

    /// <summary>The difference in percent of what was booked; null when nothing was.</summary>
    public decimal? Percent => Booked == Money.Zero ? null : decimal.Round(100m * Difference.Nanos / Booked.Nanos, 2);

    /// <summary>Takes a call in.</summary>
    public void Count(UsageRecord row)
    {
        Calls++;
        Tokens += row.Cost.Usage.TotalTokens;
        if (row.Cost.Amount is { } amount)
        {
            AllBooked += amount;
        }
        else
        {
            Unpriced++;
        }
    }

    /// <summary>Puts what a call cost beside what it would have cost; null when that is not known.</summary>
    public void Compare(UsageRecord row, Money? other)
    {
        if (row.Cost.Amount is { } booked && other is { } known)
        {
            Booked += booked;
            Low += row.Cost.Low;
            Other += known;
        }
        else
        {
            Unknown++;
        }
    }
}
