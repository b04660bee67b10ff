using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>The providers' own prompt caches: read once from <c>Catalogue/_prompt_caches.json</c>.</summary>
internal sealed class PromptCaches
{
    private static readonly Lazy<PromptCaches> s_loaded = new(Load);

    private PromptCaches(JsonElement root) => Rules = [.. root.GetProperty("rules").EnumerateArray().Select(Read)];

    public static PromptCaches Instance => s_loaded.Value;

    public IReadOnlyList<PromptCacheRule> Rules { get; }

    /// <summary>The rule for a model of the price book; the last one holds for everybody.</summary>
    public PromptCacheRule RuleFor(string? provider, string? model)
    {
        var name = model is null ? "" : model[(model.LastIndexOf('/') + 1)..];
        return Rules.First(rule => rule.HoldsFor(provider, name));
    }

    private static PromptCaches Load()
    {
        using var stream = BuiltInCatalogue.Open("_prompt_caches");
        using var document = JsonDocument.Parse(stream);
        return new(document.RootElement);
    }

    private static PromptCacheRule Read(JsonElement rule) => new()
    {
        Providers = Strings(rule, "providers"),
        Models = Strings(rule, "models"),
        IsAutomatic = rule.GetProperty("kind").GetString() == "automatic",
        MinimumTokens = Number(rule, "minimum_tokens", 0),
        StepTokens = Number(rule, "step_tokens", 1),
        Lifetime = TimeSpan.FromMinutes(Number(rule, "minutes", 0)),
        Source = rule.GetProperty("source").GetString()!,
    };

    private static string[] Strings(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var array) ? [.. array.EnumerateArray().Select(item => item.GetString()!)] : [];

    private static long Number(JsonElement parent, string name, long otherwise) =>
        parent.TryGetProperty(name, out var number) ? number.GetInt64() : otherwise;
}
