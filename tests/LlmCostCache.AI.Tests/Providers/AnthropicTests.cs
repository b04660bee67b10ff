using System.Net;
using Anthropic.Exceptions;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Anthropic's SDK over HTTP. claude-sonnet-4-5: $3 in, $0.30 cached, $3.75 and $6 written, $15 out per million tokens, $0.01 a search.</summary>
public class AnthropicTests
{
    // 25 in, 15 out.
    private static readonly Money s_price = Money.FromUsd(0.0003m);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_is_priced_by_the_dated_model_that_answered(bool streamed)
    {
        await using var pipeline = await StartAsync(streamed, AnthropicWire.Usage());
        await AskAsync(pipeline.Client, streamed);
        var again = await AskAsync(pipeline.Client, streamed);

        Assert.Equal("Hello", again.Text);
        Assert.Equal("/v1/messages", Assert.Single(pipeline.Endpoint.Requests).Path);
        var rows = await pipeline.RowsAsync();
        Assert.Equal((s_price, CostCertainty.Known, CallStatus.Ok), (rows[0].Cost.Amount, rows[0].Cost.Certainty, rows[0].Status));
        Assert.Equal(("claude-sonnet-4-5", AnthropicWire.Model, "anthropic", "stop"), (rows[0].RequestedModel, rows[0].Model, rows[0].Provider, rows[0].FinishReason));
        Assert.Equal(CallStatus.Cached, rows[1].Status);
        await pipeline.AssertSettledAsync(s_price);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cache_reads_writes_thinking_and_searches_are_charged_at_their_own_rates(bool streamed)
    {
        await using var pipeline = await StartAsync(streamed,
            AnthropicWire.Usage(25, 15, read: 1_000, write: 100, more: ""","output_tokens_details":{"thinking_tokens":10},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":0}"""));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal(
            new TokenUsage { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 5, ReasoningTokens = 10, WebSearches = 2, Requests = 1 },
            row.Cost.Usage);
        Assert.Equal(Money.FromUsd((((25m * 3m) + (1_000m * 0.3m) + (100m * 3.75m) + (15m * 15m)) / 1_000_000m) + 0.02m), row.Cost.Amount);
        Assert.Null(row.Flags);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_for_an_hour_are_charged_as_writes_for_an_hour(bool streamed)
    {
        await using var pipeline = await StartAsync(streamed, AnthropicWire.Usage(25, 15, read: 0, write: 1_000, write1h: 600));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal(new TokenUsage { UncachedInputTokens = 25, CacheWrite5mTokens = 400, CacheWrite1hTokens = 600, OutputTokens = 15, Requests = 1 }, row.Cost.Usage);
        Assert.Equal(Money.FromUsd(((25m * 3m) + (400m * 3.75m) + (600m * 6m) + (15m * 15m)) / 1_000_000m), row.Cost.Amount);
    }

    public static TheoryData<string> Deltas =>
    [
        """{"output_tokens":15}""",
        """{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":15}""",
    ];

    [Theory]
    [MemberData(nameof(Deltas))]
    public async Task The_start_and_the_end_of_a_stream_are_not_added_up(string delta)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic,
            ScriptedReply.NamedEvents(AnthropicWire.Stream(AnthropicWire.Usage(25, 1, read: 1_000, write: 100), delta)));
        await AskAsync(pipeline.Client, streamed: true);

        var row = await pipeline.RowAsync();
        Assert.Equal(new TokenUsage { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 15, Requests = 1 }, row.Cost.Usage);
    }

    [Fact]
    public async Task Two_deltas_count_once()
    {
        string[] events =
        [
            AnthropicWire.Start(AnthropicWire.Usage(25, 1, read: 1_000, write: 100)), AnthropicWire.BlockStart, AnthropicWire.Delta("Hello"), AnthropicWire.BlockStop,
            AnthropicWire.MessageDelta("""{"output_tokens":7}"""), AnthropicWire.MessageDelta("""{"output_tokens":15}"""), AnthropicWire.MessageStop,
        ];
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic, ScriptedReply.NamedEvents(events));
        await AskAsync(pipeline.Client, streamed: true);

