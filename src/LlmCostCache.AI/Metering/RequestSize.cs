using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>How large a request is, counted in bytes: a token of any byte-pair encoding has at least one byte, so bytes bound tokens without a tokenizer.</summary>
/// <param name="Bytes">UTF-8 bytes of everything that the model reads as text.</param>
/// <param name="TokenBound">The most input tokens that it can be.</param>
/// <param name="Unbounded">Why the input cannot be bounded by what is in the request; null when it can.</param>
/// <param name="Choices">How many answers are asked for; each has the full output.</param>
internal sealed record RequestSize(long Bytes, long TokenBound, string? Unbounded, int Choices)
{
    // Role, separators and names that chat templates put around a message, a tool, a request: published templates need 3 to 30 tokens each. Tool use
    // adds a system prompt of its own (Anthropic documents 290 to 700 tokens by model).
    private const int PerRequest = 64;
    private const int ForTools = 1_024;
    private const int PerMessage = 64;
    private const int PerTool = 128;

    // Nobody says how often a model will search unless the tool is told. More than this in one answer is dearer than what a strict budget holds.
    private const int AssumedSearches = 10;

    private const int LongestSetting = 64;

    // The dearest published image: 8 tiles of gpt-4o-mini at 5,667 tokens and a base of 2,833.
    private const int PerImage = 48_169;

    /// <summary>How many searches of the web by the provider are held for: what the tool is limited to (<c>max_uses</c>), else ten.</summary>
    public long WebSearches { get; init; }

    /// <summary>How many texts there are that each have a context window of their own: those of an embedding request. The messages of a conversation share one.</summary>
    public int Texts { get; init; } = 1;

    /// <summary>A request that nobody has to measure.</summary>
    public static RequestSize Empty { get; } = new(0, 0, null, 1);

    public static RequestSize Of(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var count = default(Counter);
        count.Tokens = PerRequest;
        foreach (var message in messages)
        {
            count.Tokens += PerMessage;
            count.Text(message.AuthorName);
            foreach (var content in message.Contents)
            {
                count.Content(content);
            }
        }

        if (options is not null)
        {
            count.Options(options);
        }

        return new(count.Bytes, checked(count.Bytes + count.Tokens), count.Unbounded, Math.Max(1, count.Choices)) { WebSearches = count.Searches };
    }

    public static RequestSize Of(IEnumerable<string> values)
    {
        var count = default(Counter);
        var texts = 0;
        foreach (var value in values)
        {
            texts++;
            count.Tokens += PerMessage;
            count.Text(value);
        }

        return new(count.Bytes, checked(count.Bytes + count.Tokens), null, 1) { Texts = Math.Max(1, texts) };
    }

    /// <summary>UTF-8 bytes of the texts and values in one piece of content, values as JSON.</summary>
    public static long BytesOf(AIContent content)
    {
        var count = default(Counter);
        count.Content(content);
        return count.Bytes;
    }

    private struct Counter
    {
        public long Bytes;
        public long Tokens;
        public string? Unbounded;
        public int Choices;
        public long Searches;

        public void Text(string? text) => Bytes += text is null ? 0 : Encoding.UTF8.GetByteCount(text);

        public void Options(ChatOptions options)
        {
            Text(options.Instructions);
            if (options.ConversationId is not null)
            {
                Unbounded = "the conversation is kept by the provider";
            }

            if (options.RawRepresentationFactory is not null)
            {
                Unbounded = "raw options can ask for more than can be seen";
            }

            if (options.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } format)
            {
                Tokens += PerTool;
                Text(format.SchemaName);
                Text(format.SchemaDescription);
                Bytes += JsonSize(schema);
            }

            Tokens += options.Tools is { Count: > 0 } ? ForTools : 0;
            foreach (var tool in options.Tools ?? [])
            {
                Tokens += PerTool;
                Text(tool.Name);
                Text(tool.Description);
                if (tool is AIFunctionDeclaration function)
                {
                    Bytes += JsonSize(function.JsonSchema);
                }
                else
                {
                    Unbounded = $"the tool '{tool.Name}' runs at the provider";
                    Searches += tool is HostedWebSearchTool ? MostSearches(tool) : 0;
                }
            }

            Properties(options.AdditionalProperties);

            // The only wide-spread way to ask for several answers that is visible here.
            if (options.AdditionalProperties is { } properties && properties.TryGetValue("n", out var n))
            {
                Choices = ChoicesOf(n);
            }
        }

