using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>The price files inside the package, each read when its provider is first asked for.</summary>
internal sealed class BuiltInCatalogue
{
    private readonly ConcurrentDictionary<string, Lazy<ModelIndex>> _indexes = new(StringComparer.Ordinal);

    /// <summary>The one that all books of a process share.</summary>
    public static BuiltInCatalogue Shared { get; } = new();

    /// <summary>The files that were read so far.</summary>
    public IEnumerable<string> FilesRead => _indexes.Where(pair => pair.Value.IsValueCreated).Select(pair => pair.Key);

    public ModelIndex Of(string provider) => _indexes.GetOrAdd(provider, static id => new(() => Read(id))).Value;

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
