namespace TrimmedApp;

/// <summary>Bodies as providers write them.</summary>
internal static class Payloads
{
    private const string ChatUsage =
        """{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200},"completion_tokens_details":{"reasoning_tokens":10}}""";

    private const string RouterUsage = """{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"cost":0.0123,"is_byok":false}""";

    private const string ResponseUsage =
        """{"input_tokens":1000,"input_tokens_details":{"cached_tokens":300,"cache_write_tokens":200},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":10},"total_tokens":1050}""";

    private const string AnthropicUsage =
        """{"input_tokens":25,"cache_creation_input_tokens":1000,"cache_read_input_tokens":500,"cache_creation":{"ephemeral_5m_input_tokens":400,"ephemeral_1h_input_tokens":600},"output_tokens":15,"service_tier":"standard"}""";

    public static string Chat(string model, bool router) =>
        $$$"""{"id":"c1","object":"chat.completion","created":1790000000,"model":"{{{model}}}","service_tier":"priority","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{{{(router ? RouterUsage : ChatUsage)}}}}""";

    public static string ChatStream(string model) => Events(
        $$$"""{"id":"c1","object":"chat.completion.chunk","created":1790000000,"model":"{{{model}}}","service_tier":"priority","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"logprobs":null,"finish_reason":"stop"}],"usage":null}""",
        $$$"""{"id":"c1","object":"chat.completion.chunk","created":1790000000,"model":"{{{model}}}","service_tier":"priority","choices":[],"usage":{{{ChatUsage}}}}""",
        "[DONE]");

    public static string Response(string model, string status = "completed") =>
        $$$"""{"id":"r1","object":"response","created_at":1790000000,"status":"{{{status}}}","error":null,"incomplete_details":{{{(status == "incomplete" ? "{\"reason\":\"max_output_tokens\"}" : "null")}}},"instructions":null,"max_output_tokens":null,"model":"{{{model}}}","service_tier":"flex","output":[{"id":"m1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}]}],"parallel_tool_calls":true,"previous_response_id":null,"store":false,"temperature":1,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1,"truncation":"disabled","usage":{{{ResponseUsage}}},"user":null,"metadata":{}}""";

    public static string ResponseStream(string model, string status) => Events(
        """{"type":"response.output_text.delta","sequence_number":0,"item_id":"m1","output_index":0,"content_index":0,"delta":"Hello"}""",
        $$$"""{"type":"response.{{{status}}}","sequence_number":1,"response":{{{Response(model, status)}}}}""");

    public static string Message(string model) =>
        $$$"""{"id":"a1","type":"message","role":"assistant","model":"{{{model}}}","content":[{"type":"text","text":"Hello","citations":null}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{{AnthropicUsage}}}}""";

    public static string MessageStream(string model) => Events(
        $$$"""{"type":"message_start","message":{"id":"a1","type":"message","role":"assistant","model":"{{{model}}}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{AnthropicUsage}}}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}""",
        """{"type":"content_block_stop","index":0}""",
        """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}""",
        """{"type":"message_stop"}""");

    // OpenAI's reader takes the event's name from the data; Anthropic's from the line before.
    private static string Events(params string[] data) => string.Concat(data.Select(one =>
        $"{(one.StartsWith("{\"type\":\"", StringComparison.Ordinal) ? $"event: {one[9..one.IndexOf('"', 9)]}\n" : "")}data: {one}\n\n"));
}
