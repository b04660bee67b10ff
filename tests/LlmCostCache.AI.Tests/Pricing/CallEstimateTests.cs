using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CallEstimateTests
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly EstimateOptions Assumed = new() { Provider = "openai", At = Summer, ExpectedOutputTokens = 100 };

    private static readonly string[] s_models = ["gpt-4o", "gpt-5.4", "o3", "text-embedding-3-small"];

    [Fact]
    public async Task A_public_encoding_counts_the_input_and_the_price_book_prices_it()
    {
        var estimate = await PriceBook.BuiltIn.EstimateAsync("gpt-4o", "Hello, how are you today?", Assumed);

        // 7 tokens of text, 4 around a message, 3 before the answer.
        Assert.Equal(("openai", "gpt-4o", "o200k_base", 14, 100), (estimate.Provider, estimate.PricedAs, estimate.Encoding, estimate.InputTokens, estimate.OutputTokens));
        Assert.Equal(Money.FromUsd(((14 * 2.5m) + (100 * 10m)) / 1_000_000m), estimate.Likely);
        Assert.Equal(Money.FromUsd(((7 * 2.5m) + (100 * 10m)) / 1_000_000m), estimate.Cost.Low);
        Assert.Equal(CostCertainty.Bounded, estimate.Cost.Certainty);
        Assert.Equal(128_000, estimate.ContextWindow);
    }

    [Fact]
    public async Task Without_a_public_encoding_bytes_bound_the_input()
    {
        var estimate = await PriceBook.BuiltIn.EstimateAsync("claude-sonnet-4-5", new string('x', 8_000), new() { Provider = "anthropic", At = Summer });

        Assert.Null(estimate.Encoding);
        Assert.Equal((1_000, 2_007, 8_128), (estimate.LeastInputTokens, estimate.InputTokens, estimate.MostInputTokens));
        Assert.Contains("bounded by its bytes", estimate.Cost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_are_input_too_and_limit_the_answer()
    {
        ChatMessage[] messages = [new(ChatRole.User, "Hello")];
        var options = new ChatOptions { Instructions = "Be brief.", MaxOutputTokens = 300, Tools = [AIFunctionFactory.Create(() => 1, "clock", "Tells the time")] };

        var bare = await PriceBook.BuiltIn.EstimateAsync("gpt-4o", messages, null, Assumed);
        var full = await PriceBook.BuiltIn.EstimateAsync("gpt-4o", messages, options, Assumed);

        Assert.True(full.LeastInputTokens > bare.LeastInputTokens && full.MostInputTokens > bare.MostInputTokens + 1_000);
        Assert.Equal((100, 300), (full.OutputTokens, full.MostOutputTokens));
        Assert.Equal(100, bare.MostOutputTokens);
    }

    [Fact]
    public async Task A_model_without_a_price_says_so()
    {
        var estimate = await PriceBook.BuiltIn.EstimateAsync("no-such-model", "Hello", new() { At = Summer });

        Assert.Equal((CostCertainty.Unknown, null, null), (estimate.Cost.Certainty, estimate.Cost.Amount, estimate.Likely));
        Assert.Equal("no price for 'no-such-model'", estimate.Cost.Reason);
    }

    [Fact]
    public async Task A_local_model_is_free_and_that_is_known()
    {
        var estimate = await PriceBook.BuiltIn.EstimateAsync("llama3.3", "Hello", new() { Provider = "ollama", At = Summer });
        Assert.Equal((CostCertainty.Known, Money.Zero), (estimate.Cost.Certainty, estimate.Cost.Amount));
    }

    [Fact]
    public async Task What_cannot_be_seen_reserves_the_context_window()
    {
        ChatMessage[] messages = [new(ChatRole.User, [new UriContent("https://example.com/a.pdf", "application/pdf")])];
        var estimate = await PriceBook.BuiltIn.EstimateAsync("gpt-4o", messages, null, Assumed);

        Assert.Equal(128_000, estimate.MostInputTokens);
        Assert.Contains(estimate.Warnings, warning => warning.Contains("cannot be bounded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_assumed_time_chooses_the_price()
    {
        var night = await PriceBook.BuiltIn.EstimateAsync("deepseek-chat", "Hello", new() { Provider = "deepseek", At = new(2025, 6, 1, 20, 0, 0, TimeSpan.Zero) });
        var day = await PriceBook.BuiltIn.EstimateAsync("deepseek-chat", "Hello", new() { Provider = "deepseek", At = new(2025, 6, 1, 10, 0, 0, TimeSpan.Zero) });

        Assert.True(night.Likely < day.Likely);
    }

    [Fact]
    public async Task A_cancelled_count_stops() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PriceBook.BuiltIn.EstimateAsync("gpt-4o", "Hello", Assumed, new CancellationToken(canceled: true)));

    [Fact]
    public async Task Wrong_assumptions_are_refused_by_name()
    {
        EstimateOptions[] wrong = [Assumed with { ExpectedOutputTokens = -1 }, Assumed with { MaxOutputTokens = 0 }, Assumed with { CachedInputTokens = -1 }, Assumed with { CachedShare = 1.1m }];
        foreach (var options in wrong)
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => PriceBook.BuiltIn.EstimateAsync("gpt-4o", "Hello", options));
        }
    }

    [Fact]
    public void The_likely_cost_lies_between_the_ends_and_more_never_costs_less() =>
        Gen.Select(Gen.Int[0, 4_000], Gen.Long[0, 5_000], Gen.Long[0, 100_000], Gen.Int[0, s_models.Length - 1].Select(i => s_models[i])).Sample(
            (words, output, more, model) =>
            {
                var text = string.Concat(Enumerable.Repeat("word ", words));
                var estimate = Of(model, text, Assumed with { ExpectedOutputTokens = output, MaxOutputTokens = output + more + 1 });
                var longer = Of(model, text, Assumed with { ExpectedOutputTokens = output + more });
                var cached = Of(model, text, Assumed with { ExpectedOutputTokens = output, CachedShare = 0.5m });

                Assert.True(estimate.LeastInputTokens <= estimate.InputTokens && estimate.InputTokens <= estimate.MostInputTokens);
                Assert.True(estimate.Cost.Low <= estimate.Likely && estimate.Likely <= estimate.Cost.High);
                Assert.True(longer.Likely >= estimate.Likely);
                Assert.True(cached.Likely <= estimate.Likely);
                Assert.InRange(words, estimate.LeastInputTokens - 1, estimate.MostInputTokens);
            },
            iter: 300);

    private static CallEstimate Of(string model, string text, EstimateOptions assumed)
    {
        var input = new InputMeasure(["o200k_base", "cl100k_base"]);
        input.AddText(text);
        input.EndMessage(1);
        return CallEstimator.Of(PriceBook.BuiltIn, model, input, assumed);
    }
}
