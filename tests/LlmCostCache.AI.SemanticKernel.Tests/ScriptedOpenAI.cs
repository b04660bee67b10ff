using System.IO.Pipelines;
using System.Net;
using System.Text;

namespace LlmCostCache.AI.SemanticKernel.Tests;

/// <summary>The chat completions endpoint as a script: the first rounds ask for a function, the last one answers.</summary>
internal sealed class ScriptedOpenAI : HttpMessageHandler
{
    // 86 uncached, 1,920 cached, 300 out: 0.0000129 + 0.000144 + 0.00018.
    public static readonly Money Price = Money.FromUsd(0.0003369m);

    private int _requests;

    /// <summary>How many rounds ask for functions before the answer comes.</summary>
    public int FunctionRounds { get; set; }

    public string Function { get; set; } = "Clock-now";

    public int CallsPerRound { get; set; } = 1;

    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    public string? Usage { get; set; } =
        """{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920},"completion_tokens_details":{"reasoning_tokens":10}}""";

    /// <summary>The tier that every answer says it was served in.</summary>
    public string? ServiceTier { get; set; }

    /// <summary>The id of every answer; each has one of its own when null.</summary>
    public string? Id { get; set; }

    public int Requests => _requests;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _requests);
        var body = await request.Content!.ReadAsStringAsync(cancellationToken);
        if (Status != HttpStatusCode.OK)
        {
            return new HttpResponseMessage(Status) { Content = new StringContent("""{"error":{"message":"no","type":"invalid_request_error"}}""", Encoding.UTF8, "application/json") };
        }

        var isStreamed = body.Contains("\"stream\":true", StringComparison.Ordinal);
        var text = isStreamed ? Streamed(number, number <= FunctionRounds) : Whole(number, number <= FunctionRounds);
        return new HttpResponseMessage(HttpStatusCode.OK)
        {
            // Not seekable, as from a network: the client looks at the position otherwise.
            Content = new StreamContent(PipeReader.Create(new MemoryStream(Encoding.UTF8.GetBytes(text))).AsStream())
            {
                Headers = { ContentType = new(isStreamed ? "text/event-stream" : "application/json") },
            },
        };
    }

    private string Tier => ServiceTier is null ? "" : $",\"service_tier\":\"{ServiceTier}\"";

    private string Calls(bool indexed) => string.Join(',', Enumerable.Range(0, CallsPerRound).Select(i =>
        $$$"""{{{{(indexed ? $"\"index\":{i}," : "")}}}"id":"t{{{i}}}","type":"function","function":{"name":"{{{Function}}}","arguments":"{}"}}"""));

    private string Whole(int number, bool calls)
    {
        var message = calls ? $$"""{"role":"assistant","content":null,"tool_calls":[{{Calls(indexed: false)}}]}""" : """{"role":"assistant","content":"noon"}""";
        var usage = Usage is null ? "" : $",\"usage\":{Usage}";
        return $$$"""{"id":"{{{Id ?? $"c{number}"}}}","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{{{message}}},"finish_reason":"{{{(calls ? "tool_calls" : "stop")}}}"}]{{{Tier}}}{{{usage}}}}""";
    }

    private string Streamed(int number, bool calls)
    {
        string[] deltas = calls ? [$$"""{"role":"assistant","tool_calls":[{{Calls(indexed: true)}}]}"""] : ["""{"role":"assistant","content":"no"}""", """{"content":"on"}"""];
        var text = new StringBuilder();
        foreach (var delta in deltas)
        {
            Chunk($$"""[{"index":0,"delta":{{delta}}}]""");
        }

        Chunk($$"""[{"index":0,"delta":{},"finish_reason":"{{(calls ? "tool_calls" : "stop")}}"}]""");
        if (Usage is not null)
        {
            Chunk("[]", $",\"usage\":{Usage}");
        }

        return text.Append("data: [DONE]\n\n").ToString();

        void Chunk(string choices, string usage = "") =>
            text.Append($$"""data: {"id":"{{Id ?? $"s{number}"}}","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":{{choices}}{{Tier}}{{usage}}}""").Append("\n\n");
    }
}
