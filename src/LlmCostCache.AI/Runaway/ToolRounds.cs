using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>The rounds of tools at the end of a conversation: what a model asked for, and whether it asked for the same again.</summary>
/// <param name="Count">How many rounds at the end are the same as the last one, itself included; zero when the conversation does not end in a round.</param>
/// <param name="Tools">The tools of the last round, each once, separated by commas.</param>
internal readonly record struct ToolRounds(int Count, string Tools)
{
    private const int MaxShown = 100;

    /// <summary>Looks at the end of a conversation, no further back than it has to.</summary>
    /// <param name="messages">The conversation as it is about to be sent.</param>
    /// <param name="atMost">Where counting may stop.</param>
    /// <param name="mayRepeat">Whether a round with this tool is never a repeated one.</param>
    public static ToolRounds AtTheEndOf(IReadOnlyList<ChatMessage> messages, int atMost, Func<string, bool> mayRepeat)
    {
        var end = messages.Count;
        if (RoundBefore(messages, ref end) is not { } last || last.Exists(call => mayRepeat(call.Name)))
        {
            return default;
        }

        var wanted = Signature(last);
        var count = 1;
        while (count < atMost && RoundBefore(messages, ref end) is { } earlier && Signature(earlier) == wanted)
        {
            count++;
        }

        return Of(count, last);
    }

    /// <summary>So many rounds in a row that asked for these tools.</summary>
    public static ToolRounds Of(int count, IReadOnlyList<FunctionCallContent> calls)
    {
        var tools = string.Join(", ", calls.Select(call => call.Name).Distinct(StringComparer.Ordinal));
        return new(count, tools.Length <= MaxShown ? tools : tools[..MaxShown] + "...");
    }

    // Backwards: answers of tools, then what asked for them, with whatever the model said beside it. Anything else in between, a user's word as a rule, is a new beginning.
    private static List<FunctionCallContent>? RoundBefore(IReadOnlyList<ChatMessage> messages, ref int end)
    {
        var i = end - 1;
        var answers = 0;
        while (i >= 0 && messages[i].Contents.Any(static content => content is FunctionResultContent) && !messages[i].Contents.Any(static content => content is FunctionCallContent))
        {
            (i, answers) = (i - 1, answers + 1);
        }

        if (answers == 0)
        {
            return null;
        }

        var calls = new List<FunctionCallContent>();
        for (; i >= 0 && messages[i].Role == ChatRole.Assistant; i--)
        {
            calls.AddRange(messages[i].Contents.OfType<FunctionCallContent>());
        }

        end = i + 1;
        return calls.Count > 0 ? calls : null;
    }

    /// <summary>What a round asks for. It does not depend on the order that calls and arguments are named in.</summary>
    public static string Signature(IReadOnlyList<FunctionCallContent> calls) => string.Join('\n', calls.Select(Signature).Order(StringComparer.Ordinal));

    private static string Signature(FunctionCallContent call)
    {
        var text = new StringBuilder(call.Name);
        foreach (var (name, value) in call.Arguments?.OrderBy(argument => argument.Key, StringComparer.Ordinal) ?? Enumerable.Empty<KeyValuePair<string, object?>>())
        {
            text.Append('\t').Append(name).Append('=').Append(Text(value));
        }

        return text.ToString();
    }

    private static string? Text(object? value)
    {
        switch (value)
        {
            case null:
                return "null";
            case JsonElement { ValueKind: not JsonValueKind.Undefined } element:
                return element.GetRawText();
            default:
                try
                {
                    return JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
                }
                catch (Exception exception) when (exception is NotSupportedException or JsonException or InvalidOperationException)
                {
                    return value.ToString();
                }
        }
    }
}
