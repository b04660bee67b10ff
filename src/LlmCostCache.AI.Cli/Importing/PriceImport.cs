using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>What has to be written so that a book says what a comparison accepted, and nothing else changes.</summary>
internal static class PriceImport
{
    // Each round writes down only names that the round before moved by accident; a second one is already rare.
    private const int MaxRounds = 8;

    /// <summary>The prices that the file of the user has to hold besides what it holds.</summary>
    /// <param name="comparison">What changes.</param>
    /// <param name="book">The book as it is.</param>
    /// <param name="file">What the file of the user holds.</param>
    /// <param name="from">The first day of changed prices.</param>
    /// <param name="today">The day the prices become known.</param>
    public static IReadOnlyList<PriceAddition> AdditionsOf(PriceComparison comparison, PriceBook book, IReadOnlyList<PriceEntry> file, DateOnly from, DateOnly today)
    {
        Dictionary<string, PriceAddition> additions = new(StringComparer.OrdinalIgnoreCase);
        foreach (var models in comparison.Accepted.GroupBy(change => change.Name, StringComparer.OrdinalIgnoreCase))
        {
            var change = models.First();
            var entry = change.Model.Entry;
            if (change.Kind == ChangeKind.New)
            {
                additions.Add(models.Key, new(entry, [.. entry.Prices.Select(price => price.KnownFrom is null ? price.KnownSince(today) : price)]));
            }
            else
            {
                var names = change.KnownEntry is { } known && string.Equals(known.Id, entry.Id, StringComparison.OrdinalIgnoreCase) ? known : null;
                DatedPrice[] prices = [.. models.Select(change => change.Price!.Dated(change.EffectiveFrom, today))];
                additions.Add(models.Key, new(Named(entry, names, comparison), [.. prices, .. Announced(change, prices[^1].EffectiveFrom, file, today)]));
            }
        }

        Pin(additions, comparison, book, file, from);
        return [.. additions.Values];
    }

    /// <summary>
    /// What the book knows that a price will be later than the list speaks of. An entry of the file hides the one it overrides with all its days, so what was announced is written down beside
    /// it; what the file itself announces stays there anyway.
    /// </summary>
    private static IEnumerable<DatedPrice> Announced(PriceChange change, DateOnly? last, IReadOnlyList<PriceEntry> file, DateOnly today) =>
        change.KnownEntry is { } known && !file.Any(mine => mine.Id.Equals(change.Model.Entry.Id, StringComparison.OrdinalIgnoreCase) && SoldBy(mine) == SoldBy(change.Model.Entry)) ? known.Prices.Where(price => price.EffectiveFrom > today && price.EffectiveFrom > (last ?? today)) : [];

