using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Costs that providers report. gpt-4o-mini: 100 in and 50 out cost $0.000045.</summary>
public class ProviderCostTests
{
    private static readonly Money s_price = Money.FromUsd(0.000045m);

    [Theory]
    [InlineData("""{"cost":0.0012}""", "0.0012")]
    [InlineData("""{"cost":1.2e-3,"is_byok":false,"cost_details":{"upstream_inference_cost":0.001}}""", "0.0012")]
    [InlineData("""{"cost":0.00006,"is_byok":true,"cost_details":{"upstream_inference_cost":0.00114}}""", "0.0012")]
    [InlineData("""{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0012}}""", "0.0012")]
    [InlineData("""{"cost":{"input_tokens_cost":0.0002,"output_tokens_cost":0.001,"total_cost":0.0012}}""", "0.0012")]
    [InlineData("""{"cost":0}""", null)]
    [InlineData("""{"cost":-1}""", null)]
    [InlineData("""{"cost":"0.5"}""", null)]
    [InlineData("""{"cost":1e400}""", null)]
    [InlineData("""{"cost":1200000}""", null)]
    [InlineData("""{"cost":null}""", null)]
    [InlineData("{}", null)]
    public void A_cost_above_zero_is_read_and_anything_else_is_none(string usage, string? dollars)
    {
        using var document = JsonDocument.Parse(usage);
        Assert.Equal(dollars is null ? null : decimal.Parse(dollars, System.Globalization.CultureInfo.InvariantCulture), ProviderCost.Of(document.RootElement));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reported_cost_is_the_cost_and_says_so(bool streamed)
    {
        await using var pipeline = await StartAsync(streamed, ""","cost":0.0000451""");
        await AskAsync(pipeline.Client, streamed);

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Known, Money.FromUsd(0.0000451m), "The provider's own figure"), (row.Cost.Certainty, row.Cost.Amount, row.Cost.Reason));
        Assert.Equal(("provider_cost", "provider", "USD", 0.0000451m), (row.Flags, row.UsageSource, row.Currency, row.NativeCost));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 100, OutputTokens = 50, Requests = 1 }, row.Cost.Usage);
    }

    [Theory]
    [InlineData("0.00004725", false)]
    [InlineData("0.00004738", true)]
    [InlineData("0.0000427", true)]
    [InlineData("0.0000428", false)]
    public async Task A_reported_cost_more_than_five_percent_away_from_ours_is_flagged(string cost, bool differs)
    {
        await using var pipeline = await StartAsync(streamed: false, $""","cost":{cost}""");
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal(differs ? "provider_cost,provider_cost_differs" : "provider_cost", (await pipeline.RowAsync()).Flags);
    }

    [Theory]
    [InlineData(""","cost":0""")]
    [InlineData("")]
    public async Task A_zero_or_missing_cost_never_wins(string more)
    {
        await using var pipeline = await StartAsync(streamed: false, more);
        await AskAsync(pipeline.Client, streamed: false);

        var row = await pipeline.RowAsync();
        Assert.Equal((s_price, null), (row.Cost.Amount, row.Flags));
        Assert.NotNull(row.Cost.PriceRevision);
    }

    [Fact]
    public async Task A_reported_cost_can_be_ignored()
    {
        await using var pipeline = await ProviderPipeline.BuildAsync(ProviderSdk.OpenAIChat, null, o => o.ProviderCosts = ProviderCostPolicy.Ignore,
            ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(more: ""","cost":1"""))));
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal((s_price, null), ((await pipeline.RowAsync()).Cost.Amount, (await pipeline.RowAsync()).Flags));
    }

    [Fact]
    public async Task A_model_without_a_price_is_known_by_the_reported_cost()
    {
        await using var pipeline = await ProviderPipeline.BuildAsync(ProviderSdk.OpenAIChat, static (builder, costs) => builder.UseUsageMetering(costs), o => o.Budgets.Clear(),
            ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(more: ""","cost":0.002"""), model: "nobody/knows-this")));
        var cost = (await pipeline.Client.GetResponseAsync("Hi")).GetCost();

        Assert.Equal((CostCertainty.Known, Money.FromUsd(0.002m)), (cost.Certainty, cost.Amount));
    }

    private static Task<ProviderPipeline> StartAsync(bool streamed, string more)
    {
        var usage = OpenAIWire.Usage(more: more);
        return ProviderPipeline.StartAsync(ProviderSdk.OpenAIChat, streamed ? ScriptedReply.Events(OpenAIWire.Stream(usage)) : ScriptedReply.Json(OpenAIWire.Chat(usage)));
    }

    private static async Task<ChatResponse> AskAsync(IChatClient client, bool streamed) =>
        streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");
}
