namespace LlmCostCache.AI;

/// <summary>
/// The models of one provider in one source, by the names they go by. Exact id beats alias, alias beats beginning, the longer beginning wins.
/// </summary>
internal sealed class ModelIndex
{
    private readonly Dictionary<string, PriceEntry> _byId;
    private readonly Dictionary<string, PriceEntry[]> _byAlias;
    private readonly (string Beginning, PriceEntry Entry)[] _beginnings;

    public ModelIndex(IReadOnlyList<PriceEntry> entries)
    {
        Entries = entries;
        _byId = entries.ToDictionary(entry => entry.Id, StringComparer.OrdinalIgnoreCase);
        _byAlias = entries.SelectMany(entry => entry.Aliases, (entry, alias) => (entry, alias))
            .GroupBy(pair => pair.alias, pair => pair.entry, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.Distinct().ToArray(), StringComparer.OrdinalIgnoreCase);
        _beginnings = entries.SelectMany(entry => entry.StartsWith, (entry, beginning) => (beginning, entry))
            .OrderByDescending(pair => pair.beginning.Length)
            .ToArray();
    }

    public IReadOnlyList<PriceEntry> Entries { get; }

    /// <summary>The models that were known on a day; this index itself when all were.</summary>
    public ModelIndex AsKnownOn(DateOnly day) => Entries.All(entry => entry.IsKnownOn(day)) ? this : new([.. Entries.Where(entry => entry.IsKnownOn(day))]);

    /// <summary>The models that a name can mean: none, one, or several between which nothing decides.</summary>
    public PriceEntry[] Find(ModelName name, NamePatterns patterns)
    {
        foreach (var form in name.Forms)
        {
            if (_byId.TryGetValue(form, out var entry))
            {
                return [entry];
            }
        }

        foreach (var form in name.Forms)
        {
            if (_byAlias.TryGetValue(form, out var entries))
            {
                return entries;
            }
        }

        foreach (var form in name.Forms)
        {
            var entries = ByBeginning(form, patterns);
            if (entries.Length > 0)
            {
                return entries;
            }
        }

        // Only now may a date come off: a dated id that is not listed costs what its family costs, a listed one never does.
        foreach (var form in name.UndatedForms)
        {
            if (_byId.TryGetValue(form, out var entry))
            {
                return [entry];
            }

            if (_byAlias.TryGetValue(form, out var entries))
            {
                return entries;
            }
        }

        return [];
    }

    /// <summary>The models whose very id or alias the name is, as resellers list them.</summary>
    public PriceEntry[] FindExactly(ModelName name)
    {
        foreach (var form in name.Forms)
        {
            if (_byId.TryGetValue(form, out var entry))
            {
                return [entry];
            }

            if (_byAlias.TryGetValue(form, out var entries))
            {
                return entries;
            }
        }

        return [];
    }

    private PriceEntry[] ByBeginning(string form, NamePatterns patterns)
    {
        var length = -1;
        List<PriceEntry>? found = null;
        foreach (var (beginning, entry) in _beginnings)
        {
            if (length >= 0 && beginning.Length < length)
            {
                break;
            }

            // What follows must be a date or a preview mark: "-5" after "claude-sonnet-4" is a newer sibling, "-lite" a different product.
            if (form.StartsWith(beginning, StringComparison.OrdinalIgnoreCase) && patterns.IsOnlySuffixes(form.AsSpan(beginning.Length)))
            {
                length = beginning.Length;
                (found ??= []).Add(entry);
            }
        }

        return found is null ? [] : [.. found.Distinct()];
    }
}