    /// <summary>
    /// An override of "gpt-4o" also prices "gpt-4o-2024-05-13", because dated names fall back to their family. So whatever would move without being
    /// in the list, or against the list, is written down with the prices that it has.
    /// </summary>
    private static void Pin(Dictionary<string, PriceAddition> additions, PriceComparison comparison, PriceBook book, IReadOnlyList<PriceEntry> file, DateOnly from)
    {
        var at = new DateTimeOffset(from.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        var patterns = ProviderDirectory.Instance.Patterns;
        var expected = FactsToKeep(additions, comparison, book, at);
        for (var round = 0; round < MaxRounds; round++)
        {
            var layer = new PriceLayer(Entries(file, additions.Values), "file", PriceBook.FileName);
            var before = additions.Count;
            foreach (var (name, (provider, id, fact)) in expected)
            {
                var found = layer.Find([provider], ModelName.Of(id, patterns), patterns);
                if (found.Length > 0 && found[0].IndexAt(at) is var index and >= 0 && RateMove.Between(fact.Price!, found[0].Prices[index]).Count > 0 && !additions.ContainsKey(name))
                {
                    additions.Add(name, new(Named(fact.Entry!, null, comparison, id, provider), fact.Entry!.Prices));
                }
            }

            if (additions.Count == before)
            {
                return;
            }
        }
    }

    /// <summary>Every name of the providers concerned that does not change, and its price.</summary>
    private static Dictionary<string, (string Provider, string Id, PriceFact Fact)> FactsToKeep(
        Dictionary<string, PriceAddition> additions, PriceComparison comparison, PriceBook book, DateTimeOffset at)
    {
        Dictionary<string, (string, string, PriceFact)> facts = new(StringComparer.OrdinalIgnoreCase);
        foreach (var sold in additions.Values.Where(addition => addition.Entry.Provider is not null).GroupBy(addition => PriceLayer.Key(addition.Entry.Provider!), StringComparer.Ordinal))
        {
            var provider = sold.First().Entry.Provider!;
            var followers = sold.SelectMany(addition => addition.Entry.Aliases).ToHashSet(StringComparer.OrdinalIgnoreCase);
            var listed = comparison.Changes.Select(change => change.Model.Entry).Where(entry => entry.Provider is { } seller && PriceLayer.Key(seller) == sold.Key).Select(entry => entry.Id);
            var builtIn = ProviderDirectory.Instance.ByName(provider) is { } known ? BuiltInCatalogue.Shared.Of(known.Id).Entries : [];
            foreach (var id in listed.Concat(builtIn.SelectMany(entry => entry.Aliases.Prepend(entry.Id))).Where(id => !followers.Contains(id)))
            {
                var name = $"{provider}/{id}";
                if (!additions.ContainsKey(name) && book.FactOf(provider, id, at) is { Price: not null } fact)
                {
                    facts.TryAdd(name, (provider, id, fact));
                }
            }
        }

        return facts;
    }

    private static IReadOnlyList<PriceEntry> Entries(IReadOnlyList<PriceEntry> file, IEnumerable<PriceAddition> additions)
    {
        Dictionary<string, PriceEntry> entries = new(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in file)
        {
            entries[Key(entry)] = entry;
        }

        foreach (var addition in additions)
        {
            var before = entries.GetValueOrDefault(Key(addition.Entry));
            entries[Key(addition.Entry)] = new()
            {
                Provider = addition.Entry.Provider,
                Id = addition.Entry.Id,
                Aliases = before?.Aliases ?? addition.Entry.Aliases,
                StartsWith = before?.StartsWith ?? addition.Entry.StartsWith,
                Currency = addition.Entry.Currency,
                Prices = [.. (before?.Prices ?? []).Concat(addition.Prices).OrderBy(price => price.EffectiveFrom).ThenBy(price => price.KnownFrom)],
            };
        }

        return [.. entries.Values];

        static string Key(PriceEntry entry) => $"{SoldBy(entry)}\n{entry.Id}";
    }

    private static string SoldBy(PriceEntry entry) => entry.Provider is null ? "" : PriceLayer.Key(entry.Provider);

    /// <summary>The model under its id, with the other names that the book knows it by, except those that the list has an own price for.</summary>
    private static PriceEntry Named(PriceEntry entry, PriceEntry? names, PriceComparison comparison, string? id = null, string? provider = null)
    {
        var listed = comparison.Changes.Select(change => change.Model.Entry.Id).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new()
        {
            Provider = provider ?? entry.Provider,
            Id = id ?? entry.Id,
            Mode = entry.Mode,
            Aliases = names is null ? [] : [.. names.Aliases.Where(alias => !listed.Contains(alias))],
            StartsWith = names?.StartsWith ?? [],
            ContextWindow = names?.ContextWindow ?? entry.ContextWindow,
            MaxOutputTokens = names?.MaxOutputTokens ?? entry.MaxOutputTokens,
            Encoding = names?.Encoding ?? entry.Encoding,
            Currency = entry.Currency,
            Free = entry.Free,
            Prices = entry.Prices,
            Sources = entry.Sources,
            Checked = entry.Checked,
            Note = entry.Note,
        };
    }
}
