namespace LlmCostCache.AI;

/// <summary>What may stand before and after the name of a model without making it another one; <c>#</c> is a digit.</summary>
internal sealed class NamePatterns(string[] prefixes, string[] datedSuffixes, string[] previewSuffixes)
{
    /// <summary>The name without one prefix of a catalogue or region; null when it has none.</summary>
    public string? WithoutPrefix(string name)
    {
        foreach (var prefix in prefixes)
        {
            if (name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return name[prefix.Length..];
            }
        }

        return null;
    }

    /// <summary>The name without one date or version mark at its end; null when it has none.</summary>
    public string? WithoutDate(string name)
    {
        foreach (var suffix in datedSuffixes)
        {
            if (name.Length > suffix.Length && Matches(name.AsSpan(name.Length - suffix.Length), suffix))
            {
                return name[..^suffix.Length];
            }
        }

        return null;
    }

    /// <summary>Whether nothing but dates, versions and preview marks is there.</summary>
    public bool IsOnlySuffixes(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
        {
            return true;
        }

        foreach (var suffix in previewSuffixes)
        {
            if (rest.Length >= suffix.Length && Matches(rest[..suffix.Length], suffix) && IsOnlySuffixes(rest[suffix.Length..]))
            {
                return true;
            }
        }

        foreach (var suffix in datedSuffixes)
        {
            if (rest.Length >= suffix.Length && Matches(rest[..suffix.Length], suffix) && IsOnlySuffixes(rest[suffix.Length..]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(ReadOnlySpan<char> text, string pattern)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '#' ? !char.IsAsciiDigit(text[i]) : char.ToLowerInvariant(text[i]) != pattern[i])
            {
                return false;
            }
        }

        return true;
    }
}
