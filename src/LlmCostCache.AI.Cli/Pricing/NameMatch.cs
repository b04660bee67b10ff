namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>How a name came to mean a model.</summary>
internal static class NameMatch
{
    /// <summary>The way in words, in the order in which the resolver tries the ways.</summary>
    public static string Words(PriceEntry entry, string reported)
    {
        var patterns = ProviderDirectory.Instance.Patterns;
        var name = ModelName.Of(reported, patterns);
        if (entry.KnownFrom == "rule")
        {
            return "by rule: what runs on one's own machine is free";
        }

        if (name.Forms.Concat(WithoutSeller(name.Forms[0])).FirstOrDefault(form => Same(form, entry.Id)) is { } id)
        {
            return Same(id, reported) ? "exact id" : $"exact id, after leaving out a prefix: {id}";
        }

        if (name.Forms.FirstOrDefault(form => entry.Aliases.Any(alias => Same(alias, form))) is { } alias)
        {
            return Same(alias, reported) ? "alias" : $"alias, after leaving out a prefix: {alias}";
        }

        foreach (var form in name.Forms)
        {
            if (entry.StartsWith.FirstOrDefault(beginning => form.StartsWith(beginning, StringComparison.OrdinalIgnoreCase) && patterns.IsOnlySuffixes(form.AsSpan(beginning.Length))) is { } found)
            {
                return $"beginning: {found}";
            }
        }

        return name.UndatedForms.FirstOrDefault(form => Same(form, entry.Id) || entry.Aliases.Any(other => Same(other, form))) is { } undated
            ? $"dated suffix left out: {undated}"
            : "another name of the same model";
    }

    private static IEnumerable<string> WithoutSeller(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 ? [name[(slash + 1)..]] : [];
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);
}
