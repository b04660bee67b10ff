using System.IO.Enumeration;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Whether an answer may have cost more output than can be seen: models that reason bill what they do not show.</summary>
internal static class HiddenReasoning
{
    private static readonly Lazy<string[]> s_models = new(Load);

    /// <summary>By the model's name, as <c>Catalogue/_reasoning.json</c> lists them.</summary>
    public static bool IsPossible(string? model)
    {
        if (string.IsNullOrEmpty(model))
        {
            return false;
        }

        // Routers and clouds put the vendor in front: openai/gpt-5, google/gemini-2.5-pro, xai.grok-4.
        var name = model.AsSpan(model.LastIndexOf('/') + 1);
        foreach (var pattern in s_models.Value)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a piece of the answer shows that there was reasoning; what is shown is often only its summary.</summary>
    public static bool IsShownBy(IList<AIContent> contents)
    {
        for (var i = 0; i < contents.Count; i++)
        {
            if (contents[i] is TextReasoningContent)
            {
                return true;
            }
        }

        return false;
    }

    private static string[] Load()
    {
        using var stream = BuiltInCatalogue.Open("_reasoning");
        using var document = JsonDocument.Parse(stream);
        return [.. document.RootElement.GetProperty("models").EnumerateArray().Select(model => model.GetString()!)];
    }
}
