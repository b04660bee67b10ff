using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace StockCacheExample;

/// <summary>A model that numbers its answers, so that one can see which of them was served. Each takes 1,000 tokens in and 500 out.</summary>
internal sealed class ScriptedModel(string host = "api.openai.com", string model = "gpt-4o-mini") : IChatClient
{
    private readonly ChatClientMetadata _metadata = new("openai", new Uri($"https://{host}/v1"), model);
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>What is different about the answers.</summary>
    public Action<ChatResponse> Twist { get; set; } = _ => { };

    /// <summary>Whether the stream ends without its last update, as one does whose connection was cut in an orderly way.</summary>
    public bool CutsStreams { get; set; }

    /// <summary>Answers wait for it.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var number = Interlocked.Increment(ref _calls);
        await Gate.WaitAsync(cancellationToken);
        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, $"answer {number}") { MessageId = $"m{number}" })
        {
            ResponseId = $"r{number}",
            ModelId = options?.ModelId ?? model,
            FinishReason = ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 },
            AdditionalProperties = new() { ["fingerprint"] = "fp_1" },
        };
        Twist(response);
        return response;
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var response = await GetResponseAsync(messages, options, cancellationToken);
        yield return new ChatResponseUpdate(ChatRole.Assistant, response.Text) { MessageId = "m", ResponseId = response.ResponseId, ModelId = response.ModelId };
        if (!CutsStreams)
        {
            yield return new ChatResponseUpdate(null, [new UsageContent(response.Usage!)]) { MessageId = "m", ResponseId = response.ResponseId, FinishReason = response.FinishReason };
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? _metadata : null;

    public void Dispose()
    {
    }
}
