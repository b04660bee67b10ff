using System.Globalization;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Amounts and counts for people. Machines read <c>--json</c>, where every digit stands.</summary>
internal static class Amounts
{
    private const long NanosPerMicro = 1_000;

    /// <summary>Dollars to the micro-dollar; what is less, but not nothing, is called so.</summary>
    public static string Text(Money amount) =>
        amount.Nanos is > 0 and < NanosPerMicro ? "< $0.000001"
        : amount.Nanos is < 0 and > -NanosPerMicro ? "> -$0.000001"
        : amount.ToString("#,0.00####", CultureInfo.InvariantCulture);

    /// <summary>What was spent: a lower bound when some calls have no price.</summary>
    public static string Spent(LedgerTotal total) => total.Unpriced > 0 ? $">= {Text(total.Spent)}" : Text(total.Spent);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>For example <c>1 row</c> and <c>2 rows</c>.</summary>
    public static string Count(long count, string noun) => count == 1 ? $"1 {noun}" : $"{Count(count)} {noun}s";

    /// <summary>The share of calls that a cache answered; null without calls.</summary>
    public static decimal? HitRate(LedgerTotal total) => total.Calls == 0 ? null : decimal.Round((decimal)total.Hits / total.Calls, 4);

    public static string HitRateText(LedgerTotal total) => total.Calls > 0 ? ((decimal)total.Hits / total.Calls).ToString("0.0%", CultureInfo.InvariantCulture) : "-";

    /// <summary>The average amount of a call; a lower bound when some have no price.</summary>
    public static string PerCall(ReportRow row) => row.PerCall is not { } average ? "-" : row.Total.Unpriced > 0 ? $">= {Text(average)}" : Text(average);

    public static string Unpriced(long calls) => calls == 1 ? "1 call unpriced" : $"{Count(calls)} calls unpriced";
}
