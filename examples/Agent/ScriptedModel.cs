using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace AgentExample;

/// <summary>
/// A model that looks up flights, then hotels, then answers; when it is asked for the cheapest weekend it never finds an end. It counts a
/// token for every four characters.
/// </summary>
internal sealed class ScriptedModel : IChatClient
{
    private const string Model = "gpt-4o";

    // What it says it is decides what it costs.
    private static readonly ChatClientMetadata s_metadata = new("openai", new Uri("https://api.openai.com/v1"), Model);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var conversation = messages.ToList();
        var question = conversation.FindLastIndex(message => message.Role == ChatRole.User);
        var lookedUp = conversation.Skip(question).SelectMany(message => message.Contents).OfType<FunctionResultContent>().Count();
        var isEndless = conversation[question].Text.Contains("cheapest", StringComparison.Ordinal);
        AIContent next = isEndless ? Call("find_flights", $"weekend {lookedUp + 1}")
            : lookedUp == 0 ? Call("find_flights", "Friday")
            : lookedUp == 1 ? Call("find_hotels", "Friday")
            : new TextContent("Fly on Friday at 08:40 for 129 EUR and stay at the Hotel Alfama for 94 EUR a night.");

        var characters = conversation.SelectMany(message => message.Contents).Sum(Characters);
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [next]))
        {
            ModelId = Model,
            FinishReason = next is TextContent ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls,
            Usage = new UsageDetails { InputTokenCount = 80 + (characters / 4), OutputTokenCount = Characters(next) / 4 },
        });

        FunctionCallContent Call(string name, string when) =>
            new($"call-{question}-{lookedUp}", name, new Dictionary<string, object?> { ["when"] = when });
    }

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

    private static int Characters(AIContent content) => content switch
    {
        TextContent text => text.Text.Length,
        FunctionResultContent result => result.Result?.ToString()?.Length ?? 0,
        _ => 60,
    };
}
