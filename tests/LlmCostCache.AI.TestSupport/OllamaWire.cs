using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Bodies as Ollama writes them.</summary>
public static class OllamaWire
{
    public const string Model = "llama3.2";

    public static string Chunk(string text, string model = Model) =>
        $$$"""{"model":"{{{model}}}","created_at":"2026-09-21T14:13:20Z","message":{"role":"assistant","content":{{{JsonSerializer.Serialize(text)}}}},"done":false}""";

    public static string Last(long input, long output, string model = Model) =>
        $$$"""{"model":"{{{model}}}","created_at":"2026-09-21T14:13:21Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":{{{input}}},"prompt_eval_duration":1,"eval_count":{{{output}}},"eval_duration":1}""";

    /// <summary>A whole answer.</summary>
    public static string Chat(long input, long output, string text = "Hello", string model = Model) =>
        $$$"""{"model":"{{{model}}}","created_at":"2026-09-21T14:13:21Z","message":{"role":"assistant","content":{{{JsonSerializer.Serialize(text)}}}},"done":true,"done_reason":"stop","total_duration":1,"load_duration":1,"prompt_eval_count":{{{input}}},"prompt_eval_duration":1,"eval_count":{{{output}}},"eval_duration":1}""";

    public static IEnumerable<string> Stream(long input, long output, string text = "Hello", string model = Model) =>
        [.. OpenAIWire.Words(text).Select(word => Chunk(word, model)), Last(input, output, model)];
}
