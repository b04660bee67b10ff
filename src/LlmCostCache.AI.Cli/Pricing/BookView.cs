namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Every model that has a price in a book at one time, each once, from the strongest source that has one.</summary>
internal sealed class BookView
{
    public const string BuiltInName = "built-in";

    private readonly Dictionary<string, BookEntry> _byName = new(StringComparer.OrdinalIgnoreCase);

    private BookView(IEnumerable<(PriceEntry Entry, string Origin)> entries, DateTimeOffset at, DateTimeOffset? knownAt)
    {
        foreach (var (entry, origin) in entries)
        {
            var index = entry.IndexAt(at, knownAt);
            if (index >= 0)
            {
                _byName.TryAdd(Key(entry.Provider, entry.Id), new(entry, index, origin));
            }
        }
    }

    public IEnumerable<BookEntry> Entries => _byName.Values;

    public static BookView BuiltIn(DateTimeOffset at, DateTimeOffset? knownAt = null) => new(BuiltInEntries(), at, knownAt);

    public static BookView Effective(PriceBook book, DateTimeOffset at, DateTimeOffset? knownAt = null) =>
        new(book.Layers.SelectMany(layer => layer.Entries, (layer, entry) => (entry, layer.Origin)).Concat(BuiltInEntries()), at, knownAt);

    public static BookView Of(IEnumerable<PriceEntry> entries, string origin, DateTimeOffset at, DateTimeOffset? knownAt = null) => new(entries.Select(entry => (entry, origin)), at, knownAt);

    public BookEntry? Find(string? provider, string id) => _byName.GetValueOrDefault(Key(provider, id));

    private static IEnumerable<(PriceEntry Entry, string Origin)> BuiltInEntries() =>
        ProviderDirectory.Instance.Providers.SelectMany(provider => BuiltInCatalogue.Shared.Of(provider.Id).Entries).Select(entry => (entry, BuiltInName));

    private static string Key(string? provider, string id) => $"{(provider is null ? "" : PriceLayer.Key(provider))}\n{id}";
}
