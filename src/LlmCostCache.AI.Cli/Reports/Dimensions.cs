using System.Globalization;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The words for what totals are grouped by.</summary>
internal static class Dimensions
{
    private static readonly Dictionary<string, LedgerDimension> s_byWord = Enum.GetValues<LedgerDimension>().ToDictionary(WordOf, StringComparer.OrdinalIgnoreCase);

    public static string[] Words => [.. s_byWord.Keys];

    public static LedgerDimension Of(string word) => s_byWord[word];

    public static string WordOf(LedgerDimension dimension) => dimension == LedgerDimension.CacheLayer ? "cache-layer" : dimension.ToString().ToLower(CultureInfo.InvariantCulture);
}
