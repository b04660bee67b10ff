using System.Text;
using System.Text.Json;
using LlmCostCache.AI;
using Microsoft.Extensions.AI;

namespace StockCacheExample;

/// <summary>The cases, by what goes wrong in them.</summary>
internal static class Traps
{
    private const string Again = "asked again";
    private const string FromCache = "from the cache";
    private const string Wrong = "WRONG ANSWER from the cache";
    private const string Replayed = "served as an answer";
    private const string Fails = "the call fails";

    public static IReadOnlyList<Trap> All { get; } =
    [
        // Different questions that must not share an answer.
        Differ("other tools", One(), new ChatOptions { Tools = [Tool("now", "Tells the time.")] }, Wrong),
        Differ("a tool with another description", new ChatOptions { Tools = [Tool("now", "Tells the time.")] }, new ChatOptions { Tools = [Tool("now", "Tells the hour.")] }, Wrong),
        Differ("a tool with another schema", new ChatOptions { Tools = [Tool("now", "Tells the time.")] }, new ChatOptions { Tools = [Tool("now", "Tells the time.", "zone")] }, Wrong),
        Differ("another RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => "a" }, new ChatOptions { RawRepresentationFactory = _ => "b" }, Wrong),
        new("text that differs in a lone surrogate", Again, Wrong, c => DifferAsync(c, () => Ask(c.Client, "\ud800"), () => Ask(c.Client, "\ud801"))),
        new("an image that differs in one byte", Again, Again, c => DifferAsync(c, () => Ask(c.Client, Image(1)), () => Ask(c.Client, Image(2)))),
        new("the same words cut into messages elsewhere", Again, Again, c => DifferAsync(c, () => Ask(c.Client, User("ab"), User("c")), () => Ask(c.Client, User("a"), User("bc")))),
        Differ("another temperature", new ChatOptions { Temperature = 0 }, new ChatOptions { Temperature = 1 }, Again),
        new("another default model behind the same cache", Again, Wrong, c => OthersAsync(c, new ScriptedModel(model: "gpt-4o"))),
        new("another endpoint behind the same cache", Again, Wrong, c => OthersAsync(c, new ScriptedModel(host: "llm.example.com"))),
        new("another tenant", Again, Wrong, TenantsAsync),

        // The same question, which should be paid for once.
        new("the same question", FromCache, FromCache, c => SameAsync(c, () => Ask(c.Client, "Hello"), () => Ask(c.Client, "Hello"))),
        new("the same, other MessageId and CreatedAt in its history", FromCache, Again, c => SameAsync(c, () => Ask(c.Client, History("m1", 1)), () => Ask(c.Client, History("m2", 2)))),
        new("the same, other tool call ids in its history", FromCache, Again, c => SameAsync(c, () => Ask(c.Client, ToolHistory("call_1")), () => Ask(c.Client, ToolHistory("call_2")))),
        new("the same, no options and empty options", FromCache, Again, c => SameAsync(c, () => Ask(c.Client, "Hello"), () => Ask(c.Client, "Hello", One()))),
        new("the same, additional properties in another order", FromCache, FromCache, c => SameAsync(c, () => Ask(c.Client, "Hello", Properties("a", "b")), () => Ask(c.Client, "Hello", Properties("b", "a")))),
        new("the same, first streamed and then whole", FromCache, Again, c => SameAsync(c, () => Stream(c.Client, "Hello"), () => Ask(c.Client, "Hello"))),
        new("the same, 100 callers at once", "1 call", "100 calls", CrowdAsync),

        // Answers that should not be kept.
        Unfit("an answer cut off at its length", r => r.FinishReason = ChatFinishReason.Length),
        Unfit("an answer stopped by a content filter", r => r.FinishReason = ChatFinishReason.ContentFilter),
        Unfit("an answer that calls a tool", r => { r.FinishReason = ChatFinishReason.ToolCalls; r.Messages[0].Contents.Add(new FunctionCallContent("1", "now")); }),
        Unfit("an answer without a finish reason", r => r.FinishReason = null),
        Unfit("an answer that is an error", r => r.Messages[0].Contents.Add(new ErrorContent("overloaded"))),
        Unfit("an empty answer", r => r.Messages[0].Contents.Clear()),
        Unfit("an answer that is still being made in the background", StillUnderWay),
        new("a stream that ends without its last update", Again, Replayed, CutStreamAsync),
        new("a stream that its reader leaves", Again, Again, LeftStreamAsync),
        new("a call that fails", Again, Again, FailureAsync),
        new("media that is only an address (may change)", Again, Replayed, c => UnfitAsync(c, () => Ask(c.Client, new ChatMessage(ChatRole.User, [new UriContent("https://example.com/x.png", "image/png")])))),

        // What a hit looks like.
        new("usage on a hit", "none; GetCost() says what was saved", "1,000 + 500 tokens, once more", UsageAsync),
        new("tokens that telemetry counts for 3 requests, 1 call", "1,000", "3,000", TokensAsync),
        new("what tells of a hit, telemetry inside the cache", "a metric", "nothing", SignalAsync),
        new("a stream whose reader changes what it reads, asked again", "as the model gave it", "as the reader changed it", ChangedAsync),
        new("a property of the answer, read on a hit", "String", "JsonElement", PropertyAsync),
        new("an answer from a year ago", Again, Replayed, YearAsync),
        new("usage of 2 embeddings that were asked for beside 1 known", "20 tokens", "lost", EmbeddingsAsync),

        // A question that cannot be named, and a backend that breaks.
        new("options with a value that cannot be serialised", "answered", $"{Fails} (NotSupportedException)", UnserialisableAsync),
        new("an entry that was cut short", Again, $"{Fails} (JsonException)", c => GarbledAsync(c, value => value[..(value.Length / 2)])) { IsAboutBackend = true },
        new("an entry that is garbage", Again, $"{Fails} (JsonException)", c => GarbledAsync(c, _ => Encoding.UTF8.GetBytes("garbage"))) { IsAboutBackend = true },
        new("an entry that somebody edited", Again, Wrong, EditedAsync) { IsAboutBackend = true },
        new("the backend is down", "answered", $"{Fails} (IOException)", DownAsync) { IsAboutBackend = true },
        new("the backend takes no writes", "answered", "the paid answer is lost (IOException)", FullAsync) { IsAboutBackend = true },
    ];

    private static Trap Differ(string asked, ChatOptions first, ChatOptions second, string stock) =>
        new(asked, Again, stock, c => DifferAsync(c, () => Ask(c.Client, "Hello", first), () => Ask(c.Client, "Hello", second)));

    private static Trap Unfit(string asked, Action<ChatResponse> twist) => new(asked, Again, Replayed, c =>
    {
        c.Model.Twist = twist;
        return UnfitAsync(c, () => Ask(c.Client, "Hello"));
    });

    private static async Task<string> DifferAsync(Candidate cache, Func<Task<ChatResponse>> first, Func<Task<ChatResponse>> second) =>
        await TwiceAsync(cache, first, second) ? Again : Wrong;

    private static async Task<string> SameAsync(Candidate cache, Func<Task<ChatResponse>> first, Func<Task<ChatResponse>> second) =>
        await TwiceAsync(cache, first, second) ? Again : FromCache;

    private static async Task<string> UnfitAsync(Candidate cache, Func<Task<ChatResponse>> ask) => await TwiceAsync(cache, ask, ask) ? Again : Replayed;

    /// <summary>Whether the second question reached the model.</summary>
    private static async Task<bool> TwiceAsync(Candidate cache, Func<Task<ChatResponse>> first, Func<Task<ChatResponse>> second)
    {
        await first();
        await cache.SettleAsync();
        await second();
        return cache.Model.Calls == 2;
    }

    private static async Task<string> OthersAsync(Candidate cache, ScriptedModel other)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        await Ask(cache.Wrap(other), "Hello");
        return other.Calls == 1 ? Again : Wrong;
    }

