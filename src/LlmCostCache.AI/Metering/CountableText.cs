using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>The text of a call that a tokenizer can count: all of it, or none.</summary>
/// <param name="Input">What was sent, piece by piece.</param>
/// <param name="Messages">How many messages it was.</param>
/// <param name="Output">What was received, piece by piece; joined it is one text.</param>
internal sealed record CountableText(IReadOnlyList<string> Input, int Messages, IReadOnlyList<string> Output)
{
    /// <summary>Null when something in the request is not text: tools, media and schemas are counted by rules that providers do not publish.</summary>
    public static CountableText? Of(IReadOnlyList<ChatMessage> messages, ChatOptions? options, IEnumerable<AIContent> output)
    {
        if (options is { Tools.Count: > 0 } or { ConversationId: not null } or { ResponseFormat: ChatResponseFormatJson { Schema: not null } })
        {
            return null;
        }

        var input = new List<string>();
        if (options?.Instructions is { } instructions)
        {
            input.Add(instructions);
        }

        foreach (var content in messages.SelectMany(message => message.Contents))
        {
            if (content is not TextContent { Text: var text })
            {
                return null;
            }

            input.Add(text);
        }

        var received = new List<string>();
        foreach (var content in output)
        {
            switch (content)
            {
                case TextContent text:
                    received.Add(text.Text);
                    break;
                case TextReasoningContent reasoning:
                    received.Add(reasoning.Text);
                    break;
                case UsageContent:
                    break;
                default:
                    return null;
            }
        }

        return new(input, messages.Count, received);
    }
}
