using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>A request to a chat model as an application hands it to its <see cref="IChatClient"/>.</summary>
internal sealed class Question
{
    /// <summary>No prompt is longer; a request is one JSON document and read whole.</summary>
    private const int LongestFile = 64 << 20;

    private static readonly JsonDocumentOptions s_reading = new() { MaxDepth = 64, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public required IList<ChatMessage> Messages { get; init; }

    public required ChatOptions Options { get; init; }

    /// <summary>Fields of the request that an application does not give by <see cref="ChatOptions"/>, so that they were left out.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Reads a request from a file, or from standard input for <c>-</c>.</summary>
    /// <exception cref="UsageException">It cannot be read, or is none.</exception>
    public static async Task<Question> ReadAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var name = path == "-" ? "standard input" : $"'{path}'";
        try
        {
            var stream = InputFile.Open(path, host.Input);
            await using (stream.ConfigureAwait(false))
            {
                using var whole = new MemoryStream();
                var buffer = new byte[1 << 16];
                for (int count; (count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
                {
                    whole.Write(buffer, 0, count);
                    if (whole.Length > LongestFile)
                    {
                        throw new UsageException($"{name} is longer than {LongestFile >> 20} MiB, which no request is.");
                    }
                }

                return Read(whole.GetBuffer().AsMemory(0, (int)whole.Length));
            }
        }
        catch (JsonException wrong)
        {
            throw new UsageException($"{name} is no chat request: {wrong.Message}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"{name} cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>Reads a request in the form of OpenAI's chat endpoint, or as Microsoft.Extensions.AI writes messages and options.</summary>
    /// <exception cref="JsonException">It is neither.</exception>
    public static Question Read(ReadOnlyMemory<byte> json)
    {
        var bytes = json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json;
        using var document = JsonDocument.Parse(bytes, s_reading);
        var root = document.RootElement;
        var messages = root;
        if (root.ValueKind == JsonValueKind.Object && !root.TryGetProperty("messages", out messages))
        {
            throw new JsonException("it has no \"messages\"");
        }

        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw new JsonException("\"messages\" is no list, or an empty one");
        }

        // Messages of Microsoft.Extensions.AI have "contents", those of the chat endpoint "content".
        var isExtensionsForm = (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("options", out _))
            || messages.EnumerateArray().Any(message => message.ValueKind == JsonValueKind.Object && message.TryGetProperty("contents", out _));
        try
        {
            return isExtensionsForm ? ExtensionsQuestion.Read(root, messages) : ChatEndpointQuestion.Read(root, messages);
        }
        catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException)
        {
            // Half of a surrogate pair, a role or a name of nothing, a schema that is none.
            throw new JsonException(wrong.Message.Split(" (Parameter", 2)[0], wrong);
        }
    }
}