    private static async Task<string> TenantsAsync(Candidate cache)
    {
        using (CostScope.Begin(tenant: "acme"))
        {
            await Ask(cache.Client, "What is our discount?");
        }

        await cache.SettleAsync();
        using (CostScope.Begin(tenant: "globex"))
        {
            await Ask(cache.Client, "What is our discount?");
        }

        return cache.Model.Calls == 2 ? Again : Wrong;
    }

    private static async Task<string> CrowdAsync(Candidate cache)
    {
        // Everybody has asked before the first is answered.
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cache.Model.Gate = gate.Task;
        var callers = Enumerable.Range(0, 100).Select(_ => Ask(cache.Client, "Hello")).ToList();
        gate.SetResult();
        await Task.WhenAll(callers);
        return cache.Model.Calls == 1 ? "1 call" : $"{cache.Model.Calls} calls";
    }

    private static async Task<string> CutStreamAsync(Candidate cache)
    {
        cache.Model.CutsStreams = true;
        return await UnfitAsync(cache, () => Stream(cache.Client, "Hello"));
    }

    private static async Task<string> LeftStreamAsync(Candidate cache)
    {
        await foreach (var _ in cache.Client.GetStreamingResponseAsync("Hello"))
        {
            break;
        }

        await cache.SettleAsync();
        await Stream(cache.Client, "Hello");
        return cache.Model.Calls == 2 ? Again : Replayed;
    }

