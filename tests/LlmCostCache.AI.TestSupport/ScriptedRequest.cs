using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>What a client sent.</summary>
/// <param name="Path">The path, for example <c>/v1/chat/completions</c>.</param>
/// <param name="Body">The body as text.</param>
public sealed record ScriptedRequest(string Path, string Body)
{
    /// <summary>What follows the path, with its question mark; empty when nothing does.</summary>
    public string Query { get; init; } = "";

    /// <summary>The headers, by name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The body's root; undefined when it is empty.</summary>
    public JsonElement Json => Body.Length == 0 ? default : JsonElement.Parse(Body);
}
