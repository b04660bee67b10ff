namespace LlmCostCache.AI.Tests;

public class PromptCachesTests
{
    [Theory]
    [InlineData("openai", "gpt-4o-mini", 1_024, 128, 60)]
    [InlineData("azure", "gpt-4.1", 1_024, 128, 60)]
    [InlineData("openrouter", "openai/gpt-5.1", 1_024, 128, 60)]
    [InlineData("openai", "gpt-5", 1_024, 128, 60)]
    [InlineData("openai", "gpt-5.5", 1_024, 1, 1_440)]
    [InlineData("openai", "gpt-5.6-sol", 1_024, 1, 1_440)]
    [InlineData("groq", "openai/gpt-oss-120b", 128, 1, 120)]
    [InlineData("deepseek", "deepseek-chat", 1, 1, 10_080)]
    [InlineData("google", "gemini-2.5-pro", 2_048, 1, 1_440)]
    [InlineData("vertex", "gemini-3-flash-preview", 1_024, 1, 1_440)]
    [InlineData("xai", "grok-4", 1, 1, 1_440)]
    [InlineData(null, "my-own", 1, 1, 1_440)]
    public void Prompts_are_cached_by_themselves(string? provider, string model, long minimum, long step, int minutes)
    {
        var rule = PromptCaches.Instance.RuleFor(provider, model);
        Assert.Equal((true, minimum, step, TimeSpan.FromMinutes(minutes)), (rule.IsAutomatic, rule.MinimumTokens, rule.StepTokens, rule.Lifetime));
    }

    [Theory]
    [InlineData("anthropic", "claude-sonnet-4-5")]
    [InlineData("bedrock", "eu.anthropic.claude-opus-5")]
    [InlineData("openrouter", "anthropic/claude-haiku-4-5")]
    [InlineData("google", "gemini-2.0-flash")]
    public void Prompts_are_cached_only_when_asked_for(string provider, string model) =>
        Assert.Equal(0, PromptCaches.Instance.RuleFor(provider, model).ReadableOf(1_000_000));

    [Fact]
    public void Every_rule_names_its_source_and_the_last_one_holds_for_everybody()
    {
        Assert.All(PromptCaches.Instance.Rules, rule => Assert.True(rule.Source.Length > 20 && rule.StepTokens > 0 && (!rule.IsAutomatic || rule.Lifetime > TimeSpan.Zero)));
        Assert.True(PromptCaches.Instance.Rules[^1].HoldsFor(null, ""));
    }

    [Fact]
    public void Every_provider_of_a_rule_is_in_the_price_book() =>
        Assert.All(PromptCaches.Instance.Rules.SelectMany(rule => rule.Providers), id => Assert.Contains(ProviderDirectory.Instance.Providers, provider => provider.Id == id));
}
