using System.Net;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>OllamaSharp over HTTP: what runs on the user's own machine costs nothing, which is known and not unknown.</summary>
public class OllamaTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_local_answer_is_free_its_tokens_are_counted_and_it_is_cached(bool streamed)
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Ollama, streamed
            ? ScriptedReply.Lines(OllamaWire.Stream(26, 298, "one two"))
            : ScriptedReply.Json(OllamaWire.Chat(26, 298, "one two")));
        await AskAsync(pipeline.Client, streamed);
        var again = await AskAsync(pipeline.Client, streamed);

        Assert.Equal("one two", again.Text);
        Assert.Equal("/api/chat", Assert.Single(pipeline.Endpoint.Requests).Path);
        var rows = await pipeline.RowsAsync();
        Assert.Equal((CallStatus.Ok, CostCertainty.Known, Money.Zero), (rows[0].Status, rows[0].Cost.Certainty, rows[0].Cost.Amount));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 26, OutputTokens = 298, Requests = 1 }, rows[0].Cost.Usage);
        Assert.Equal(("ollama", OllamaWire.Model), (rows[0].Provider, rows[0].Model));
        Assert.Equal(CallStatus.Cached, rows[1].Status);
    }

    [Fact]
    public async Task A_price_of_ones_own_for_a_local_model_is_charged()
    {
        await using var pipeline = await ProviderPipeline.BuildAsync(ProviderSdk.Ollama, null,
            o => o.Prices.Add(new ModelPrice(OllamaWire.Model) { InputPerMillion = 1m, OutputPerMillion = 2m, MaxOutputTokens = 4_096, ContextWindow = 8_192 }),
            ScriptedReply.Lines(OllamaWire.Stream(26, 298)));
        await AskAsync(pipeline.Client, streamed: true);

        Assert.Equal(Money.FromUsd(0.000622m), (await pipeline.RowAsync()).Cost.Amount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broken_stream_is_incomplete_and_not_cached(bool cut)
    {
        var whole = ScriptedReply.Lines(OllamaWire.Stream(26, 298, "one two three"));
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Ollama, cut ? whole.CutAfter(2) : whole.EndAfter(2), whole);
        await Record.ExceptionAsync(() => AskAsync(pipeline.Client, streamed: true));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Incomplete, Money.Zero, UsageFlags.NoUsage), (row.Status, row.Cost.Amount, row.Flags));
        await AskAsync(pipeline.Client, streamed: true);
        Assert.Equal(2, pipeline.Endpoint.Requests.Count);
    }

    [Fact]
    public async Task A_server_error_is_assumed_and_free()
    {
        await using var pipeline = await ProviderPipeline.StartAsync(ProviderSdk.Ollama, ScriptedReply.Json("""{"error":"scripted"}""", HttpStatusCode.InternalServerError));
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(pipeline.Client, streamed: false));

        var row = await pipeline.RowAsync();
        Assert.Equal((CallStatus.Assumed, Money.Zero), (row.Status, row.Cost.High));
    }

    private static async Task<ChatResponse> AskAsync(IChatClient client, bool streamed) =>
        streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");
}
