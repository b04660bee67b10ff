using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI;

/// <summary>An answer from the cache, in the shape that the function's caller expects.</summary>
internal sealed class CachedFunctionAnswer(ChatResponse response, UsageRecord record, ModelServiceKind kind)
{
    private readonly Dictionary<string, object?> _metadata = new()
    {
        [CostCarrier.KeyOf(record.Id)] = CostCarrier.Write(record.Cost),
        ["FinishReason"] = response.FinishReason?.Value,
    };

    public FunctionResult ToResult(KernelFunction function, CultureInfo culture)
    {
        object value = kind switch
        {
            ModelServiceKind.ChatClient => ChatMessages.WithCost(response, record.Id, record.Cost),
            ModelServiceKind.TextGeneration => new Microsoft.SemanticKernel.TextContent(response.Text, modelId: response.ModelId, metadata: _metadata),
            _ => new ChatMessageContent(AuthorRole.Assistant, response.Text, response.ModelId, metadata: _metadata),
        };
        return new FunctionResult(function, value, culture, kind == ModelServiceKind.ChatClient ? null : _metadata);
    }

    public IEnumerable<T> ToItems<T>()
    {
        if (typeof(T) == typeof(ChatResponseUpdate))
        {
            var updates = response.ToChatResponseUpdates();
            return [.. updates.Append(ChatMessages.TrailingUpdate(record.Id, record.Cost, updates.LastOrDefault())).Cast<T>()];
        }

        object item = typeof(T) == typeof(string) ? response.Text
            : kind == ModelServiceKind.TextGeneration ? new StreamingTextContent(response.Text, modelId: response.ModelId, metadata: _metadata)
            : new StreamingChatMessageContent(AuthorRole.Assistant, response.Text, modelId: response.ModelId, metadata: _metadata);
        return [(T)item];
    }
}
