using System.ClientModel;
using System.Net;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>The OpenAI SDK over HTTP. gpt-4o-mini: $0.15 in, $0.075 cached, $0.60 out per million tokens.</summary>
public class OpenAIChatTests
{
    // 100 in, 50 out.
    private static readonly Money s_price = Money.FromUsd(0.000045m);

    // 100 in, 3 out: what servers that report on every chunk say in the end.
    private static readonly Money s_shortPrice = Money.FromUsd(0.0000168m);

    [Fact]
    public async Task A_chat_answer_is_priced_by_the_dated_model_that_answered()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage())));
        var response = await pipeline.Client.GetResponseAsync("Hi");

        Assert.Equal(s_price, response.GetCost().Amount);
        var row = await pipeline.RowAsync();
        Assert.Equal((s_price, CostCertainty.Known, CallStatus.Ok), (row.Cost.Amount, row.Cost.Certainty, row.Status));
        Assert.Equal(("gpt-4o-mini", OpenAIWire.Model, "openai"), (row.RequestedModel, row.Model, row.Provider));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 100, OutputTokens = 50, Requests = 1 }, row.Cost.Usage);
        Assert.Equal(("chatcmpl-1", "stop", "provider", null), (row.ResponseId, row.FinishReason, row.UsageSource, row.Flags));
        Assert.Equal("/v1/chat/completions", Assert.Single(pipeline.Endpoint.Requests).Path);
    }

    [Fact]
    public async Task Cached_input_and_reasoning_are_charged_at_their_own_rates_and_once()
    {
        const string Details = ""","prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":200,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}""";
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat,
            ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(2_006, 300, Details))));
        await pipeline.Client.GetResponseAsync("Hi");

        var row = await pipeline.RowAsync();
        Assert.Equal(new TokenUsage { UncachedInputTokens = 86, CachedInputTokens = 1_920, OutputTokens = 100, ReasoningTokens = 200, Requests = 1 }, row.Cost.Usage);
        Assert.Equal(Money.FromUsd(((86m * 0.15m) + (1_920m * 0.075m) + (300m * 0.60m)) / 1_000_000m), row.Cost.Amount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_to_the_prompt_cache_are_charged_at_their_own_rate(bool streamed)
    {
        const string Model = "gpt-5.6-2026-07-09";
        var usage = OpenAIWire.Usage(1_000, 50, ""","prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200}""");
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
            ? ScriptedReply.Events(OpenAIWire.Stream(usage, model: Model))
            : ScriptedReply.Json(OpenAIWire.Chat(usage, model: Model)));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal(new TokenUsage { UncachedInputTokens = 500, CachedInputTokens = 300, CacheWrite5mTokens = 200, OutputTokens = 50, Requests = 1 }, row.Cost.Usage);
        Assert.Equal(Money.FromUsd(((500m * 4m) + (300m * 0.4m) + (200m * 5m) + (50m * 20m)) / 1_000_000m), row.Cost.Amount);
    }

    [Fact]
    public async Task A_stream_is_priced_from_the_usage_at_its_end()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage(), "one two three")));
        var updates = await pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync();

        Assert.Equal("one two three", updates.ToChatResponse().Text);
        Assert.Equal(s_price, updates[^1].GetCost().Amount);
        var row = await pipeline.RowAsync();
        Assert.Equal((s_price, CallStatus.Ok, true, OpenAIWire.Model), (row.Cost.Amount, row.Status, row.Streamed, row.Model));
        Assert.True(Assert.Single(pipeline.Endpoint.Requests).Json.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
    }

    [Fact]
    public async Task Streams_that_report_usage_in_other_places_are_charged_once()
    {
        var usage = OpenAIWire.Usage(100, 3);
        var streams = new Dictionary<string, string[]>
        {
            ["on every chunk"] = [OpenAIWire.Chunk("a", usage: OpenAIWire.Usage(100, 1)), OpenAIWire.Chunk("b", usage: OpenAIWire.Usage(100, 2)), OpenAIWire.Chunk("c", "stop", usage)],
            ["on the last chunk and again on an empty one"] = [OpenAIWire.Chunk("a"), OpenAIWire.Chunk("b"), OpenAIWire.Chunk("c", "stop", usage), OpenAIWire.UsageChunk(usage)],
            ["on the last chunk only"] = [OpenAIWire.Chunk("a"), OpenAIWire.Chunk("b"), OpenAIWire.Chunk("c", "stop", usage)],
            ["before the text"] = [OpenAIWire.UsageChunk(usage), OpenAIWire.Chunk("a"), OpenAIWire.Chunk("b"), OpenAIWire.Chunk("c", "stop")],
            ["on every chunk and again on an empty one"] =
                [OpenAIWire.Chunk("a", usage: OpenAIWire.Usage(100, 1)), OpenAIWire.Chunk("b", usage: OpenAIWire.Usage(100, 2)), OpenAIWire.Chunk("c", "stop", usage), OpenAIWire.UsageChunk(usage)],
        };
        foreach (var (where, chunks) in streams)
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Events([.. chunks, OpenAIWire.Done]));
            await pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync();
            var row = await pipeline.RowAsync();
            Assert.True((s_shortPrice, CostCertainty.Known, CallStatus.Ok, null) == (row.Cost.Amount, row.Cost.Certainty, row.Status, row.Flags), $"usage {where}: {row}");
        }
    }

    [Fact]
    public async Task What_follows_the_end_of_a_stream_is_not_read()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat,
            ScriptedReply.Events([.. OpenAIWire.Stream(OpenAIWire.Usage()), OpenAIWire.UsageChunk(OpenAIWire.Usage(9_000, 9_000))]));
        await pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync();

        Assert.Equal(s_price, (await pipeline.RowAsync()).Cost.Amount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_usage_the_cost_is_bounded_and_never_zero(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
            ? ScriptedReply.Events(OpenAIWire.Chunk("one two three four"), OpenAIWire.Chunk(null, "stop"), OpenAIWire.Done)
            : ScriptedReply.Json(OpenAIWire.Chat(null, "one two three four")));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Bounded, CallStatus.Ok, "tokenizer", UsageFlags.NoUsage), (row.Cost.Certainty, row.Status, row.UsageSource, row.Flags));
        Assert.InRange(row.Cost.Low, Money.FromNanos(1), row.Cost.High);
        Assert.True(row.Cost.High >= Money.FromUsd(0.0000006m * 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_hits_of_DeepSeek_are_cached_input(bool streamed)
    {
        var usage = OpenAIWire.Usage(1_000, 50, ""","prompt_cache_hit_tokens":640,"prompt_cache_miss_tokens":360""");
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed ? ScriptedReply.Events(OpenAIWire.Stream(usage)) : ScriptedReply.Json(OpenAIWire.Chat(usage)));
        await AskAsync(pipeline.Client, streamed);

        Assert.Equal(new TokenUsage { UncachedInputTokens = 360, CachedInputTokens = 640, OutputTokens = 50, Requests = 1 }, (await pipeline.RowAsync()).Cost.Usage);
    }

    [Fact]
    public async Task Writes_of_a_gateway_for_an_hour_are_found()
    {
        var usage = OpenAIWire.Usage(1_125, 15, ""","prompt_tokens_details":{"cached_tokens":1000},"cache_read_input_tokens":1000,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_1h_input_tokens":60}""");
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(usage)));
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal(
            new TokenUsage { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 40, CacheWrite1hTokens = 60, OutputTokens = 15, Requests = 1 },
            (await pipeline.RowAsync()).Cost.Usage);
    }

    [Fact]
    public async Task The_usage_of_a_stream_of_Groq_is_found_in_its_own_place()
    {
        var last = OpenAIWire.Chunk(null, "stop").Replace("\"usage\":null", """ "x_groq":{"id":"req_1","usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}}""", StringComparison.Ordinal);
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Events(OpenAIWire.Chunk("Hello"), last, OpenAIWire.Done));
        await AskAsync(pipeline.Client, streamed: true);

        var row = await pipeline.RowAsync();
        Assert.Equal((s_price, CostCertainty.Known), (row.Cost.Amount, row.Cost.Certainty));
    }

    [Fact]
    public async Task Answers_of_a_server_that_gives_each_the_same_id_have_a_row_each()
    {
        await using var one = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), id: "chatcmpl-0")));
        await one.Client.GetResponseAsync("one");
        await one.Client.GetResponseAsync("two");

        var rows = await one.RowsAsync();
        Assert.Equal(["chatcmpl-0", "chatcmpl-0"], rows.Select(row => row.ResponseId));
        Assert.Equal(2, rows.Select(row => row.Id).Distinct().Count());
        await one.AssertSettledAsync(s_price * 2);
    }

    [Fact]
    public async Task An_explicit_zero_is_a_value()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(0, 0))));
        await pipeline.Client.GetResponseAsync("Hi");

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Known, Money.Zero, "provider"), (row.Cost.Certainty, row.Cost.Amount, row.UsageSource));
    }

    /// <summary>150 tokens are counted at $0.000045; the 100 that nobody names are input at $0.15 or output at $0.60 a million.</summary>
    [Fact]
    public async Task Tokens_that_only_the_total_has_are_bounded_by_the_dearest_they_can_be()
    {
        const string Usage = """{"prompt_tokens":100,"completion_tokens":50,"total_tokens":250}""";
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(Usage)));
        await pipeline.Client.GetResponseAsync("Hi");

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Bounded, s_price, s_price + Money.FromUsd(0.00006m)), (row.Cost.Certainty, row.Cost.Low, row.Cost.High));
        Assert.Equal(UsageFlags.TotalDiffers, row.Flags);
        Assert.Equal("The provider's total is larger than its counts", row.Cost.Reason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_empty_usage_is_not_a_zero(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
            ? ScriptedReply.Events(OpenAIWire.Chunk("one two", finish: "stop"), OpenAIWire.UsageChunk("{}"))
            : ScriptedReply.Json(OpenAIWire.Chat("{}")));
        if (streamed)
        {
            await pipeline.Client.GetStreamingResponseAsync("Hi").ToChatResponseAsync();
        }
        else
        {
            await pipeline.Client.GetResponseAsync("Hi");
        }

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Bounded, "estimate"), (row.Cost.Certainty, row.UsageSource));
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Fact]
    public async Task Counts_that_contradict_themselves_are_clamped_and_flagged()
    {
        var cases = new (string Usage, TokenUsage Expected)[]
        {
            (OpenAIWire.Usage(100, 50, ""","prompt_tokens_details":{"cached_tokens":900}"""), new() { CachedInputTokens = 100, OutputTokens = 50, Requests = 1 }),
            (OpenAIWire.Usage(100, 50, ""","completion_tokens_details":{"reasoning_tokens":70}"""), new() { UncachedInputTokens = 100, ReasoningTokens = 50, Requests = 1 }),
        };
        foreach (var (usage, expected) in cases)
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(usage)));
            await pipeline.Client.GetResponseAsync("Hi");
            var row = await pipeline.RowAsync();
            Assert.Equal(expected, row.Cost.Usage);
            Assert.Equal((UsageFlags.Clamped, CallStatus.Ok), (row.Flags, row.Status));
            Assert.True(row.Cost.Low >= Money.Zero);
        }
    }

    [Fact]
    public async Task Counts_below_zero_cost_between_nothing_and_what_the_texts_can_have_been()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(-100, -50))));
        await pipeline.Client.GetResponseAsync("Hi");

        var row = await pipeline.RowAsync();
        Assert.Equal((UsageFlags.Clamped, CallStatus.Ok, CostCertainty.Bounded, Money.Zero), (row.Flags, row.Status, row.Cost.Certainty, row.Cost.Low));
        Assert.InRange(row.Cost.High, Money.FromUsd(0.0000006m * 5), Money.FromUsd(0.001m));
        Assert.Contains("cannot be true", row.Cost.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3000000000", true)]
    [InlineData("9007199254740992", true)]
    [InlineData("9223372036854775808", true)]
    [InlineData("1e400", true)]
    [InlineData("10.0", true)]
    [InlineData("\"10\"", true)]
    [InlineData("\"NaN\"", true)]
    [InlineData("[1]", true)]
    [InlineData("3000000000", false)]
    [InlineData("9223372036854775808", false)]
    [InlineData("1e400", false)]
    [InlineData("10.0", false)]
    [InlineData("\"10\"", false)]
    [InlineData("[1]", false)]
    public async Task Counts_that_the_SDK_cannot_read_leave_a_row_that_may_have_been_billed(string count, bool streamed)
    {
        var usage = $$"""{"prompt_tokens":{{count}},"completion_tokens":5,"total_tokens":15}""";
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
            ? ScriptedReply.Events(OpenAIWire.Stream(usage))
            : ScriptedReply.Json(OpenAIWire.Chat(usage)));
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(pipeline.Client, streamed));

        var row = await pipeline.RowAsync();
        Assert.Equal(streamed ? CallStatus.Incomplete : CallStatus.Assumed, row.Status);
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        Assert.True(row.Cost.High > Money.Zero);
        Assert.NotNull(row.Error);
    }

    [Fact]
    public async Task An_answer_without_choices_may_have_been_billed()
    {
        const string Nothing = """{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}}""";
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(Nothing));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => pipeline.Client.GetResponseAsync("Hi"));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.True(row.Cost.High >= s_price);
    }

    [Fact]
    public async Task Several_choices_are_charged_together()
    {
        const string Five = """
            {"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[
             {"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"b"},"finish_reason":"stop"},
             {"index":2,"message":{"role":"assistant","content":"c"},"finish_reason":"stop"},{"index":3,"message":{"role":"assistant","content":"d"},"finish_reason":"stop"},
             {"index":4,"message":{"role":"assistant","content":"e"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":250,"total_tokens":350}}
            """;
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(Five));
        await pipeline.Client.GetResponseAsync("Hi", new ChatOptions { AdditionalProperties = new() { ["n"] = 5 } });

        Assert.Equal(Money.FromUsd(0.000165m), (await pipeline.RowAsync()).Cost.Amount);
    }

    [Theory]
    [InlineData("content_filter")]
    [InlineData("length")]
    public async Task Refused_and_cut_answers_are_charged_as_reported_and_not_cached(string finish)
    {
        foreach (var streamed in (bool[])[false, true])
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
                ? ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage(), finish: finish))
                : ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), finish: finish)));
            await AskAsync(pipeline.Client, streamed);
            await AskAsync(pipeline.Client, streamed);

            var rows = await pipeline.RowsAsync();
            Assert.Equal(2, pipeline.Endpoint.Requests.Count);
            Assert.All(rows, row => Assert.Equal((s_price, CallStatus.Ok, finish), (row.Cost.Amount, row.Status, row.FinishReason)));
            await pipeline.AssertSettledAsync(s_price * 2);
        }
    }

    [Fact]
    public async Task An_empty_answer_is_charged_and_not_cached()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(100, 0), "")));
        await pipeline.Client.GetResponseAsync("Hi");
        await pipeline.Client.GetResponseAsync("Hi");

        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal((Money.FromUsd(0.000015m), CallStatus.Ok), (row.Cost.Amount, row.Status)));
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    public static TheoryData<string> BrokenStreams => ["cut", "early end", "error event", "malformed", "cut after the first chunk with running usage", "early end with running usage"];

    [Theory]
    [MemberData(nameof(BrokenStreams))]
    public async Task A_broken_stream_is_incomplete_bounded_and_not_cached(string how)
    {
        string[] chunks = [OpenAIWire.Chunk("one "), OpenAIWire.Chunk("two "), OpenAIWire.Chunk("three "), OpenAIWire.Chunk(null, "stop"), OpenAIWire.UsageChunk(OpenAIWire.Usage()), OpenAIWire.Done];
        string[] running = [OpenAIWire.Chunk("one ", usage: OpenAIWire.Usage(100, 1)), OpenAIWire.Chunk("two ", usage: OpenAIWire.Usage(100, 2)), OpenAIWire.Chunk("three ", "stop", OpenAIWire.Usage(100, 3)), OpenAIWire.Done];
        var reply = how switch
        {
            "cut" => ScriptedReply.Events(chunks).CutAfter(2),
            "early end" => ScriptedReply.Events(chunks).EndAfter(2),
            "error event" => ScriptedReply.Events(chunks[0], chunks[1], """{"error":{"message":"The server had an error","type":"server_error","code":null}}"""),
            "malformed" => ScriptedReply.Events(chunks[0], chunks[1], """{"id":"chatcmpl-1","choi"""),
            "early end with running usage" => ScriptedReply.Events(running).EndAfter(2),
            _ => ScriptedReply.Events(running).CutAfter(1),
        };
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, reply, ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage(), "whole")));
        await Record.ExceptionAsync(() => pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync().AsTask());

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.InRange(row.Cost.Low, Money.FromNanos(1), row.Cost.High);
        Assert.True(row.Cost.High >= Money.FromUsd(0.0000018m), "what was received is inside the bound");
        Assert.Equal("whole", (await pipeline.Client.GetStreamingResponseAsync("Hi").ToChatResponseAsync()).Text);
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(429)]
    public async Task A_request_that_was_refused_cost_nothing(int status)
    {
        foreach (var streamed in (bool[])[false, true])
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Error((HttpStatusCode)status));
            await Assert.ThrowsAsync<ClientResultException>(() => AskAsync(pipeline.Client, streamed));

            var row = await pipeline.RowAsync();
            Assert.Equal((CallStatus.Failed, CostCertainty.Known, Money.Zero), (row.Status, row.Cost.Certainty, row.Cost.Amount));
            Assert.Equal(nameof(ClientResultException), row.Error);
        }
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(408)]
    [InlineData(0)]
    public async Task A_request_whose_outcome_is_not_known_is_assumed_to_be_billed(int status)
    {
        foreach (var streamed in (bool[])[false, true])
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, status == 0 ? ScriptedReply.Cut : ScriptedReply.Error((HttpStatusCode)status));
            await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(pipeline.Client, streamed));

            var row = await pipeline.RowAsync();
            Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
            Assert.Equal(Money.Zero, row.Cost.Low);
            Assert.True(row.Cost.High >= s_price);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_timeout_is_assumed_to_be_billed(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(
            address => ProviderSdk.OpenAI(address, timeout: TimeSpan.FromMilliseconds(300)).GetChatClient("gpt-4o-mini").AsIChatClient(), ScriptedReply.Silence);
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(pipeline.Client, streamed));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.True(row.Cost.High >= s_price);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refused_connection_cost_nothing(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(_ => ProviderSdk.OpenAIChat(new Uri("http://127.0.0.1:1/")), ScriptedReply.Silence);
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(pipeline.Client, streamed));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Failed, Money.Zero), (row.Status, row.Cost.Amount));
        Assert.Empty(pipeline.Endpoint.Requests);
    }

    [Fact]
    public async Task Two_refusals_and_an_answer_inside_the_SDK_are_one_priced_row()
    {
        var busy = ScriptedReply.Error(HttpStatusCode.TooManyRequests) with { Headers = new Dictionary<string, string> { ["retry-after-ms"] = "1" } };
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChatRetrying, busy, busy, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage())));
        await pipeline.Client.GetResponseAsync("Hi");

        Assert.Equal(3, pipeline.Endpoint.Requests.Count);
        Assert.Equal((s_price, CallStatus.Ok), ((await pipeline.RowAsync()).Cost.Amount, CallStatus.Ok));
    }

    [Fact]
    public async Task A_dearer_answering_model_decides_the_price()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), model: "gpt-4o-2024-08-06")));
        await pipeline.Client.GetResponseAsync("Hi");

        var row = await pipeline.RowAsync();
        Assert.Equal(("gpt-4o-mini", "gpt-4o-2024-08-06"), (row.RequestedModel, row.Model));
        Assert.Equal(Money.FromUsd(((100m * 2.5m) + (50m * 10m)) / 1_000_000m), row.Cost.Amount);
    }

    [Fact]
    public async Task An_answer_that_names_no_model_is_priced_as_the_one_that_was_asked()
    {
        foreach (var streamed in (bool[])[false, true])
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
                ? ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage(), model: ""))
                : ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), model: "")));
            await AskAsync(pipeline.Client, streamed);
            Assert.Equal(("gpt-4o-mini", s_price), ((await pipeline.RowAsync()).Model, (await pipeline.RowAsync()).Cost.Amount));
        }
    }

    [Fact]
    public async Task An_answer_of_a_model_that_nobody_knows_is_booked_at_what_a_strict_budget_held_for_it()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), model: "gpt-4-unheard-of")));
        var response = await pipeline.Client.GetResponseAsync("Hi");

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CostCertainty.Bounded, Money.Zero, "gpt-4-unheard-of"), (row.Cost.Certainty, row.Cost.Low, row.Model));
        Assert.True(row.Cost.High > Money.Zero);
        Assert.Contains("gpt-4-unheard-of", response.GetCost().Reason, StringComparison.Ordinal);
        Assert.Equal(100, row.Cost.Usage.UncachedInputTokens);
    }

    [Fact]
    public async Task Answers_with_the_same_id_are_rows_of_their_own()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), id: "chatcmpl-0")));
        await pipeline.Client.GetResponseAsync("Hi");
        await pipeline.Client.GetResponseAsync("Hi there");

        var rows = await pipeline.RowsAsync();
        Assert.Equal(["chatcmpl-0", "chatcmpl-0"], rows.Select(row => row.ResponseId));
        Assert.Equal(2, rows.Select(row => row.Id).Distinct().Count());
        await pipeline.AssertSettledAsync(s_price * 2);
    }

    [Fact]
    public async Task Rounds_of_one_streamed_conversation_with_the_same_id_are_added_up()
    {
        const string Call = """{"id":"chatcmpl-0","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"now","arguments":"{}"}}]},"finish_reason":null}]}""";
        var usage = OpenAIWire.Usage();
        string[] first = [Call, OpenAIWire.Chunk(null, "tool_calls", id: "chatcmpl-0"), OpenAIWire.UsageChunk(usage, id: "chatcmpl-0"), OpenAIWire.Done];
        foreach (var inside in (bool[])[true, false])
        {
            await using var pipeline = await ProviderPipeline.BuildAsync(ProviderSdk.OpenAIChat, inside
                    ? static (builder, costs) => builder.UseFunctionInvocation().UseUsageMetering(costs)
                    : static (builder, costs) => builder.UseUsageMetering(costs).UseFunctionInvocation(),
                null, ScriptedReply.Events(first), ScriptedReply.Events(OpenAIWire.Stream(usage, id: "chatcmpl-0")));
            var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };
            var response = await pipeline.Client.GetStreamingResponseAsync("What time is it?", options).ToChatResponseAsync();

            Assert.Equal(s_price * 2, response.GetCost().High);
            var rows = await pipeline.RowsAsync();
            Assert.Equal(inside ? 2 : 1, rows.Count);
            Assert.Equal(s_price * 2, rows.Aggregate(Money.Zero, (sum, row) => sum + row.Cost.High));
        }
    }

    [Theory]
    [InlineData("priority", null, 0.25, 1.0)]
    [InlineData(null, "priority", 0.25, 1.0)]
    [InlineData("auto", "priority", 0.25, 1.0)]
    [InlineData("priority", "default", 0.15, 0.60)]
    public async Task The_tier_that_the_provider_served_decides_the_price_and_else_the_one_that_was_asked_for(string? asked, string? served, double input, double output)
    {
        foreach (var streamed in (bool[])[false, true])
        {
            var tier = served is null ? "" : $""","service_tier":"{served}" """;
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed
                ? ScriptedReply.Events(OpenAIWire.Stream(OpenAIWire.Usage()).Select(chunk => chunk.EndsWith('}') ? chunk[..^1] + tier + "}" : chunk))
                : ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(), more: tier)));
            var options = new ChatOptions { AdditionalProperties = asked is null ? null : new() { ["service_tier"] = asked } };
            await (streamed ? pipeline.Client.GetStreamingResponseAsync("Hi", options).ToChatResponseAsync() : pipeline.Client.GetResponseAsync("Hi", options));

            Assert.Equal(Money.FromUsd(((100m * (decimal)input) + (50m * (decimal)output)) / 1_000_000m), (await pipeline.RowAsync()).Cost.Amount);
        }
    }

    private static async Task AskAsync(IChatClient client, bool streamed)
    {
        if (streamed)
        {
            await client.GetStreamingResponseAsync("Hi").ToListAsync();
        }
        else
        {
            await client.GetResponseAsync("Hi");
        }
    }
}