        Assert.Equal((1_125, 15), ((await pipeline.RowAsync()).Cost.Usage.TotalInputTokens, (await pipeline.RowAsync()).Cost.Usage.TotalOutputTokens));
    }

    [Theory]
    [InlineData("early end", 4)]
    [InlineData("early end", 1)]
    [InlineData("cut", 4)]
    [InlineData("error event", 4)]
    public async Task A_broken_stream_is_incomplete_bounded_and_not_cached(string how, int pieces)
    {
        var text = string.Join(' ', Enumerable.Repeat("word", 60));
        string[] whole = [AnthropicWire.Start(AnthropicWire.Usage(25, 1, read: 1_000, write: 100)), AnthropicWire.BlockStart, AnthropicWire.Delta(text), AnthropicWire.Delta(text),
            AnthropicWire.BlockStop, AnthropicWire.MessageDelta("""{"output_tokens":150}"""), AnthropicWire.MessageStop];
        var reply = how switch
        {
            "cut" => ScriptedReply.NamedEvents(whole).CutAfter(pieces),
            "early end" => ScriptedReply.NamedEvents(whole).EndAfter(pieces),
            _ => ScriptedReply.NamedEvents([.. whole.Take(pieces), AnthropicWire.Error]),
        };
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic, reply, ScriptedReply.NamedEvents(whole));
        await Record.ExceptionAsync(() => AskAsync(pipeline.Client, streamed: true));

        // What the provider bills: all of the input, and the 120 words that were produced.
        var billed = Money.FromUsd(((25m * 3m) + (1_000m * 0.3m) + (100m * 3.75m) + ((pieces > 1 ? 120m : 1m) * 15m)) / 1_000_000m);
        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.InRange(billed, row.Cost.Low, row.Cost.High);
        await AskAsync(pipeline.Client, streamed: true);
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    [Fact]
    public async Task A_stream_that_breaks_has_the_input_that_was_told_at_its_start()
    {
        var text = string.Join(' ', Enumerable.Repeat("word", 60));
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic,
            ScriptedReply.NamedEvents(AnthropicWire.Start(AnthropicWire.Usage(25, 1, read: 1_000, write: 100, write1h: 60)), AnthropicWire.BlockStart, AnthropicWire.Delta(text), AnthropicWire.Error));
        await Record.ExceptionAsync(() => AskAsync(pipeline.Client, streamed: true));

        var row = await pipeline.RowAsync();
        Assert.Equal(
            (25L, 1_000L, 40L, 60L),
            (row.Cost.Usage.UncachedInputTokens, row.Cost.Usage.CachedInputTokens, row.Cost.Usage.CacheWrite5mTokens, row.Cost.Usage.CacheWrite1hTokens));
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        var input = Money.FromUsd(((25m * 3m) + (1_000m * 0.3m) + (40m * 3.75m) + (60m * 6m)) / 1_000_000m);
        Assert.InRange(row.Cost.Low, input, row.Cost.High);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_compaction_of_a_conversation_is_charged_as_well(bool streamed)
    {
        const string More = ""","iterations":[{"type":"compaction","input_tokens":1000,"output_tokens":200},{"type":"message","input_tokens":25,"output_tokens":15}]""";
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic, streamed
            ? ScriptedReply.NamedEvents(AnthropicWire.Stream(AnthropicWire.Usage(25, 1), AnthropicWire.Usage(25, 15, more: More)))
            : ScriptedReply.Json(AnthropicWire.Message(AnthropicWire.Usage(25, 15, more: More))));
        await AskAsync(pipeline.Client, streamed);

        Assert.Equal(new TokenUsage { UncachedInputTokens = 1_025, OutputTokens = 215, Requests = 1 }, (await pipeline.RowAsync()).Cost.Usage);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_place_and_the_tier_are_those_that_Anthropic_names(bool streamed)
    {
        await using var pipeline = await StartAsync(streamed, AnthropicWire.Usage(more: ""","inference_geo":"us" """));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal(("us", "standard"), (row.Region, row.ServiceTier));
    }

    [Theory]
    [InlineData("refusal", "content_filter")]
    [InlineData("max_tokens", "length")]
    public async Task Refusals_and_cut_answers_are_charged_and_not_cached(string stop, string finish)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic, ScriptedReply.Json(AnthropicWire.Message(AnthropicWire.Usage(), stop: stop)));
        await AskAsync(pipeline.Client, streamed: false);
        await AskAsync(pipeline.Client, streamed: false);

        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal((s_price, CallStatus.Ok, finish), (row.Cost.Amount, row.Status, row.FinishReason)));
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    [Theory]
    [InlineData(400, CallStatus.Failed)]
    [InlineData(401, CallStatus.Failed)]
    [InlineData(429, CallStatus.Failed)]
    [InlineData(500, CallStatus.Assumed)]
    [InlineData(529, CallStatus.Failed)]
    public async Task Errors_are_told_apart_by_whether_they_may_have_been_billed(int status, CallStatus expected)
    {
        foreach (var streamed in (bool[])[false, true])
        {
            await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Anthropic, ScriptedReply.Json(AnthropicWire.Error, (HttpStatusCode)status));
            await Assert.ThrowsAnyAsync<AnthropicException>(() => AskAsync(pipeline.Client, streamed));

            var row = await pipeline.RowAsync();
            Assert.Equal(expected, row.Status);
            Assert.Equal(expected == CallStatus.Failed, row.Cost.High == Money.Zero);
        }
    }

    private static Task<ProviderPipeline> StartAsync(bool streamed, string usage) => ProviderPipeline.StartAsync(ProviderSdk.Anthropic, streamed
        ? ScriptedReply.NamedEvents(AnthropicWire.Stream(usage, usage))
        : ScriptedReply.Json(AnthropicWire.Message(usage)));

    private static async Task<ChatResponse> AskAsync(IChatClient client, bool streamed) =>
        streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");
}