    private static async Task<string> FailureAsync(Candidate cache)
    {
        cache.Model.Twist = _ => throw new HttpRequestException("overloaded");
        try
        {
            await Ask(cache.Client, "Hello");
        }
        catch (HttpRequestException)
        {
        }

        cache.Model.Twist = _ => { };
        await Ask(cache.Client, "Hello");
        return cache.Model.Calls == 2 ? Again : Replayed;
    }

    private static async Task<string> UsageAsync(Candidate cache)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        var hit = await Ask(cache.Client, "Hello");
        return hit.Usage is { } usage
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{usage.InputTokenCount:N0} + {usage.OutputTokenCount:N0} tokens, once more")
            : hit.GetCost().Saved > Money.Zero ? "none; GetCost() says what was saved" : "none";
    }

    private static async Task<string> TokensAsync(Candidate cache)
    {
        using var watch = new SignalWatch();
        using var client = cache.Wrap(cache.Model, outside => outside.UseOpenTelemetry(), inside => inside);
        for (var i = 0; i < 3; i++)
        {
            await Ask(client, "Hello");
            await cache.SettleAsync();
        }

        return watch.InputTokens.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> SignalAsync(Candidate cache)
    {
        using var watch = new SignalWatch();
        using var client = cache.Wrap(cache.Model, outside => outside, inside => inside.UseOpenTelemetry());
        await Ask(client, "Hello");
        await cache.SettleAsync();
        await Ask(client, "Hello");
        return watch.Hits > 0 ? "a metric" : "nothing";
    }

    private static async Task<string> ChangedAsync(Candidate cache)
    {
        await foreach (var update in cache.Client.GetStreamingResponseAsync("Hello"))
        {
            foreach (var text in update.Contents.OfType<TextContent>())
            {
                text.Text = "changed";
            }
        }

        await cache.SettleAsync();
        return (await Stream(cache.Client, "Hello")).Text == "answer 1" ? "as the model gave it" : "as the reader changed it";
    }

    private static async Task<string> PropertyAsync(Candidate cache)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        return (await Ask(cache.Client, "Hello")).AdditionalProperties?["fingerprint"]?.GetType().Name ?? "gone";
    }

    private static async Task<string> YearAsync(Candidate cache)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        cache.Clock.Advance(TimeSpan.FromDays(365));
        await Ask(cache.Client, "Hello");
        return cache.Model.Calls == 2 ? Again : Replayed;
    }

    private static async Task<string> EmbeddingsAsync(Candidate cache)
    {
        using var generator = cache.Wrap(new ScriptedEmbedder());
        await generator.GenerateAsync(["one"]);
        await cache.SettleAsync();
        return (await generator.GenerateAsync(["one", "two", "three"])).Usage is { } usage ? $"{usage.InputTokenCount} tokens" : "lost";
    }

    private static async Task<string> UnserialisableAsync(Candidate cache)
    {
        await Ask(cache.Client, "Hello", new ChatOptions { AdditionalProperties = new() { ["callback"] = new Action(() => { }) } });
        return "answered";
    }

    private static async Task<string> GarbledAsync(Candidate cache, Func<byte[], byte[]> change)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        cache.Backend.Garble(change);
        await Ask(cache.Client, "Hello");
        return cache.Model.Calls == 2 ? Again : Replayed;
    }

    private static async Task<string> EditedAsync(Candidate cache)
    {
        await Ask(cache.Client, "Hello");
        await cache.SettleAsync();
        cache.Backend.Garble(value =>
        {
            // "answer 1" becomes "answer 9", whatever is around it.
            var at = value.AsSpan().IndexOf("answer 1"u8);
            var edited = value.ToArray();
            edited[at + 7] = (byte)'9';
            return edited;
        });
        return (await Ask(cache.Client, "Hello")).Text == "answer 9" ? Wrong : Again;
    }

    private static async Task<string> DownAsync(Candidate cache)
    {
        cache.Backend.CannotBeRead = cache.Backend.CannotBeWritten = true;
        await Ask(cache.Client, "Hello");
        return "answered";
    }

    private static async Task<string> FullAsync(Candidate cache)
    {
        cache.Backend.CannotBeWritten = true;
        try
        {
            await Ask(cache.Client, "Hello");
            return "answered";
        }
        catch (IOException e) when (cache.Model.Calls == 1)
        {
            return $"the paid answer is lost ({e.GetType().Name})";
        }
    }

    private static Task<ChatResponse> Ask(IChatClient client, string text, ChatOptions? options = null) => client.GetResponseAsync(User(text), options);

    private static Task<ChatResponse> Ask(IChatClient client, params ChatMessage[] messages) => client.GetResponseAsync(messages);

    private static Task<ChatResponse> Stream(IChatClient client, string text) => client.GetStreamingResponseAsync(text).ToChatResponseAsync();

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    private static ChatMessage Image(byte last) => new(ChatRole.User, [new DataContent(new byte[] { 1, 2, 3, last }, "image/png")]);

    private static ChatOptions One() => new();

    private static ChatOptions Properties(params string[] names) => new() { AdditionalProperties = new(names.Select(name => KeyValuePair.Create<string, object?>(name, 1))) };

    private static AIFunctionDeclaration Tool(string name, string description, string? parameter = null) => AIFunctionFactory.CreateDeclaration(name, description,
        JsonElement.Parse(parameter is null ? """{"type":"object"}""" : $$$"""{"type":"object","properties":{"{{{parameter}}}":{"type":"string"} } }"""));

    private static ChatMessage[] History(string id, int hour) =>
    [
        User("Hello"),
        new(ChatRole.Assistant, "Hi") { MessageId = id, CreatedAt = new DateTimeOffset(2026, 8, 22, hour, 0, 0, TimeSpan.Zero) },
        User("How are you?"),
    ];

    private static ChatMessage[] ToolHistory(string callId) =>
    [
        User("What time is it?"),
        new(ChatRole.Assistant, [new FunctionCallContent(callId, "now")]),
        new(ChatRole.Tool, [new FunctionResultContent(callId, "noon")]),
    ];

    private static void StillUnderWay(ChatResponse response)
    {
#pragma warning disable MEAI001
        response.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 });
#pragma warning restore MEAI001
        response.FinishReason = null;
    }
}
