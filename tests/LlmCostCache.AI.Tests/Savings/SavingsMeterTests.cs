namespace LlmCostCache.AI.Tests;

public class SavingsMeterTests
{
    // gpt-4o: $2.50 in, $1.25 cached, $10 out per million.
    private static readonly TokenUsage s_long = new() { UncachedInputTokens = 2_006, OutputTokens = 300, Requests = 1 };

    // claude-sonnet-4-5: $3 in, $0.30 read, $3.75 and $6 written for 5 minutes and for an hour, $15 out.
    private static readonly TokenUsage s_written = new() { UncachedInputTokens = 100, CacheWrite5mTokens = 1_000, CacheWrite1hTokens = 3_000, OutputTokens = 200, Requests = 1 };

    [Theory]
    [InlineData(1, 5_615_000)] // 86 at $2.50 and 1,920 (15 steps of 128) at $1.25, 300 at $10
    [InlineData(59, 5_615_000)]
    [InlineData(60, 8_015_000)] // 2,006 at $2.50, 300 at $10
    [InlineData(24 * 60, 8_015_000)]
    public void A_prompt_that_OpenAI_would_still_have_is_cheaper_and_so_is_what_a_hit_saves(int minutes, long saved) =>
        Assert.Equal(saved, BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long).SavedAfter(TimeSpan.FromMinutes(minutes)).Nanos);

    [Theory]
    [InlineData(1_023, 2_557_500)]
    [InlineData(1_024, 1_280_000)]
    public void A_prompt_below_the_minimum_is_never_cached_by_the_provider(long tokens, long saved) =>
        Assert.Equal(saved, BoughtAnswer.Of("openai", "gpt-4o", new TokenUsage { UncachedInputTokens = tokens, Requests = 1 }).SavedAfter(TimeSpan.Zero).Nanos);

    [Theory]
    [InlineData(1, 4_500_000)] // all 4,000 are read
    [InlineData(5, 7_200_000)] // 3,000 are read; 1,000 would be written again, counted as read anew
    [InlineData(59, 7_200_000)]
    [InlineData(60, 15_300_000)] // 4,100 read anew
    public void What_was_written_to_Anthropics_cache_is_read_for_as_long_as_it_was_written_for(int minutes, long saved) =>
        Assert.Equal(saved, BoughtAnswer.Of("anthropic", "claude-sonnet-4-5", s_written).SavedAfter(TimeSpan.FromMinutes(minutes)).Nanos);

    [Fact]
    public void Claude_reads_nothing_that_nobody_asked_it_to_cache()
    {
        var usage = new TokenUsage { UncachedInputTokens = 50_000, OutputTokens = 200, Requests = 1 };
        Assert.Equal(Money.FromUsd(0.153m), BoughtAnswer.Of("anthropic", "claude-sonnet-4-5", usage).SavedAfter(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void The_premium_for_writing_to_the_providers_cache_is_not_counted_as_saved()
    {
        var answer = BoughtAnswer.Of("anthropic", "claude-sonnet-4-5", s_written);
        Assert.Equal((25_050_000, 15_300_000), (answer.Original.Amount!.Value.Nanos, answer.SavedAfter(TimeSpan.FromHours(2)).Nanos));
    }

    [Fact]
    public void What_the_bought_call_read_from_the_providers_cache_is_read_again_however_late()
    {
        var usage = new TokenUsage { UncachedInputTokens = 86, CachedInputTokens = 1_920, OutputTokens = 300, Requests = 1 };
        Assert.Equal(5_615_000, BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", usage).SavedAfter(TimeSpan.FromDays(3)).Nanos);
    }

    [Fact]
    public void A_hit_keeps_the_prompt_warm_because_without_us_it_would_have_been_sent()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long);
        var savings = new SavingsMeter(PriceBook.BuiltIn);

        Assert.Equal(8_015_000, answer.HitAfter(TimeSpan.FromHours(2), savings).Amount.Nanos);
        Assert.Equal(5_615_000, answer.HitAfter(TimeSpan.FromMinutes(179), savings).Amount.Nanos);
        Assert.Equal(5_615_000, answer.HitAfter(TimeSpan.FromMinutes(238), savings).Amount.Nanos);
        Assert.Equal(8_015_000, answer.HitAfter(TimeSpan.FromMinutes(298), savings).Amount.Nanos);
    }

    [Fact]
    public void An_answer_that_was_read_from_the_disk_again_still_knows_when_its_question_was_last_asked()
    {
        var savings = new SavingsMeter(PriceBook.BuiltIn);
        BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long).HitAfter(TimeSpan.FromHours(2), savings);

        Assert.Equal(5_615_000, BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long).HitAfter(TimeSpan.FromMinutes(121), savings).Amount.Nanos);
    }

    [Theory]
    [InlineData("gpt-4o-2024-08-06", 60)]
    [InlineData("gpt-5.4", 60)]
    [InlineData("gpt-5.6", 24 * 60)]
    public void OpenAIs_newer_models_keep_prompts_for_a_day(string model, int minutes)
    {
        Assert.True(Saved(minutes - 1) < Saved(minutes));

        long Saved(int after) => BoughtAnswer.Of("openai", model, s_long).SavedAfter(TimeSpan.FromMinutes(after)).Nanos;
    }

    [Fact]
    public void DeepSeek_keeps_whole_prompts_for_days()
    {
        var usage = new TokenUsage { UncachedInputTokens = 200, Requests = 1 };
        var price = PriceBook.BuiltIn.Price(new() { Provider = "deepseek", Model = "deepseek-chat", At = BoughtAnswer.Noon, Usage = usage with { UncachedInputTokens = 0, CachedInputTokens = 200 } });

        Assert.Equal(price.Cost.Amount, BoughtAnswer.Of("deepseek", "deepseek-chat", usage).SavedAfter(TimeSpan.FromDays(6)));
        Assert.True(BoughtAnswer.Of("deepseek", "deepseek-chat", usage).SavedAfter(TimeSpan.FromDays(7)) > price.Cost.Amount);
    }

    [Fact]
    public void The_service_tier_of_the_bought_call_prices_what_is_saved()
    {
        var batch = PriceBook.BuiltIn.Price(new() { Provider = "openai", Model = "gpt-4o", At = BoughtAnswer.Noon, ServiceTier = "batch", Usage = s_long });
        Assert.Equal(batch.Cost.Amount, BoughtAnswer.Of("openai", "gpt-4o", s_long, tier: "batch").SavedAfter(TimeSpan.FromDays(1)));
    }

    [Fact]
    public void The_lower_end_of_a_bounded_cost_is_the_most_that_is_counted()
    {
        var cost = CallCost.Between(Money.FromNanos(1_000), Money.FromNanos(9_000_000), "cut");
        Assert.Equal(1_000, BoughtAnswer.Of("openai", "gpt-4o", s_long, cost: cost).SavedAfter(TimeSpan.FromDays(1)).Nanos);
    }

    [Fact]
    public void A_cost_that_the_provider_named_is_the_most_that_is_counted()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o", s_long, cost: CallCost.Known(Money.FromNanos(6_000_000)), providerCost: true);
        Assert.Equal((5_615_000, 6_000_000), (answer.SavedAfter(TimeSpan.FromMinutes(1)).Nanos, answer.SavedAfter(TimeSpan.FromDays(1)).Nanos));
    }

    [Fact]
    public void A_cost_that_only_the_provider_knows_counts_once_the_prompt_is_cold()
    {
        var answer = BoughtAnswer.Of("openrouter", "nobody/knows", s_long, cost: CallCost.Known(Money.FromNanos(6_000_000)), providerCost: true);
        Assert.Equal((0, 6_000_000), (answer.SavedAfter(TimeSpan.FromMinutes(1)).Nanos, answer.SavedAfter(TimeSpan.FromDays(2)).Nanos));
    }

    [Fact]
    public void An_answer_of_several_requests_saves_at_most_what_it_cost()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o", s_long, cost: CallCost.Known(Money.FromNanos(7_000_000)), vague: true);
        Assert.Equal(7_000_000, answer.SavedAfter(TimeSpan.FromDays(1)).Nanos);
    }

    [Fact]
    public void Nothing_is_counted_for_an_unknown_price_and_the_reason_is_told()
    {
        var (amount, avoided) = BoughtAnswer.Of("openai", "no-such-model", s_long).HitAfter(TimeSpan.FromDays(1));
        Assert.Equal(Money.Zero, amount);
        Assert.StartsWith("Nothing is counted as saved: ", avoided.Reason, StringComparison.Ordinal);
        Assert.Contains("no-such-model", avoided.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_whose_counts_nobody_knows_saves_nothing_and_says_why()
    {
        var (amount, avoided) = BoughtAnswer.Of("openai", "gpt-4o", TokenUsage.None, cost: CallCost.Unpriced("the counts are lost")).HitAfter(TimeSpan.FromDays(1));
        Assert.Equal((Money.Zero, "Nothing is counted as saved: the counts are lost"), (amount, avoided.Reason));
    }

    [Fact]
    public void A_price_that_became_known_after_the_answer_was_bought_counts()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long, cost: CallCost.Unpriced("no price then"));
        Assert.Equal(8_015_000, answer.SavedAfter(TimeSpan.FromDays(1)).Nanos);
    }

    [Fact]
    public void The_example_on_the_page_about_savings_is_what_comes_out()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "concepts", "savings.md"));
        var answer = BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long);
        var (soon, late) = (answer.SavedAfter(TimeSpan.FromMinutes(1)), answer.SavedAfter(TimeSpan.FromDays(1)));

        Assert.Matches($"(?m)^\\| after 1 minute .* \\{soon} \\|$", page);
        Assert.Matches($"(?m)^\\| a day later .* \\{late} \\|$", page);
        Assert.Contains($"claims {late} for the first hit claims {late - soon} that nobody would have paid", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_free_model_saves_nothing_and_that_needs_no_reason()
    {
        var (amount, avoided) = BoughtAnswer.Of("ollama", "llama3", s_long).HitAfter(TimeSpan.FromDays(1));
        Assert.Equal((Money.Zero, null), (amount, avoided.Reason));
    }

    [Fact]
    public void A_clock_that_was_set_back_never_makes_a_prompt_cold() =>
        Assert.Equal(5_615_000, BoughtAnswer.Of("openai", "gpt-4o-2024-08-06", s_long).SavedAfter(TimeSpan.FromDays(-2)).Nanos);

    [Fact]
    public void Prices_are_looked_up_once_a_day_and_answer()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o", s_long);
        var savings = new SavingsMeter(PriceBook.BuiltIn);
        var first = answer.HitAfter(TimeSpan.FromHours(1), savings).Avoided;

        Assert.Same(first, answer.HitAfter(TimeSpan.FromHours(11.9), savings).Avoided);
        Assert.NotSame(first, answer.HitAfter(TimeSpan.FromHours(12), savings).Avoided);
    }

    [Fact]
    public void Forged_counts_save_nothing_and_break_nothing()
    {
        var usage = new TokenUsage { UncachedInputTokens = long.MaxValue, CacheWrite1hTokens = long.MaxValue, OutputTokens = long.MaxValue };
        var (amount, avoided) = BoughtAnswer.Of("openai", "gpt-4o", usage, cost: CallCost.Known(Money.Zero)).HitAfter(TimeSpan.FromDays(1));
        Assert.Equal((Money.Zero, "Nothing is counted as saved: the counts are too large"), (amount, avoided.Reason));
    }

    [Fact]
    public void A_further_hit_on_the_same_day_allocates_nothing()
    {
        var answer = BoughtAnswer.Of("openai", "gpt-4o", s_long);
        var savings = new SavingsMeter(PriceBook.BuiltIn);
        var key = BoughtAnswer.Key("Q");
        var client = new ClientIdentity("openai", null, null, true);
        for (var i = 0; i < 100; i++)
        {
            savings.Of(key, answer, client, BoughtAnswer.Noon);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            savings.Of(key, answer, client, BoughtAnswer.Noon);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
