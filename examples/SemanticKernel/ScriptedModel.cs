using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace SemanticKernelExample;

/// <summary>Stands in for a model: looks the price up before it answers, and reports the tokens a real one would.</summary>
internal sealed class ScriptedModel : IChatClient
{
    private static readonly ChatClientMetadata s_metadata = new("openai", new Uri("https://api.openai.com/v1"), "gpt-4o-mini");

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var list = messages.ToList();
        var last = list[^1];
        var asksForPrice = options?.Tools is { Count: > 0 } && last.Role != ChatRole.Tool;
        var answer = asksForPrice
            ? new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("call-1", "Shop_price", new Dictionary<string, object?> { ["product"] = "teapot" })])
            : new ChatMessage(ChatRole.Assistant, last.Role == ChatRole.Tool ? "The teapot is 34.90 EUR and pours without a drip." : "A teapot, and it pours.");
        var (read, written) = asksForPrice ? (640, 18) : (620 + 40 * list.Count, 95);
        return Task.FromResult(new ChatResponse(answer)
        {
            ModelId = "gpt-4o-mini",
            FinishReason = asksForPrice ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = read, OutputTokenCount = written, TotalTokenCount = read + written },
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType == typeof(ChatClientMetadata) ? s_metadata : null;

    public void Dispose()
    {
    }
}
