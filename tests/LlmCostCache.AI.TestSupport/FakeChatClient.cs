using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A provider that answers as it is told and remembers what it was asked.</summary>
public sealed class FakeChatClient : IChatClient
{
    private readonly Lock _lock = new();
    private readonly List<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> _calls = [];

    public FakeChatClient(string? model = "gpt-4o-mini", string? provider = "openai", string endpoint = "https://api.openai.com/v1")
    {
        Metadata = provider is null ? null : new ChatClientMetadata(provider, new Uri(endpoint), model);
        Model = model;
    }

    public ChatClientMetadata? Metadata { get; }

    public string? Model { get; set; }

    /// <summary>Makes the answer to a question; the number of the call, from 1, comes along.</summary>
    public Func<IReadOnlyList<ChatMessage>, ChatOptions?, int, Task<ChatResponse>>? Answer { get; set; }

    /// <summary>Makes the stream; by default the answer in pieces, the usage last.</summary>
    public Func<IReadOnlyList<ChatMessage>, ChatOptions?, CancellationToken, IAsyncEnumerable<ChatResponseUpdate>>? Stream { get; set; }

    public UsageDetails? Usage { get; set; } = new() { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 };

    public TimeSpan Delay { get; set; }

    public IReadOnlyList<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var list = messages.ToList();
        var number = Remember(list, options);
        if (Delay > TimeSpan.Zero)
        {
            await Task.Delay(Delay, cancellationToken);
        }

        return Answer is null ? DefaultAnswer(options, $"answer {number}") : await Answer(list, options, number);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var list = messages.ToList();
        if (Stream is not null)
        {
            Remember(list, options);
            await foreach (var update in Stream(list, options, cancellationToken))
            {
                yield return update;
            }

            yield break;
        }

        var response = await GetResponseAsync(list, options, cancellationToken);
        var messageId = response.Messages.FirstOrDefault()?.MessageId ?? "m1";
        foreach (var message in response.Messages)
        {
            foreach (var content in message.Contents)
            {
                yield return new ChatResponseUpdate(message.Role, [content]) { MessageId = messageId, ResponseId = response.ResponseId, ModelId = response.ModelId };
            }
        }

        yield return new ChatResponseUpdate { MessageId = messageId, ResponseId = response.ResponseId, ModelId = response.ModelId, FinishReason = response.FinishReason };
        if (response.Usage is { } usage)
        {
            yield return new ChatResponseUpdate { MessageId = messageId, ResponseId = response.ResponseId, ModelId = response.ModelId, Contents = [new UsageContent(usage)] };
        }
    }

    public ChatResponse DefaultAnswer(ChatOptions? options, string text) => new(new ChatMessage(ChatRole.Assistant, text) { MessageId = "m1" })
    {
        ResponseId = $"r-{Guid.NewGuid():N}",
        ModelId = options?.ModelId ?? Model,
        FinishReason = ChatFinishReason.Stop,
        Usage = Usage is null
            ? null
            : new UsageDetails
            {
                InputTokenCount = Usage.InputTokenCount,
                OutputTokenCount = Usage.OutputTokenCount,
                TotalTokenCount = Usage.TotalTokenCount,
                CachedInputTokenCount = Usage.CachedInputTokenCount,
                ReasoningTokenCount = Usage.ReasoningTokenCount,
                AdditionalCounts = Usage.AdditionalCounts,
            },
    };

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? Metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private int Remember(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        lock (_lock)
        {
            _calls.Add((messages, options));
            return _calls.Count;
        }
    }
}
