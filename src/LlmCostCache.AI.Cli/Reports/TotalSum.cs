namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Totals of totals: whoever adds up the rows of a report gets its last line, to the nano-dollar.</summary>
internal static class TotalSum
{
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public static LedgerTotal Of(IEnumerable<LedgerTotal> totals, string? key = null) => totals.Aggregate(new LedgerTotal { Key = key }, static (sum, total) => checked(sum with
    {
        Calls = sum.Calls + total.Calls,
        Hits = sum.Hits + total.Hits,
        Blocked = sum.Blocked + total.Blocked,
        Failed = sum.Failed + total.Failed,
        Unpriced = sum.Unpriced + total.Unpriced,
        Spent = sum.Spent + total.Spent,
        Low = sum.Low + total.Low,
        High = sum.High + total.High,
        Saved = sum.Saved + total.Saved,
        Usage = sum.Usage + total.Usage,
    }));
}
