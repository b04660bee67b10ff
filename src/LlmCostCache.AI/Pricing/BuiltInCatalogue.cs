using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>The price files inside the package, each read when its provider is first asked for.</summary>
internal static class BuiltInCatalogue
{
    private static readonly ConcurrentDictionary<string, Lazy<ModelIndex>> Indexes = new(StringComparer.Ordinal);

    /// <summary>How many files were read so far; pricing one model must not read them all.</summary>
    public static int FilesRead => Indexes.Count(pair => pair.Value.IsValueCreated);

    public static ModelIndex Of(string provider) => Indexes.GetOrAdd(provider, static id => new(() => Read(id))).Value;

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
