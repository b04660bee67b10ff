namespace LlmCostCache.AI.Tests;

/// <summary>Cases that the library still gets wrong, with what is missing. A case that passes must leave the list; a release has none.</summary>
internal static class KnownFailures
{
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
    };
}
