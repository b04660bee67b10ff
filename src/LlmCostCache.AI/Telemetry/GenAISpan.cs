using System.Diagnostics;

namespace LlmCostCache.AI;

/// <summary>Recognises the span of one model call.</summary>
/// <remarks>
/// By what it says, not by its source: <c>UseOpenTelemetry(sourceName: ...)</c> gives the source any name, and the default source also
/// makes <c>orchestrate_tools</c>, <c>execute_tool</c> and <c>invoke_agent</c> spans, which contain model calls and must not carry their
/// cost a second time.
/// </remarks>
internal static class GenAISpan
{
    private const string Chat = "chat";
    private const string Embeddings = "embeddings";

    /// <summary>
    /// Whether <paramref name="activity"/> is the span of a call of this kind. An embedding made inside a chat call is not that chat call.
    /// </summary>
    public static bool IsFor(string operation, Activity activity) =>
        !activity.IsStopped && KindOf(NameOf(activity)) is { } kind && kind == (KindOf(operation) ?? operation);

    // A span that is only propagated, not recorded, has no tags but keeps its name. The name alone is believed of a client span only:
    // "chat turn" may be anybody's name for a whole conversation.
    private static ReadOnlySpan<char> NameOf(Activity activity)
    {
        if (activity.GetTagItem(TelemetryNames.Operation) is string tagged)
        {
            return tagged;
        }

        if (activity.Kind != ActivityKind.Client)
        {
            return default;
        }

        var name = activity.DisplayName.AsSpan();
        var end = name.IndexOf(' ');
        return end < 0 ? name : name[..end];
    }

    private static string? KindOf(ReadOnlySpan<char> operation) => operation switch
    {
        "chat" or "chat.completions" or "text_completion" or "text.completions" or "generate_content" => Chat,
        "embeddings" => Embeddings,
        _ => null,
    };
}
