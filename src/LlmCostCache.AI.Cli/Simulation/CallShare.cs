using System.Globalization;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Which calls belong to a share of them.</summary>
internal static class CallShare
{
    /// <summary>The same request always falls on the same side, or a cache would see two of it. Without a key the share is spread evenly.</summary>
    public static bool Holds(decimal share, long number, CacheKey? request)
    {
        if (share <= 0m)
        {
            return false;
        }

        // Multiples of the golden ratio lie as evenly as numbers can (Knuth, The Art of Computer Programming 6.4).
        const ulong Golden = 0x9E3779B97F4A7C15;
        var place = request is { } key ? (uint)key.GetHashCode() : (uint)(((ulong)number * Golden) >> 32);
        return place < share * 4_294_967_296m;
    }

    /// <exception cref="UsageException">It is no share.</exception>
    public static decimal? Read(string option, string? text) => text is null ? null
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0m and <= 1m ? share
        : throw new UsageException($"{option} '{text}' is not a share from 0 to 1.");
}
