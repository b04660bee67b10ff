using System.ClientModel;
using System.Net;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>The Responses API over HTTP.</summary>
public class OpenAIResponsesTests
{
    private static readonly Money s_price = Money.FromUsd(0.000045m);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_is_priced_and_comes_from_the_cache_the_second_time(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses, streamed
            ? ScriptedReply.NamedEvents(OpenAIWire.ResponseStream(OpenAIWire.ResponseUsage(), "one two"))
            : ScriptedReply.Json(OpenAIWire.Response(OpenAIWire.ResponseUsage(), "one two")));
        var response = await AskAsync(pipeline.Client, streamed);
        var again = await AskAsync(pipeline.Client, streamed);

        Assert.Equal("one two", response.Text);
        Assert.Equal("one two", again.Text);
        Assert.Equal("/v1/responses", Assert.Single(pipeline.Endpoint.Requests).Path);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], rows.Select(row => row.Status));
        Assert.Equal((s_price, CostCertainty.Known, OpenAIWire.Model, "resp_1"), (rows[0].Cost.Amount, rows[0].Cost.Certainty, rows[0].Model, rows[0].ResponseId));
        Assert.Equal(s_price, rows[1].Cost.Saved);
        await pipeline.AssertSettledAsync(s_price);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cached_input_and_reasoning_have_their_own_buckets(bool streamed)
    {
        var usage = OpenAIWire.ResponseUsage(2_006, 300, cached: 1_920, reasoning: 200);
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses, streamed
            ? ScriptedReply.NamedEvents(OpenAIWire.ResponseStream(usage))
            : ScriptedReply.Json(OpenAIWire.Response(usage)));
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal(new TokenUsage { UncachedInputTokens = 86, CachedInputTokens = 1_920, OutputTokens = 100, ReasoningTokens = 200, Requests = 1 }, row.Cost.Usage);
        Assert.Equal(Money.FromUsd(((86m * 0.15m) + (1_920m * 0.075m) + (300m * 0.60m)) / 1_000_000m), row.Cost.Amount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_to_the_prompt_cache_have_their_own_bucket(bool streamed)
    {
        var usage = OpenAIWire.ResponseUsage(1_000, 50, cached: 300).Replace("\"cached_tokens\":300", "\"cached_tokens\":300,\"cache_write_tokens\":200", StringComparison.Ordinal);
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses, streamed
            ? ScriptedReply.NamedEvents(OpenAIWire.ResponseStream(usage))
            : ScriptedReply.Json(OpenAIWire.Response(usage)));
        await AskAsync(pipeline.Client, streamed);

        Assert.Equal(new TokenUsage { UncachedInputTokens = 500, CachedInputTokens = 300, CacheWrite5mTokens = 200, OutputTokens = 50, Requests = 1 }, (await pipeline.RowAsync()).Cost.Usage);
    }

    [Theory]
    [InlineData("incomplete", CallStatus.Ok, "length")]
    [InlineData("failed", CallStatus.Incomplete, null)]
    public async Task The_usage_of_an_event_that_the_adapter_drops_is_charged_exactly(string status, CallStatus expected, string? finish)
    {
        var text = string.Join(' ', Enumerable.Repeat("word", 50));
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses,
            ScriptedReply.NamedEvents(OpenAIWire.ResponseStream(OpenAIWire.ResponseUsage(), text, status)));
        await AskAsync(pipeline.Client, streamed: true);
        await AskAsync(pipeline.Client, streamed: true);

        var rows = await pipeline.RowsAsync();
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
        Assert.All(rows, row => Assert.Equal((s_price, CostCertainty.Known, "provider", expected, finish), (row.Cost.Amount, row.Cost.Certainty, row.UsageSource, row.Status, row.FinishReason)));
        await pipeline.AssertSettledAsync(s_price * 2);
    }

    [Fact]
    public async Task A_truncated_answer_is_charged_as_reported()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses,
            ScriptedReply.Json(OpenAIWire.Response(OpenAIWire.ResponseUsage(), status: "incomplete")));
        await AskAsync(pipeline.Client, streamed: false);
        await AskAsync(pipeline.Client, streamed: false);

        var rows = await pipeline.RowsAsync();
        Assert.All(rows, row => Assert.Equal((s_price, CallStatus.Ok, "length"), (row.Cost.Amount, row.Status, row.FinishReason)));
        Assert.Equal(2, rows.Count);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("early end")]
    [InlineData("failed")]
    public async Task A_broken_stream_is_incomplete_bounded_and_not_cached(string how)
    {
        var whole = OpenAIWire.ResponseStream(OpenAIWire.ResponseUsage(), "one two three").ToArray();
        var reply = how switch
        {
            "cut" => ScriptedReply.NamedEvents(whole).CutAfter(5),
            "early end" => ScriptedReply.NamedEvents(whole).EndAfter(5),
            _ => ScriptedReply.NamedEvents(OpenAIWire.ResponseStream(null, "one two three", "failed")),
        };
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses, reply, ScriptedReply.NamedEvents(whole));
        await Record.ExceptionAsync(() => AskAsync(pipeline.Client, streamed: true));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.InRange(row.Cost.Low, Money.FromNanos(1), row.Cost.High);
        await AskAsync(pipeline.Client, streamed: true);
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    [Fact]
    public async Task A_refused_request_cost_nothing()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses, ScriptedReply.Error(HttpStatusCode.BadRequest));
        await Assert.ThrowsAsync<ClientResultException>(() => AskAsync(pipeline.Client, streamed: false));
        Assert.Equal((CallStatus.Failed, Money.Zero), ((await pipeline.RowAsync()).Status, (await pipeline.RowAsync()).Cost.Amount));
    }

    [Fact]
    public async Task An_answer_that_is_still_under_way_is_not_stored()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.OpenAIResponses,
            ScriptedReply.Json(OpenAIWire.Response(null, "", "in_progress")), ScriptedReply.Json(OpenAIWire.Response(OpenAIWire.ResponseUsage())));
        var first = await AskAsync(pipeline.Client, streamed: false);
        var second = await AskAsync(pipeline.Client, streamed: false);

        Assert.NotEqual("Hello", first.Text);
        Assert.Equal("Hello", second.Text);
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    private static async Task<ChatResponse> AskAsync(IChatClient client, bool streamed) =>
        streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");
}
