using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Bodies as the OpenAI API writes them.</summary>
public static class OpenAIWire
{
    public const string Model = "gpt-4o-mini-2024-07-18";

    /// <summary>The end of a stream.</summary>
    public const string Done = "[DONE]";

    public static string Usage(long input = 100, long output = 50, string more = "") =>
        $$$"""{"prompt_tokens":{{{input}}},"completion_tokens":{{{output}}},"total_tokens":{{{input + output}}}{{{more}}}}""";

    /// <summary>A whole chat answer.</summary>
    public static string Chat(string? usage, string text = "Hello", string finish = "stop", string model = Model, string id = "chatcmpl-1", string more = "") =>
        $$$"""
        {"id":"{{{id}}}","object":"chat.completion","created":1790000000,"model":"{{{model}}}",
         "choices":[{"index":0,"message":{"role":"assistant","content":{{{JsonSerializer.Serialize(text)}}},"refusal":null},"logprobs":null,"finish_reason":"{{{finish}}}"}]
         {{{(usage is null ? "" : ",\"usage\":" + usage)}}}{{{more}}}}
        """;

    /// <summary>A piece of a chat stream; <paramref name="usage"/> may be null.</summary>
    public static string Chunk(string? text, string? finish = null, string? usage = null, string model = Model, string id = "chatcmpl-1") =>
        $$$"""{"id":"{{{id}}}","object":"chat.completion.chunk","created":1790000000,"model":"{{{model}}}","choices":[{"index":0,"delta":{"role":"assistant","content":{{{JsonSerializer.Serialize(text ?? "")}}}},"logprobs":null,"finish_reason":{{{JsonSerializer.Serialize(finish)}}}}],"usage":{{{usage ?? "null"}}}}""";

    /// <summary>The piece that carries only the usage.</summary>
    public static string UsageChunk(string usage, string model = Model, string id = "chatcmpl-1") =>
        $$$"""{"id":"{{{id}}}","object":"chat.completion.chunk","created":1790000000,"model":"{{{model}}}","choices":[],"usage":{{{usage}}}}""";

    /// <summary>A chat stream as OpenAI sends it: the text word by word, the finish reason, the usage, the end.</summary>
    public static IEnumerable<string> Stream(string usage, string text = "Hello", string finish = "stop", string model = Model, string id = "chatcmpl-1") =>
        [.. Words(text).Select(word => Chunk(word, model: model, id: id)), Chunk(null, finish, model: model, id: id), UsageChunk(usage, model, id), Done];

    public static string ResponseUsage(long input = 100, long output = 50, long cached = 0, long reasoning = 0) =>
        $$$"""{"input_tokens":{{{input}}},"input_tokens_details":{"cached_tokens":{{{cached}}}},"output_tokens":{{{output}}},"output_tokens_details":{"reasoning_tokens":{{{reasoning}}}},"total_tokens":{{{input + output}}}}""";

    /// <summary>A whole answer of the Responses API.</summary>
    public static string Response(string? usage, string text = "Hello", string status = "completed", string model = Model, string id = "resp_1") =>
        $$$"""{"id":"{{{id}}}","object":"response","created_at":1790000000,"status":"{{{status}}}","error":null,"incomplete_details":{{{DetailsOf(status)}}},"instructions":null,"max_output_tokens":null,"model":"{{{model}}}","output":[{{{(text.Length == 0 ? "" : Item(text))}}}],"parallel_tool_calls":true,"previous_response_id":null,"store":false,"temperature":1,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1,"truncation":"disabled","usage":{{{usage ?? "null"}}},"user":null,"metadata":{}}""";

    /// <summary>A stream of the Responses API that ends in <c>response.{status}</c>.</summary>
    public static IEnumerable<string> ResponseStream(string? usage, string text = "Hello", string status = "completed", string model = Model)
    {
        var number = 0;
        yield return $$$"""{"type":"response.created","sequence_number":{{{number++}}},"response":{{{Response(null, "", "in_progress", model)}}}}""";
        yield return $$$"""{"type":"response.output_item.added","sequence_number":{{{number++}}},"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""";
        yield return $$$"""{"type":"response.content_part.added","sequence_number":{{{number++}}},"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}""";
        foreach (var word in Words(text))
        {
            yield return $$$"""{"type":"response.output_text.delta","sequence_number":{{{number++}}},"item_id":"msg_1","output_index":0,"content_index":0,"delta":{{{JsonSerializer.Serialize(word)}}}}""";
        }

        yield return $$$"""{"type":"response.output_text.done","sequence_number":{{{number++}}},"item_id":"msg_1","output_index":0,"content_index":0,"text":{{{JsonSerializer.Serialize(text)}}}}""";
        yield return $$$"""{"type":"response.output_item.done","sequence_number":{{{number++}}},"output_index":0,"item":{{{Item(text)}}}}""";
        yield return $$$"""{"type":"response.{{{status}}}","sequence_number":{{{number}}},"response":{{{Response(usage, text, status, model)}}}}""";
    }

    /// <summary>Embeddings of the given vectors.</summary>
    public static string Embeddings(long tokens, string model, params IEnumerable<float[]> vectors) =>
        $$$"""{"object":"list","data":[{{{string.Join(',', vectors.Select(Embedding))}}}],"model":"{{{model}}}","usage":{"prompt_tokens":{{{tokens}}},"total_tokens":{{{tokens}}}}}""";

    /// <summary>The text in pieces that keep their spaces.</summary>
    public static IEnumerable<string> Words(string text) => text.Split(' ').Select((word, i) => i == 0 ? word : " " + word);

    private static string DetailsOf(string status) => status == "incomplete" ? """{"reason":"max_output_tokens"}""" : "null";

    private static string Embedding(float[] vector, int index) =>
        $$$"""{"object":"embedding","index":{{{index}}},"embedding":"{{{Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector))}}}"}""";

    private static string Item(string text) =>
        $$$"""{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":{{{JsonSerializer.Serialize(text)}}},"annotations":[],"logprobs":[]}]}""";
}
