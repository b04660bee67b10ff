using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Names that somebody may have meant.</summary>
internal static class NearestNames
{
    // A longer text is no slip of the finger, and the work grows with the square of the length.
    private const int LongestName = 100;
    private const int MostSuggestions = 5;

    /// <summary>The models of the book that may be meant.</summary>
    public static IReadOnlyList<string> In(PriceBook book, string model, string? provider, DateTimeOffset at)
    {
        var seller = provider is null ? null : PriceLayer.Key(provider);
        var names = BookView.Effective(book, at).Entries.Where(item => seller is null || (item.Entry.Provider is { } name && PriceLayer.Key(name) == seller)).SelectMany(item => item.Entry.Aliases.Prepend(item.Entry.Id));
        return Of(model, names, MostSuggestions);
    }

    /// <summary>What to do about a model that has no price.</summary>
    public static string Sentence(IReadOnlyList<string> suggestions) => suggestions.Count > 0
        ? Shown.OneLine($"Did you mean: {string.Join(", ", suggestions)}?")
        : "'llmcost prices list' shows the names that have one; prices of your own go into prices.json.";

    /// <summary>The names that take the fewest changes, or that contain what was asked for, the nearest first.</summary>
    public static IReadOnlyList<string> Of(string asked, IEnumerable<string> names, int most)
    {
        var wanted = asked.Trim().ToLowerInvariant();
        if (wanted.Length is 0 or > LongestName)
        {
            return [];
        }

        var allowed = Math.Max(1, wanted.Length / 3);
        return
        [
            .. names.Where(name => name.Length <= LongestName).Distinct(StringComparer.OrdinalIgnoreCase)
                .Select(name => (Name: name, Distance: Distance(wanted, name.ToLowerInvariant())))
                .Where(pair => pair.Distance <= allowed || (wanted.Length > 2 && pair.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase)))
                .OrderBy(pair => pair.Distance).ThenBy(pair => pair.Name, StringComparer.OrdinalIgnoreCase)
                .Take(most)
                .Select(pair => pair.Name),
        ];
    }

    /// <summary>How many letters have to be put in, left out or changed.</summary>
    public static int Distance(string left, string right)
    {
        var row = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[right.Length];
    }
}
