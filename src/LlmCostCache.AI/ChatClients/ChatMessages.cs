using System.Text;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What the three chat clients do with messages: copy, clean, measure.</summary>
internal static class ChatMessages
{
    /// <summary>The messages as a list that can be read several times.</summary>
    public static IReadOnlyList<ChatMessage> AsList(IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return messages as IReadOnlyList<ChatMessage> ?? [.. messages];
    }

    /// <summary>A copy that its owner cannot add to, or take from.</summary>
    public static ChatMessage Copy(ChatMessage message)
    {
        var copy = message.Clone();
        copy.Contents = [.. message.Contents];
        return copy;
    }

    /// <summary>The messages without what we attached to earlier answers; the very same list when there is nothing to take off.</summary>
    public static IReadOnlyList<ChatMessage> WithoutOwnProperties(IReadOnlyList<ChatMessage> messages)
    {
        ChatMessage[]? cleaned = null;
        for (var i = 0; i < messages.Count; i++)
        {
            var properties = messages[i].AdditionalProperties;
            var rest = CostCarrier.WithoutOwn(properties);
            if (!ReferenceEquals(properties, rest))
            {
                cleaned ??= [.. messages];
                var copy = messages[i].Clone();
                copy.AdditionalProperties = rest;
                cleaned[i] = copy;
            }
        }

        return cleaned ?? messages;
    }

    /// <summary>The options without what our clients tell each other; null stays null.</summary>
    public static ChatOptions? WithoutOwnProperties(ChatOptions? options)
    {
        if (options?.AdditionalProperties is null)
        {
            return options;
        }

        var rest = CostCarrier.WithoutOwn(options.AdditionalProperties);
        if (ReferenceEquals(rest, options.AdditionalProperties))
        {
            return options;
        }

        var copy = options.Clone();
        copy.AdditionalProperties = rest;
        return copy;
    }

    /// <summary>
    /// A copy of the response that carries the cost of its attempt on its first message: callers further out collect messages, and add usage to the response
    /// they were given, so neither may be the provider's or the cache's own object.
    /// </summary>
    public static ChatResponse WithCost(ChatResponse response, string attemptId, CallCost cost)
    {
        var copy = ShallowCopy(response);
        if (copy.Messages.Count > 0)
        {
            var first = copy.Messages[0].Clone();
            first.AdditionalProperties = CostCarrier.WithoutOwn(first.AdditionalProperties)?.Clone();
            copy.Messages[0] = first;
        }
        else
        {
            copy.AdditionalProperties = copy.AdditionalProperties?.Clone();
        }

        return PutCost(copy, attemptId, cost);
    }

    /// <summary>Puts the cost on a response that nobody else holds, such as the fresh copy of a hit.</summary>
    public static ChatResponse PutCost(ChatResponse own, string attemptId, CallCost cost) => PutCost(own, attemptId, CostCarrier.Write(cost));

    /// <summary>The same with a cost that was written before.</summary>
    public static ChatResponse PutCost(ChatResponse own, string attemptId, string cost)
    {
        var properties = own.Messages.Count > 0 ? own.Messages[0].AdditionalProperties ??= [] : own.AdditionalProperties ??= [];
        properties[CostCarrier.KeyOf(attemptId)] = cost;
        return own;
    }

    /// <summary>A copy of the response that says why it was not stored.</summary>
    public static ChatResponse WithBypass(ChatResponse response, string callId, string reason)
    {
        var copy = ShallowCopy(response);
        if (copy.Messages.Count > 0)
        {
            copy.Messages[0] = copy.Messages[0].Clone();
            copy.Messages[0].AdditionalProperties = With(copy.Messages[0].AdditionalProperties, callId, reason);
        }
        else
        {
            copy.AdditionalProperties = With(copy.AdditionalProperties, callId, reason);
        }

        return copy;
    }

    /// <summary>A copy of the update that says why the answer was not stored.</summary>
    public static ChatResponseUpdate WithBypass(ChatResponseUpdate update, string callId, string reason)
    {
        var copy = update.Clone();
        copy.AdditionalProperties = With(copy.AdditionalProperties, callId, reason);
        return copy;
    }

    private static AdditionalPropertiesDictionary With(AdditionalPropertiesDictionary? properties, string callId, string reason)
    {
        var copy = properties?.Clone() ?? [];
        copy[CostCarrier.BypassKeyOf(callId)] = reason;
        return copy;
    }

    /// <summary>The update that ends a stream and carries its cost; it joins the last message, so that it makes none of its own.</summary>
    public static ChatResponseUpdate TrailingUpdate(string attemptId, CallCost cost, ChatResponseUpdate? last) => TrailingUpdate(attemptId, CostCarrier.Write(cost), last);

    /// <summary>The same with a cost that was written before.</summary>
    public static ChatResponseUpdate TrailingUpdate(string attemptId, string cost, ChatResponseUpdate? last) => Trailing(CostCarrier.KeyOf(attemptId), cost, last);

    /// <summary>The same with the reason why the answer did not pass the cache.</summary>
    public static ChatResponseUpdate TrailingBypass(string callId, string reason, ChatResponseUpdate? last) => Trailing(CostCarrier.BypassKeyOf(callId), reason, last);

    private static ChatResponseUpdate Trailing(string key, string text, ChatResponseUpdate? last) => new()
    {
        MessageId = last?.MessageId,
        ResponseId = last?.ResponseId,
        ConversationId = last?.ConversationId,
        ModelId = last?.ModelId,
        CreatedAt = last?.CreatedAt,
        Role = last?.Role,
        AuthorName = last?.AuthorName,
        AdditionalProperties = new() { [key] = text },
    };

    /// <summary>UTF-8 bytes of what a model produced in these contents.</summary>
    public static long OutputBytes(IList<AIContent> contents)
    {
        long bytes = 0;
        for (var i = 0; i < contents.Count; i++)
        {
            bytes += contents[i] switch
            {
                TextContent text => Encoding.UTF8.GetByteCount(text.Text),
                TextReasoningContent reasoning => Encoding.UTF8.GetByteCount(reasoning.Text),
                FunctionCallContent call => BytesOf(call),
                DataContent data => data.Data.Length,
                _ => 0,
            };
        }

        return bytes;
    }

    // The model wrote it as JSON: names and values in quotes, with what stands between them. Values are other people's code, and the answer that holds them is paid for.
    private static long BytesOf(FunctionCallContent call)
    {
        try
        {
            return RequestSize.BytesOf(call) + 16 + 8L * (call.Arguments?.Count ?? 0);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return call.Name.Length;
        }
    }

    private static ChatResponse ShallowCopy(ChatResponse response) => new([.. response.Messages])
    {
        ResponseId = response.ResponseId,
        ConversationId = response.ConversationId,
        ModelId = response.ModelId,
        CreatedAt = response.CreatedAt,
        FinishReason = response.FinishReason,
        Usage = response.Usage,
        ContinuationToken = response.ContinuationToken,
        RawRepresentation = response.RawRepresentation,
        AdditionalProperties = response.AdditionalProperties,
    };
}
