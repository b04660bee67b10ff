using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>
/// Stands in for a package that does not restore here: reads the provider's own answer and reports it as that package's source does, with what it leaves out
/// and what it counts twice.
/// </summary>
internal abstract class StandInClient(HttpClient http, ChatClientMetadata? metadata) : IChatClient
{
    protected static JsonSerializerOptions Web { get; } = new(JsonSerializerDefaults.Web);

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var reply = await http.GetAsync(new Uri("", UriKind.Relative), cancellationToken);
        return Answer(JsonElement.Parse(await reply.Content.ReadAsStringAsync(cancellationToken)));
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var reply = await http.GetAsync(new Uri("", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await using var body = await reply.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            foreach (var update in Read(JsonElement.Parse(item.Data)))
            {
                yield return update;
            }
        }

        foreach (var update in End())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? metadata : null;

    public void Dispose() => http.Dispose();

    /// <summary>A whole answer.</summary>
    protected abstract ChatResponse Answer(JsonElement body);

    /// <summary>An event of a stream.</summary>
    protected abstract IEnumerable<ChatResponseUpdate> Read(JsonElement item);

    /// <summary>What the package adds when the stream is over.</summary>
    protected virtual IEnumerable<ChatResponseUpdate> End() => [];

    /// <summary>The number of that name; null when it is not there.</summary>
    protected static long? Number(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var number) && number.ValueKind == JsonValueKind.Number ? number.GetInt64() : null;
}
