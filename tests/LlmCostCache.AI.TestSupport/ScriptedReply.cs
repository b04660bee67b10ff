using System.Net;

namespace LlmCostCache.AI;

/// <summary>What the scripted endpoint answers: pieces that are sent one by one, and how the answer ends.</summary>
public sealed record ScriptedReply
{
    public int Status { get; init; } = 200;

    public string ContentType { get; init; } = "application/json";

    /// <summary>The pieces of the body; each is flushed before the next.</summary>
    public IReadOnlyList<string> Pieces { get; init; } = [];

    /// <summary>The wait before each piece but the first.</summary>
    public TimeSpan Delay { get; init; }

    public ScriptedEnding Ending { get; init; }

    /// <summary>Completed when the pieces are to go on after the first; null sends them at once.</summary>
    public Task? Gate { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public static ScriptedReply Json(string body, HttpStatusCode status = HttpStatusCode.OK) => new() { Status = (int)status, Pieces = [body] };

    /// <summary>Server-sent events, each with this text as its data.</summary>
    public static ScriptedReply Events(params IEnumerable<string> data) =>
        new() { ContentType = "text/event-stream", Pieces = [.. data.Select(text => $"data: {text}\n\n")] };

    /// <summary>Server-sent events with the value of <c>type</c> as their name, as Anthropic and the Responses API send them.</summary>
    public static ScriptedReply NamedEvents(params IEnumerable<string> data) => new()
    {
        ContentType = "text/event-stream",
        Pieces = [.. data.Select(text => $"event: {new ScriptedRequest("", text).Json.GetProperty("type").GetString()}\ndata: {text}\n\n")],
    };

    /// <summary>One JSON object a line, as Ollama streams.</summary>
    public static ScriptedReply Lines(params IEnumerable<string> lines) => new() { ContentType = "application/x-ndjson", Pieces = [.. lines.Select(line => line + "\n")] };

    /// <summary>An error as OpenAI words it.</summary>
    public static ScriptedReply Error(HttpStatusCode status) =>
        Json($$$"""{"error":{"message":"scripted","type":"error","code":"{{{(int)status}}}"}}""", status);

    /// <summary>Nothing at all: the connection is held until the client gives up.</summary>
    public static ScriptedReply Silence { get; } = new() { Ending = ScriptedEnding.Silence };

    /// <summary>The connection is closed before anything is answered.</summary>
    public static ScriptedReply Cut { get; } = new() { Ending = ScriptedEnding.Cut };

    /// <summary>The first pieces, then a closed connection.</summary>
    public ScriptedReply CutAfter(int pieces) => this with { Pieces = [.. Pieces.Take(pieces)], Ending = ScriptedEnding.Cut };

    /// <summary>The first pieces, then an orderly end as if there were no more.</summary>
    public ScriptedReply EndAfter(int pieces) => this with { Pieces = [.. Pieces.Take(pieces)] };

    /// <summary>The first pieces, then nothing until the client gives up.</summary>
    public ScriptedReply SilentAfter(int pieces) => this with { Pieces = [.. Pieces.Take(pieces)], Ending = ScriptedEnding.Silence };
}
