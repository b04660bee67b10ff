using System.ClientModel.Primitives;
using System.Collections;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>
/// Reads answers of OpenAI's SDK, and of the many servers that are asked through it. Their models write themselves as JSON, with what the SDK has no property for:
/// writes to the cache, DeepSeek's hits, the cost that OpenRouter reports. That way is not trimmed; properties only save writing all of it.
/// </summary>
internal static class RawOpenAI
{
    private static readonly ModelReaderWriterOptions s_json = new("J");

    /// <param name="model">A chat completion, a response, embeddings, the update of a stream, or a usage.</param>
    /// <param name="whole">Whether to look beyond the usage that the SDK knows: Groq reports in a place of its own.</param>
    public static RawFacts Read(IPersistableModel<object> model, bool whole)
    {
        var facts = ReadAny(model, whole);
        return facts.Usage is { InputTokenCount: 0, OutputTokenCount: 0 } && IsSilent(RawProperties.Get(RawProperties.Get(model, "Response") ?? model, "Usage"))
            ? facts with { Usage = null, IsSilent = true }
            : facts;
    }

    private static RawFacts ReadAny(IPersistableModel<object> model, bool whole)
    {
        // Updates of the Responses API hold the response.
        object holder = RawProperties.Get(model, "Response") ?? model;
        if (!whole && RawProperties.Has(holder, "Usage"))
        {
            var tier = RawProperties.Text(RawProperties.Get(holder, "ServiceTier"));
            if (RawProperties.Get(holder, "Usage") is not IPersistableModel<object> usage)
            {
                return new() { ServiceTier = tier, IsRead = true };
            }

            using var part = JsonDocument.Parse(usage.Write(s_json));
            var facts = UsageJson.Read(part.RootElement).WithSearches(SearchesOf(RawProperties.Get(holder, "OutputItems") as IEnumerable));
            return tier is not null || RawProperties.Has(holder, "ServiceTier") || holder is not IPersistableModel<object> all ? facts with { ServiceTier = tier ?? facts.ServiceTier } : OfAll(all);
        }

        return OfAll(model);
    }

    // The items of a response that are searches have a type of their own; the others are as long as the answer and not written.
    private static long SearchesOf(IEnumerable? items)
    {
        var searches = 0;
        foreach (var item in items ?? Array.Empty<object>())
        {
            if (item is IPersistableModel<object> call && item.GetType().Name.Contains("WebSearch", StringComparison.Ordinal))
            {
                using var written = JsonDocument.Parse(call.Write(s_json));
                searches += UsageJson.IsBilledSearch(written.RootElement) ? 1 : 0;
            }
        }

        return searches;
    }

    // The SDK reads zeros from a usage that is empty, and writes them. What it read them from is kept in its patch alone.
    private static bool IsSilent(object? usage)
    {
#pragma warning disable SCME0001 // The type is marked as one that may change; nothing but this reads it, and what it cannot say counts as a statement.
        return RawProperties.GetReferenced(usage, "Patch") is JsonPatch patch
            && !patch.TryGetJson("$.prompt_tokens"u8, out _) && !patch.TryGetJson("$.completion_tokens"u8, out _)
            && !patch.TryGetJson("$.input_tokens"u8, out _) && !patch.TryGetJson("$.output_tokens"u8, out _);
#pragma warning restore SCME0001
    }

    private static RawFacts OfAll(IPersistableModel<object> model)
    {
        using var document = JsonDocument.Parse(model.Write(s_json));
        return UsageJson.OfAnswer(document.RootElement);
    }
}
