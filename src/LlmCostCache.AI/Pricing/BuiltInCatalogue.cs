using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>The price files inside the package, each read when its provider is first asked for.</summary>
internal sealed class BuiltInCatalogue
{
    private readonly ConcurrentDictionary<string, Lazy<ModelIndex>> _indexes = new(StringComparer.Ordinal);
    private readonly Func<string, ModelIndex> _read;

    public BuiltInCatalogue() => _read = Read;

    private BuiltInCatalogue(Func<string, ModelIndex> read) => _read = read;

    /// <summary>The one that all books of a process share.</summary>
    public static BuiltInCatalogue Shared { get; } = new();

    /// <summary>The files that were read so far.</summary>
    public IEnumerable<string> FilesRead => _indexes.Where(pair => pair.Value.IsValueCreated).Select(pair => pair.Key);

    public ModelIndex Of(string provider) => _indexes.GetOrAdd(provider, static (id, read) => new(() => read(id)), _read).Value;

    /// <summary>The models that were known on a day.</summary>
    public BuiltInCatalogue AsKnownOn(DateOnly day) => new(provider => Of(provider).AsKnownOn(day));

    public static Stream Open(string file) =>
        typeof(BuiltInCatalogue).Assembly.GetManifestResourceStream($"Catalogue/{file}.json")
        ?? throw new InvalidOperationException($"The package lacks its price file '{file}.json'.");

    public static ModelIndex Read(string provider)
    {
        using var stream = Open(provider);
        var json = new byte[stream.Length];
        stream.ReadExactly(json);
        return new(PriceFileReader.Read(json, $"Catalogue/{provider}.json"));
    }
}
