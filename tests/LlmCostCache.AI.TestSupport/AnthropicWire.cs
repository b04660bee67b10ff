using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Bodies as the Anthropic API writes them.</summary>
public static class AnthropicWire
{
    public const string Model = "claude-sonnet-4-5-20250929";

    public static string Usage(long input = 25, long output = 15, long read = 0, long write = 0, long write1h = 0, string more = "") =>
        $$$"""{"input_tokens":{{{input}}},"cache_creation_input_tokens":{{{write}}},"cache_read_input_tokens":{{{read}}},"cache_creation":{"ephemeral_5m_input_tokens":{{{write - write1h}}},"ephemeral_1h_input_tokens":{{{write1h}}}},"output_tokens":{{{output}}},"service_tier":"standard"{{{more}}}}""";

    /// <summary>A whole answer.</summary>
    public static string Message(string usage, string text = "Hello", string stop = "end_turn", string model = Model, string id = "msg_1") =>
        $$$"""{"id":"{{{id}}}","type":"message","role":"assistant","model":"{{{model}}}","content":[{"type":"text","text":{{{JsonSerializer.Serialize(text)}}},"citations":null}],"stop_reason":"{{{stop}}}","stop_sequence":null,"usage":{{{usage}}}}""";

    public static string Start(string usage, string model = Model, string id = "msg_1") =>
        $$$"""{"type":"message_start","message":{"id":"{{{id}}}","type":"message","role":"assistant","model":"{{{model}}}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{usage}}}}}""";

    public static string BlockStart { get; } = """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}""";

    public static string Delta(string text) =>
        $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{{{JsonSerializer.Serialize(text)}}}}}""";

    public static string BlockStop { get; } = """{"type":"content_block_stop","index":0}""";

    /// <summary>The end of the message with its last counts: <c>{"output_tokens":15}</c> or more of them.</summary>
    public static string MessageDelta(string usage, string stop = "end_turn") =>
        $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{stop}}}","stop_sequence":null},"usage":{{{usage}}}}""";

    public static string MessageStop { get; } = """{"type":"message_stop"}""";

    public static string Error { get; } = """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""";

    /// <summary>A stream as Anthropic sends it.</summary>
    public static IEnumerable<string> Stream(string startUsage, string deltaUsage, string text = "Hello", string stop = "end_turn", string model = Model) =>
        [Start(startUsage, model), BlockStart, .. OpenAIWire.Words(text).Select(Delta), BlockStop, MessageDelta(deltaUsage, stop), MessageStop];
}
