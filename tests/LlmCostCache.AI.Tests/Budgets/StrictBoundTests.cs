using System.Text.Json;
using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What a strict budget holds is never less than what the call turns out to cost, however it is tokenised and billed.</summary>
public class StrictBoundTests
{
    private static readonly DateTimeOffset s_at = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly (string Provider, string Model)[] s_models =
    [
        ("openai", "gpt-4o"), ("openai", "gpt-5"), ("openai", "o3"), ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-3-5-haiku-20241022"),
        ("gcp.gemini", "gemini-2.5-pro"), ("deepseek", "deepseek-chat"), ("baidu", "ernie-4.0"),
    ];

    private static readonly SharpToken.GptEncoding s_encoding = SharpToken.GptEncoding.GetEncoding("cl100k_base");

    [Fact]
    public void The_hold_covers_every_way_to_bill_the_same_tokens() =>
        Gen.Select(Gen.Int[0, s_models.Length - 1].Select(i => s_models[i]), Gen.Int[0, 400_000], Gen.Int[0, 16_384], Gen.Int[0, 100].Array[5], Gen.Int[0, 2].Select(i => (string?)(i == 0 ? null : i == 1 ? "flex" : "batch")))
            .Sample(
                (model, input, output, split, tier) =>
                {
                    var usage = Split(input, output, split);
                    var price = PriceBook.BuiltIn.Price(new PriceQuery { Provider = model.Provider, Model = model.Model, At = s_at, ServiceTier = tier, Usage = usage });
                    var held = PriceBook.BuiltIn.Ceiling(model.Provider, model.Model, s_at, input, output);
                    return price.Cost.Amount is { } amount ? amount <= held : price.Cost.Certainty != CostCertainty.Known;
                },
                iter: TestSize.Cases);

    [Fact]
    public void A_text_has_never_more_tokens_than_the_bound() =>
        Gen.String.Sample(text => RequestSize.Of([new ChatMessage(ChatRole.User, text)], null).TokenBound >= Tokens(text), iter: 2_000);