        // Some adapters send along what stands here, a system text or documents, others leave it: it is held, and is no part of the bytes that were certainly read.
        private void Properties(AdditionalPropertiesDictionary? properties)
        {
            var (bytes, unbounded) = (Bytes, Unbounded);
            foreach (var (name, value) in properties ?? [])
            {
                var before = Bytes;
                try
                {
                    if (!CostCarrier.IsOwn(name))
                    {
                        Value(value);
                    }

                    // A word or a number is a setting, and no model reads it.
                    Bytes = Bytes - before > LongestSetting ? Bytes : before;
                }
                catch (Exception exception) when (exception is not OutOfMemoryException)
                {
                    // Other people's objects: what cannot be written cannot be sent.
                    Bytes = before;
                }
            }

            Tokens += Bytes - bytes;
            (Bytes, Unbounded) = (bytes, unbounded);
        }

        // Whatever a number is written as, adapters send it as one.
        private static int ChoicesOf(object? n)
        {
            try
            {
                var number = n is JsonElement element
                    ? decimal.Parse(element.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture)
                    : n is IConvertible convertible ? convertible.ToDecimal(CultureInfo.InvariantCulture) : 1;
                return (int)Math.Clamp(number, 1, int.MaxValue);
            }
            catch (Exception exception) when (exception is FormatException or OverflowException or InvalidCastException)
            {
                return 1;
            }
        }

        private static long MostSearches(AITool tool) => tool.AdditionalProperties.GetValueOrDefault("max_uses") switch
        {
            int number and >= 0 => number,
            long number and >= 0 => Math.Min(number, 1_000),
            JsonElement { ValueKind: JsonValueKind.Number } element when element.TryGetInt32(out var number) && number >= 0 => number,
            _ => AssumedSearches,
        };

        public void Content(AIContent content)
        {
            switch (content)
            {
                case TextContent text:
                    Text(text.Text);
                    break;
                case TextReasoningContent reasoning:
                    Text(reasoning.Text);
                    Text(reasoning.ProtectedData);
                    break;
                case DataContent data when data.HasTopLevelMediaType("image"):
                    Tokens += PerImage;
                    break;
                case DataContent data when data.HasTopLevelMediaType("text"):
                    Bytes += data.Data.Length;
                    break;
                case DataContent data when data.HasTopLevelMediaType("audio"):
                    // 32 tokens a second at most (Gemini); no codec in use spends less than 100 bytes on a second.
                    Bytes += data.Data.Length;
                    break;
                case FunctionCallContent call:
                    Text(call.Name);
                    foreach (var (name, value) in call.Arguments ?? new Dictionary<string, object?>())
                    {
                        Text(name);
                        Value(value);
                    }

                    break;
                case FunctionResultContent result:
                    Value(result.Result);
                    break;
                case UsageContent:
                    break;
                case ErrorContent error:
                    Text(error.Message);
                    break;
                default:
                    Unbounded = $"a {content.GetType().Name} holds more than can be seen here";
                    break;
            }
        }

        private void Value(object? value)
        {
            switch (value)
            {
                case null:
                    break;
                case string text:
                    Bytes += JsonSize(text);
                    break;
                case JsonElement element:
                    Bytes += JsonSize(element);
                    break;
                case AIContent content:
                    Content(content);
                    break;
                case IEnumerable<AIContent> contents:
                    foreach (var content in contents)
                    {
                        Content(content);
                    }

                    break;
                default:
                    try
                    {
                        Bytes += JsonSerializer.SerializeToUtf8Bytes(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType())).Length;
                    }
                    catch (Exception exception) when (exception is NotSupportedException or JsonException or InvalidOperationException)
                    {
                        Unbounded = $"a value of type {value.GetType().Name} cannot be measured";
                    }

                    break;
            }
        }

        // Adapters write arguments and results as JSON, in which what is not plain ASCII takes up to three times its bytes and a quote six.
        private static long JsonSize(string text)
        {
            try
            {
                return JsonEncodedText.Encode(text).EncodedUtf8Bytes.Length;
            }
            catch (ArgumentException)
            {
                // Ill-formed UTF-16 is replaced before it is sent.
                return 6L * text.Length;
            }
        }

        private static long JsonSize(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Undefined)
            {
                return 0;
            }

            var raw = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element);
            var beyondAscii = 0L;
            foreach (var b in raw)
            {
                beyondAscii += b > 0x7F ? 1 : 0;
            }

            return raw.Length + 2 * beyondAscii;
        }
    }
}
