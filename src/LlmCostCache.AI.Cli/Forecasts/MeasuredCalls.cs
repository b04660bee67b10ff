using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>How many paid calls there were, what they cost and how much they had to read and write: calls of which all three are known.</summary>
internal sealed class MeasuredCalls
{
    /// <summary>A row of a provider's report counts as the requests that it adds up.</summary>
    public long Calls { get; private set; }

    public Money Spent { get; private set; }

    public decimal Tokens { get; private set; }

    /// <summary>Rows of reports that do not say how many requests they add up.</summary>
    public long Uncounted { get; private set; }

    public void Add(UsageRecord row)
    {
        var usage = row.Cost.Usage;
        var calls = Repricer.IsOfReport(row) ? usage.Requests : 1;
        if (calls <= 0)
        {
            Uncounted++;
        }
        else if (row.Cost.Amount is { } amount)
        {
            Calls += calls;
            Spent += amount;
            Tokens += usage.TotalTokens;
        }
    }
}
