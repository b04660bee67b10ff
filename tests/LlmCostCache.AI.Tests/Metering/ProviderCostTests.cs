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
    [InlineData("""{"cost":0.00006,"is_byok":true}""", null)]
    [InlineData("""{"cost":0.00006,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}""", null)]
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

        Assert.Equal(differs ? "provider_cost_differs,provider_cost" : "provider_cost", (await pipeline.RowAsync()).Flags);
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
        await using var pipeline = await ProviderPipeline.BuildAsync(AtOpenRouter, null, o =>
            {
                Priced(o);
                o.ProviderCosts = ProviderCostPolicy.Ignore;
            },
            ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(more: ""","cost":1"""))));
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal((s_price, null), ((await pipeline.RowAsync()).Cost.Amount, (await pipeline.RowAsync()).Flags));
    }

    [Theory]
    [InlineData("0.00000001")]
    [InlineData("50000")]
    public async Task A_server_that_is_not_known_to_bill_by_its_figures_cannot_move_a_price(string cost)
    {
        await using var pipeline = await BuildAsync(null, null, $""","cost":{cost}""");
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal((s_price, "provider_cost_differs"), ((await pipeline.RowAsync()).Cost.Amount, (await pipeline.RowAsync()).Flags));
    }

    [Theory]
    [InlineData("0.0000044", false)]
    [InlineData("0.0000045", true)]
    public async Task A_figure_below_a_tenth_of_the_price_is_not_believed(string cost, bool taken)
    {
        await using var pipeline = await StartAsync(streamed: false, $""","cost":{cost}""");
        await AskAsync(pipeline.Client, streamed: false);

        var row = await pipeline.RowAsync();
        Assert.Equal(taken ? Money.FromUsd(0.0000045m) : s_price, row.Cost.Amount);
        Assert.Contains("provider_cost_differs", row.Flags);
    }

    [Fact]
    public async Task An_application_may_trust_every_figure()
    {
        await using var pipeline = await BuildAsync(null, o => o.ProviderCosts = ProviderCostPolicy.Trust, ""","cost":0.00000001""");
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal((Money.FromUsd(0.00000001m), "provider_cost_differs,provider_cost"), ((await pipeline.RowAsync()).Cost.Amount, (await pipeline.RowAsync()).Flags));
    }

    [Fact]
    public async Task A_strict_budget_books_what_it_held_when_another_model_answers_for_an_unproven_figure()
    {
        await using var pipeline = await ProviderPipeline.BuildAsync(static address => new Renamed(ProviderSdk.OpenAIChat(address), "https://gateway.example.com/v1"), null, null,
            ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(more: ""","cost":0.00000001"""), model: "nobody/knows-this")));
        await AskAsync(pipeline.Client, streamed: false);

        var row = await pipeline.RowAsync();
        Assert.Equal((CostCertainty.Bounded, "held_amount"), (row.Cost.Certainty, row.Flags));
        Assert.True(row.Cost.High > s_price);
    }

    [Fact]
    public async Task The_figure_of_the_last_of_several_requests_is_not_the_cost_of_all()
    {
        var usage = OpenAIWire.Usage(more: ""","cost":0.000045""");
        await using var pipeline = await ProviderPipeline.BuildAsync(AtOpenRouter, static (builder, costs) => builder.UseBudget(costs).Use(inner => new Doubling(inner)), Priced,
            ScriptedReply.Json(OpenAIWire.Chat(usage)));
        await AskAsync(pipeline.Client, streamed: false);

        Assert.Equal((s_price * 2, null), ((await pipeline.RowAsync()).Cost.Amount, (await pipeline.RowAsync()).Flags));
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
        return ProviderPipeline.BuildAsync(AtOpenRouter, null, Priced, streamed ? ScriptedReply.Events(OpenAIWire.Stream(usage)) : ScriptedReply.Json(OpenAIWire.Chat(usage)));
    }

    private static Task<ProviderPipeline> BuildAsync(Func<Uri, IChatClient>? sdk, Action<LlmCostsOptions>? configure, string more) =>
        ProviderPipeline.BuildAsync(sdk ?? ProviderSdk.OpenAIChat, null, configure, ScriptedReply.Json(OpenAIWire.Chat(OpenAIWire.Usage(more: more))));

    private static IChatClient AtOpenRouter(Uri address) => new Renamed(ProviderSdk.OpenAIChat(address), "https://openrouter.ai/api/v1");

    // The same price for every name of it.
    private static void Priced(LlmCostsOptions options) => options.Prices.Add(new ModelPrice("gpt-4o-mini") { Provider = "openrouter", InputPerMillion = 0.15m, OutputPerMillion = 0.60m, MaxOutputTokens = 16_384 });

    private static async Task<ChatResponse> AskAsync(IChatClient client, bool streamed) =>
        streamed ? await client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await client.GetResponseAsync("Hi");

    /// <summary>Says that it asks another endpoint, whoever answers.</summary>
    private sealed class Renamed(IChatClient inner, string endpoint) : DelegatingChatClient(inner)
    {
        private readonly ChatClientMetadata _metadata = new("openai", new Uri(endpoint), "gpt-4o-mini");

        public override object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? _metadata : base.GetService(serviceType, serviceKey);
    }

    /// <summary>Reports as function invocation does after two rounds: the usage of both, and the raw answer of the last.</summary>
    private sealed class Doubling(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var response = await base.GetResponseAsync(messages, options, cancellationToken);
            response.Usage!.Add(new UsageDetails { InputTokenCount = response.Usage.InputTokenCount, OutputTokenCount = response.Usage.OutputTokenCount, TotalTokenCount = response.Usage.TotalTokenCount });
            return response;
        }
    }
}
