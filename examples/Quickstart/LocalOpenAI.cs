using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Quickstart;

/// <summary>
/// Stands in for api.openai.com on this machine. It speaks the chat-completions wire format, whole and streamed, so that the real OpenAI
/// client sends and parses real bytes. It answers from a script, calls the first tool whenever it is offered one, and counts a token for
/// every four characters.
/// </summary>
internal sealed class LocalOpenAI : IAsyncDisposable
{
    // OpenAI answers with the dated name of the model that was asked for.
    private const string Model = "gpt-4o-mini-2024-07-18";

    private const int UsualPort = 52717;
    private const int AnyFreePort = 0;

    private readonly Dictionary<string, string> _script;
    private readonly List<string> _prompts = [];
    private readonly WebApplication _app;

    private LocalOpenAI(IEnumerable<Question> script, int port)
    {
        _script = script.ToDictionary(question => question.Prompt, question => question.Answer);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add($"http://127.0.0.1:{port}");
        _app.MapPost("/v1/chat/completions", CompleteAsync);
    }

    /// <summary>What an OpenAI client needs as its endpoint.</summary>
    public Uri Endpoint => new(_app.Urls.Single() + "/v1");

    /// <summary>How many requests came in: what a provider would have billed.</summary>
    public int Requests => _prompts.Count;

    public static async Task<LocalOpenAI> StartAsync(IReadOnlyCollection<Question> script)
    {
        // The address is part of every cache key, so a second run finds the answers of the first only under the same one.
        var local = new LocalOpenAI(script, UsualPort);
        try
        {
            await local._app.StartAsync();
        }
        catch (IOException)
        {
            await local.DisposeAsync();
            local = new LocalOpenAI(script, AnyFreePort);
            await local._app.StartAsync();
        }

        return local;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task CompleteAsync(HttpContext http)
    {
        using var body = await JsonDocument.ParseAsync(http.Request.Body);
        var request = body.RootElement;
        var prompt = Prompt(request);
        var tool = request.TryGetProperty("tools", out var tools) ? tools[0].GetProperty("function").GetProperty("name").GetString() : null;
        string? text = null;
        if (tool is null && !_script.TryGetValue(LastUserMessage(request), out text))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            var error = new { message = "The script has no answer to this question.", type = "invalid_request_error" };
            await http.Response.WriteAsJsonAsync(new { error });
            return;
        }

        var inputTokens = Tokens(prompt);
        var outputTokens = tool is null ? Tokens(text!) : 14;
        var usage = new
        {
            prompt_tokens = inputTokens,
            completion_tokens = outputTokens,
            total_tokens = inputTokens + outputTokens,
            prompt_tokens_details = new { cached_tokens = CachedTokens(prompt), audio_tokens = 0 },
            completion_tokens_details = new { reasoning_tokens = 0, audio_tokens = 0 },
        };
        int number;
        lock (_prompts)
        {
            _prompts.Add(prompt);
            number = _prompts.Count;
        }

        var call = new { index = 0, id = $"call_{number}", type = "function", function = new { name = tool, arguments = "{}" } };
        var answer = new Answer($"chatcmpl-{number}", text, tool is null ? null : call);
        if (request.TryGetProperty("stream", out var stream) && stream.GetBoolean())
        {
            var includeUsage = request.TryGetProperty("stream_options", out var asked) && asked.GetProperty("include_usage").GetBoolean();
            await StreamAsync(http.Response, answer, includeUsage ? usage : null);
        }
        else
        {
            await http.Response.WriteAsJsonAsync(new
            {
                id = answer.Id,
                @object = "chat.completion",
                created = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
                model = Model,
                choices = new[] { new { index = 0, message = Message(answer), finish_reason = answer.FinishReason } },
                usage,
            });
        }
    }

    private static object Message(Answer answer) => answer.ToolCall is null
        ? new { role = "assistant", content = answer.Text }
        : new { role = "assistant", content = (string?)null, tool_calls = new[] { answer.ToolCall } };

    // One chunk for the role, one for each word, one for the finish reason, one for the usage: the order in which OpenAI sends them.
    private static async Task StreamAsync(HttpResponse response, Answer answer, object? usage)
    {
        response.ContentType = "text/event-stream";
        await SendAsync([new { index = 0, delta = new { role = "assistant", content = "" }, finish_reason = (string?)null }]);
        if (answer.ToolCall is null)
        {
            foreach (var word in answer.Text!.Split(' ').Select((word, i) => i == 0 ? word : " " + word))
            {
                await SendAsync([new { index = 0, delta = new { content = word }, finish_reason = (string?)null }]);
            }
        }
        else
        {
            await SendAsync([new { index = 0, delta = new { tool_calls = new[] { answer.ToolCall } }, finish_reason = (string?)null }]);
        }

        await SendAsync([new { index = 0, delta = new { }, finish_reason = answer.FinishReason }]);
        if (usage is not null)
        {
            await SendAsync([], usage);
        }

        await response.WriteAsync("data: [DONE]\n\n");

        Task SendAsync(object[] choices, object? usage = null) => response.WriteAsync("data: " + JsonSerializer.Serialize(new
        {
            id = answer.Id,
            @object = "chat.completion.chunk",
            created = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            model = Model,
            choices,
            usage,
        }) + "\n\n");
    }

    /// <summary>Everything that the model would read, in one piece.</summary>
    private static string Prompt(JsonElement request)
    {
        var prompt = new StringBuilder();
        if (request.TryGetProperty("tools", out var tools))
        {
            prompt.Append(tools.GetRawText());
        }

        foreach (var message in request.GetProperty("messages").EnumerateArray())
        {
            prompt.Append('\n').Append(message.GetProperty("role").GetString()).Append('\n').Append(Text(message));
            if (message.TryGetProperty("tool_calls", out var calls))
            {
                prompt.Append(calls.GetRawText());
            }
        }

        return prompt.ToString();
    }

    private static string LastUserMessage(JsonElement request) =>
        Text(request.GetProperty("messages").EnumerateArray().Last(message => message.GetProperty("role").GetString() == "user"));

    private static string Text(JsonElement message) => !message.TryGetProperty("content", out var content) ? "" : content.ValueKind switch
    {
        JsonValueKind.String => content.GetString()!,
        JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(part => part.GetProperty("text").GetString())),
        _ => "",
    };

    private static int Tokens(string text) => (text.Length + 3) / 4;

    // OpenAI bills the beginning that a prompt shares with an earlier one at half price, from 1,024 tokens on, in steps of 128.
    private int CachedTokens(string prompt)
    {
        lock (_prompts)
        {
            var tokens = _prompts.Select(earlier => earlier.AsSpan().CommonPrefixLength(prompt)).DefaultIfEmpty().Max() / 4;
            return tokens < 1_024 ? 0 : tokens / 128 * 128;
        }
    }

    private sealed record Answer(string Id, string? Text, object? ToolCall)
    {
        public string FinishReason => ToolCall is null ? "stop" : "tool_calls";
    }
}
