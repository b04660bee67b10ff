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
    public void Raw_options_cannot_be_bounded_by_what_is_seen() =>
        Assert.NotNull(RequestSize.Of([], new ChatOptions { RawRepresentationFactory = _ => null }).Unbounded);

    private static int Tokens(string text) => SharpToken.GptEncoding.GetEncoding("cl100k_base").CountTokens(text);

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
