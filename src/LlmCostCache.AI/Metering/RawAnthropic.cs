using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads messages and stream events of Anthropic's own SDK, whose models write themselves as JSON when they are turned into text.</summary>
internal static class RawAnthropic
{
    /// <param name="raw">A message, or an event: the one that starts a message, or the one with its last counts.</param>
    public static RawFacts Read(object raw)
    {
        // By properties it is a part; without them, because they were trimmed away, it is all of it.
        var inner = RawProperties.Get(raw, "Value") ?? raw;
        var holder = RawProperties.Get(inner, "Message") ?? inner;
        if (RawProperties.Get(holder, "Usage") is { } usage && Parse(usage) is { } part)
        {
            using (part)
            {
                return UsageJson.Read(part.RootElement);
            }
        }

        if (Parse(raw) is { } all)
        {
            using (all)
            {
                return UsageJson.OfAnswer(all.RootElement);
            }
        }

        return RawUsage.OfProperties(raw) ?? RawFacts.Unread;
    }

    private static JsonDocument? Parse(object model)
    {
        try
        {
            return model.ToString() is { Length: > 0 } text && text[0] == '{' ? JsonDocument.Parse(text) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NotSupportedException)
        {
            return null;
        }
    }
}
