using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What a strict budget holds for a call that asks for a service tier.</summary>
public class RequestedTierTests
{
    private const string Model = "claude-opus-4-6";

    [Fact]
    public async Task A_call_in_fast_mode_holds_the_fast_rate()
    {
        var plain = await HeldAsync(new());
        Assert.True(plain > Money.Zero);

        // $5 and $25 a million, $30 and $150 in fast mode.
        Assert.Equal(plain * 6, await HeldAsync(Asking("speed", "fast")));
        Assert.Equal(plain * 6, await HeldAsync(Asking("speed", JsonSerializer.SerializeToElement("fast"))));
        Assert.Equal(plain, await HeldAsync(Asking("speed", "standard")));
    }

    [Fact]
    public async Task A_tier_that_is_dearer_is_held_and_one_that_is_cheaper_lowers_nothing()
    {
        var standard = await HeldAsync(Asking("service_tier", "default"), "gpt-4o", "openai");
        Assert.True(await HeldAsync(Asking("service_tier", "priority"), "gpt-4o", "openai") > standard);
        Assert.Equal(standard, await HeldAsync(Asking("service_tier", "flex"), "gpt-4o", "openai"));
    }

    [Fact]
    public async Task Raw_options_can_ask_for_the_fast_mode_and_are_held_for_it()
    {
        var options = new ChatOptions { MaxOutputTokens = 1_000, RawRepresentationFactory = _ => null };

        // What raw options add to the input cannot be seen either, so it is a full context window.
        Assert.Equal(
            PriceBook.BuiltIn.Ceiling("anthropic", Model, DateTimeOffset.UtcNow, 1_000_000, 1_000, serviceTier: "fast"),
            await HeldAsync(options));
    }

    [Fact]
    public async Task A_budget_that_just_holds_a_call_refuses_the_same_call_in_fast_mode()
    {
        var plain = await HeldAsync(new());
        await using var pipeline = Open(o => o.Budgets.Add(Budget.Daily(plain.Usd)));
        var fast = Asking("speed", "fast");
        fast.MaxOutputTokens = 1_000;
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello", fast));
        Assert.Empty(pipeline.Provider.Calls);

        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 });
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_call_whose_outcome_is_not_known_is_bounded_by_the_fast_rate()
    {
        var (plain, fast) = (await FailAsync(new()), await FailAsync(Asking("speed", "fast")));
        Assert.True(plain > Money.Zero);
        Assert.Equal(plain * 6, fast);

        static async Task<Money> FailAsync(ChatOptions options)
        {
            await using var pipeline = Open(_ => { });
            pipeline.Provider.Answer = (_, _, _) => throw new TimeoutException();
            options.MaxOutputTokens = 1_000;
            await Assert.ThrowsAsync<TimeoutException>(() => pipeline.Client.GetResponseAsync("Hello", options));
            return Assert.Single(await pipeline.RowsAsync()).Cost.High;
        }
    }

    [Fact]
    public async Task A_tier_without_a_price_is_refused_by_its_name()
    {
        await using var pipeline = Open(o => o.Budgets.Add(Budget.Daily(1_000m)), "gpt-4o", "openai");
        var refusal = await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("Hello", Asking("service_tier", "scale")));
        Assert.Contains("service tier 'scale'", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_chat_call_to_an_embedding_model_is_refused_because_it_has_no_rate_for_answers()
    {
        await using var pipeline = Open(o => o.Budgets.Add(Budget.Daily(1_000m)), "text-embedding-3-small", "openai");
        var refusal = await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 }));
        Assert.Contains("no rate for answers", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_chat_call_to_an_embedding_model_passes_unpriced_where_no_budget_refuses()
    {
        await using var pipeline = Open(o => o.Budgets.Add(Budget.Daily(1_000m).Warn()), "text-embedding-3-small", "openai");
        Assert.Equal(CostCertainty.Unknown, (await pipeline.Client.GetResponseAsync("Hello")).GetCost().Certainty);
    }

    private static ChatOptions Asking(string name, object value) => new() { AdditionalProperties = new() { [name] = value } };

    private static async Task<Money> HeldAsync(ChatOptions options, string model = Model, string provider = "anthropic")
    {
        await using var pipeline = Open(o => o.Budgets.Add(Budget.Daily(1_000m)), model, provider);
        var held = Money.Zero;
        pipeline.Provider.Answer = async (_, asked, _) =>
        {
            held = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money;
            return pipeline.Provider.DefaultAnswer(asked, "Hello");
        };
        options.MaxOutputTokens = 1_000;
        await pipeline.Client.GetResponseAsync("Hello", options);
        return held;
    }

    private static Pipeline Open(Action<LlmCostsOptions> configure, string model = Model, string provider = "anthropic") =>
        new(configure, provider: new FakeChatClient(model, provider, provider == "openai" ? "https://api.openai.com/v1" : "https://api.anthropic.com"));
}
