using System.Globalization;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Bytes and spans of time for people.</summary>
internal static class Sizes
{
    private static readonly string[] s_units = ["B", "KB", "MB", "GB", "TB"];

    /// <summary>As in <c>12.3 MB</c>, of 1,024 each.</summary>
    public static string Text(long bytes)
    {
        var (amount, unit) = ((decimal)bytes, 0);
        while (amount >= 1024 && unit < s_units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }

        return $"{amount.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {s_units[unit]}";
    }

    /// <summary>A moment as it is shown, in UTC.</summary>
    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
