using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace TelemetryExample;

/// <summary>A model that always says the same, in 420 tokens for the question and 90 for the answer.</summary>
internal sealed class ScriptedModel : IChatClient
{
    private const string Model = "gpt-4o-mini";

    // What it says it is decides what it costs.
    private static readonly ChatClientMetadata s_metadata = new("openai", new Uri("https://api.openai.com/v1"), Model);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "A span is one step of a request; a trace is all of them."))
        {
            ModelId = Model,
            FinishReason = ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 420, OutputTokenCount = 90 },
        });

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? s_metadata : null;

    public void Dispose()
    {
    }
}
