using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Finds the one entry whose key begins as it was written.</summary>
internal static class EntryChoice
{
    private const int MostNamed = 10;

    /// <exception cref="UsageException">It is no beginning of a key.</exception>
    public static string DigitsOf(string key)
    {
        var digits = key.ToLowerInvariant();
        return digits.Length is > 0 and <= CacheKey.Size * 2 && digits.All(char.IsAsciiHexDigitLower)
            ? digits
            : throw new UsageException($"'{Shown.OneLine(key)}' is not the beginning of a key, which has {CacheKey.Size * 2} hexadecimal digits; 'llmcost cache list' shows them.");
    }

    /// <summary>The entry; null, told on standard error, when there is none.</summary>
    /// <exception cref="UsageException">There are several, which the message names.</exception>
    public static CacheEntry? Find(CacheFile? file, string digits, AnswerSeal seal, CliHost host)
    {
        var found = file?.WithKey(digits, MostNamed + 1) ?? [];
        if (found.Count == 0)
        {
            host.Error.WriteLine($"llmcost: no entry has a key that begins with {digits}; 'llmcost cache list' shows what there is.");
            return null;
        }

        if (found.Count == 1)
        {
            return found[0];
        }

        var lines = found.Take(MostNamed).Select(entry => file!.Open(entry, seal))
            .Select(entry => $"  {entry.Key}  {Shown.OneLine(EntryFields.Model(entry))}, stored {Sizes.Text(entry.StoredAt)}, {Amounts.Count(entry.Hits)} {(entry.Hits == 1 ? "hit" : "hits")}");
        throw new UsageException($"{(found.Count > MostNamed ? "More than " + Amounts.Count(MostNamed) : Amounts.Count(found.Count))} entries have a key that begins with {digits}; write more of it:"
            + $"{Environment.NewLine}{string.Join(Environment.NewLine, lines)}");
    }
}