    [Fact]
    public void Arguments_are_bounded_as_the_json_that_is_sent() =>
        Gen.String.Sample(
            text =>
            {
                var sent = System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, object?> { ["value"] = text }, AIJsonUtilities.DefaultOptions);
                var message = new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c1", "f", new Dictionary<string, object?> { ["value"] = text })]);
                return RequestSize.Of([message], null).TokenBound >= System.Text.Encoding.UTF8.GetByteCount(sent);
            },
            iter: 2_000);

    [Fact]
    public void Each_text_of_an_embedding_request_is_held_and_not_one_context_window_for_all()
    {
        var texts = Enumerable.Range(0, 100).Select(i => new string((char)('a' + i % 26), 5_000)).ToList();
        var demand = Demand("openai", "text-embedding-3-small", RequestSize.Of(texts)) with { HasOutput = false };
        Assert.True(Quoted(demand) >= Price("openai", "text-embedding-3-small", new TokenUsage { UncachedInputTokens = 500_000, Requests = 1 }));

        // A text beyond the window is refused by the provider, so no more than a window is held for it.
        var longer = Demand("openai", "text-embedding-3-small", RequestSize.Of([new string('a', 1_000_000), "b"])) with { HasOutput = false };
        Assert.Equal(Price("openai", "text-embedding-3-small", new TokenUsage { UncachedInputTokens = 2 * 8_191, Requests = 1 }), Quoted(longer));
    }

    /// <summary>
    /// Anthropic serves a million tokens to those who ask for it, and bills what is above 200,000 at another rate; lists say that 200,000 fit. Of others they say that an answer is longer than all that fits.
    /// </summary>
    [Theory]
    [InlineData("anthropic", "claude-sonnet-4-5")]
    [InlineData("gcp.gemini", "gemini-1.5-flash")]
    [InlineData("nebius", "openai/gpt-oss-120b-fast")]
    public void A_prompt_is_held_whole_where_the_price_list_contradicts_itself_about_the_window(string provider, string model)
    {
        var size = RequestSize.Of([new ChatMessage(ChatRole.User, new string('a', 900_000))], null);
        var held = Quoted(Demand(provider, model, size) with { MaxOutputTokens = 256 });
        Assert.True(held >= Price(provider, model, new TokenUsage { UncachedInputTokens = 900_000, OutputTokens = 256, Requests = 1 }), $"{held}");
    }

    /// <summary>A system text, documents: some adapters send along what they find there, others leave it.</summary>
    [Fact]
    public void What_stands_among_the_additional_properties_is_held_and_is_no_part_of_what_was_certainly_sent()
    {
        ChatMessage[] messages = [new(ChatRole.User, "Hi")];
        var without = RequestSize.Of(messages, new ChatOptions());
        foreach (var value in (object[])[new string('x', 10_000), JsonDocument.Parse($"[\"{new string('x', 10_000)}\"]").RootElement, new List<string> { new('x', 10_000) }])
        {
            var with = RequestSize.Of(messages, new ChatOptions { AdditionalProperties = new() { ["documents"] = value } });
            Assert.True(with.TokenBound >= without.TokenBound + 10_000, $"{value.GetType()}: {with.TokenBound}");
            Assert.Equal((without.Bytes, null), (with.Bytes, with.Unbounded));
        }

        AdditionalPropertiesDictionary others = new() { ["llmcostcache.call"] = new string('x', 10_000), ["callback"] = (Action)(static () => { }), ["hostile"] = new Hostile() };
        Assert.InRange(RequestSize.Of(messages, new ChatOptions { AdditionalProperties = others }).TokenBound, without.TokenBound, without.TokenBound + 100);
    }

    /// <summary>Options come from code, from JSON and from configuration; whatever a number is written as, it is sent as one.</summary>
    [Fact]
    public void Every_choice_that_is_asked_for_is_held_whatever_its_number_is_written_as()
    {
        foreach (var three in (object[])[3, 3L, (short)3, 3.0, 3m, "3", JsonDocument.Parse("3").RootElement, JsonDocument.Parse("3.0").RootElement, JsonDocument.Parse("\"3\"").RootElement])
        {
            Assert.Equal(3, ChoicesOf(three));
        }

        Assert.All((object?[])[null, 0, -1, -5_000_000_000L, "many", new object(), JsonDocument.Parse("{}").RootElement, 0.4m], none => Assert.Equal(1, ChoicesOf(none)));
        Assert.Equal(int.MaxValue, ChoicesOf(5_000_000_000L));
        static int ChoicesOf(object? n) => RequestSize.Of([new ChatMessage(ChatRole.User, "Hi")], new ChatOptions { AdditionalProperties = new() { ["n"] = n } }).Choices;
    }

    [Fact]
    public async Task Each_choice_holds_a_whole_answer()
    {
        var held = new List<Money>();
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Prices.Add(new ModelPrice("m") { InputPerMillion = 0m, OutputPerMillion = 1m });
                o.Budgets.Add(Budget.Daily(10m));
            },
            static (builder, costs) => builder.UseBudget(costs),
            new FakeChatClient("m"));
        pipeline.Provider.Answer = async (_, options, _) =>
        {
            held.Add(Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money);
            return pipeline.Provider.DefaultAnswer(options, "hello");
        };
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 });
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000, AdditionalProperties = new() { ["n"] = 5 } });
        Assert.Equal([Money.FromUsd(0.001m), Money.FromUsd(0.005m)], held);
    }

    private static BudgetDemand Demand(string provider, string model, RequestSize size) => new()
    {
        CallId = "c",
        Operation = "chat",
        Attribution = Attribution.None,
        Client = new ClientIdentity(provider, null, null, true),
        Model = model,
        Size = size,
    };

    private sealed class Hostile
    {
        public string Text => throw new InvalidTimeZoneException("not now");

        public override string ToString() => throw new InvalidTimeZoneException("not now");
    }

    private static Money Quoted(BudgetDemand demand) =>
        BudgetQuote.For(PriceBook.BuiltIn, demand, PriceBook.BuiltIn.Find(demand.Client.ProviderName, demand.Model, s_at), s_at)!.Ceiling(null);

    private static Money Price(string provider, string model, TokenUsage usage) =>
        PriceBook.BuiltIn.Price(new PriceQuery { Provider = provider, Model = model, At = s_at, Usage = usage }).Cost.Amount!.Value;

    [Fact]
    public void Raw_options_cannot_be_bounded_by_what_is_seen() =>
        Assert.NotNull(RequestSize.Of([], new ChatOptions { RawRepresentationFactory = _ => null }).Unbounded);

    private static int Tokens(string text) => s_encoding.CountTokens(text);

    private static TokenUsage Split(int input, int output, int[] split)
    {
        var read = (long)input * split[0] / 100;
        var write = (input - read) * split[1] / 100;
        var hour = write * split[2] / 100;
        var reasoning = (long)output * split[3] / 100;
        return new TokenUsage
        {
            UncachedInputTokens = input - read - write,
            CachedInputTokens = read,
            CacheWrite5mTokens = write - hour,
            CacheWrite1hTokens = hour,
            OutputTokens = output - reasoning,
            ReasoningTokens = reasoning,
            Requests = 1,
        };
    }
}
