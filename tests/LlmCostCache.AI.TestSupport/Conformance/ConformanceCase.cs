using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmCostCache.AI;

/// <summary>One case of the conformance suite: what a provider sent, and what that must cost by the vendor's price list.</summary>
public sealed record ConformanceCase
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,

        // A misspelt expectation would expect nothing.
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Adapter and file, for example <c>openai-chat/cached</c>.</summary>
    [JsonIgnore]
    public string Name { get; private init; } = "";

    /// <summary>The folder of the case.</summary>
    [JsonIgnore]
    public string Adapter => Name[..Name.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>What the case shows, in a sentence.</summary>
    public required string About { get; init; }

    /// <summary>When the call is made; it decides the price, so that later prices leave the case alone.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The address the client is given; its host tells vendors apart that speak the same protocol.</summary>
    public required Uri Endpoint { get; init; }

    public required ConformanceRequest Request { get; init; }

    /// <summary>Names the user has mapped to models, such as Azure deployments.</summary>
    public Dictionary<string, string> Aliases { get; init; } = [];

    public required WireReply Reply { get; init; }

    public required ExpectedCost Expected { get; init; }

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.Tests", "Conformance", "Cases");

    /// <summary>Every case, by name.</summary>
    public static IReadOnlyDictionary<string, ConformanceCase> All { get; } =
        Directory.EnumerateFiles(Folder, "*.json", SearchOption.AllDirectories).Select(Load).OrderBy(test => test.Name, StringComparer.Ordinal).ToDictionary(test => test.Name);

    private static ConformanceCase Load(string file)
    {
        try
        {
            var name = Path.ChangeExtension(Path.GetRelativePath(Folder, file), null).Replace(Path.DirectorySeparatorChar, '/');
            return JsonSerializer.Deserialize<ConformanceCase>(File.ReadAllBytes(file), s_json)! with { Name = name };
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{file}: {exception.Message}", exception);
        }
    }
}
