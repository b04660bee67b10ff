namespace LlmCostCache.AI;

/// <summary>The prices of one source that overrides the built-in book: by provider, and for any provider.</summary>
internal sealed class PriceLayer
{
    private readonly Dictionary<string, ModelIndex> _byProvider;
    private readonly ModelIndex? _any;

    /// <param name="entries">The prices.</param>
    /// <param name="origin">The kind of source in one word.</param>
    /// <param name="source">The source as error messages name it.</param>
    public PriceLayer(IReadOnlyList<PriceEntry> entries, string origin, string source)
    {
        (Entries, Origin, Source) = (entries, origin, source);
        var groups = entries.ToLookup(entry => entry.Provider is null ? "" : Key(entry.Provider), StringComparer.Ordinal);
        _byProvider = groups.Where(group => group.Key.Length > 0)
            .ToDictionary(group => group.Key, group => new ModelIndex([.. group]), StringComparer.Ordinal);
        _any = groups.Contains("") ? new([.. groups[""]]) : null;
    }

    public IReadOnlyList<PriceEntry> Entries { get; }

    /// <summary>The kind of source in one word: <c>code</c>, <c>environment</c>, <c>file</c>.</summary>
    public string Origin { get; }

    /// <summary>The source as error messages name it, such as the path of the file.</summary>
    public string Source { get; }

    /// <summary>The models that were known on a day.</summary>
    public PriceLayer AsKnownOn(DateOnly day) =>
        Entries.All(entry => entry.IsKnownOn(day)) ? this : new([.. Entries.Where(entry => entry.IsKnownOn(day))], Origin, Source);

    /// <summary>
    /// The models that a name can mean. A price for the provider beats one for any; when the provider is not known, every provider's price
    /// is meant.
    /// </summary>
    public PriceEntry[] Find(IReadOnlyList<string> providers, ModelName name, NamePatterns patterns)
    {
        foreach (var provider in providers)
        {
            if (_byProvider.TryGetValue(Key(provider), out var index) && index.Find(name, patterns) is { Length: > 0 } found)
            {
                return found;
            }
        }

        if (_any?.Find(name, patterns) is { Length: > 0 } anyones)
        {
            return anyones;
        }

        return providers.Count > 0 ? [] : [.. _byProvider.Values.SelectMany(index => index.Find(name, patterns))];
    }

    /// <summary>One word for all names of a provider: an override may say "gcp.gemini" where the book says "google".</summary>
    public static string Key(string provider) => ProviderDirectory.Instance.ByName(provider)?.Id ?? ProviderDirectory.Normalized(provider);
}
