using CsCheck;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>With what is known now, repricing gives exactly what was booked, whoever's endpoint was behind the client.</summary>
public class RepricerTests
{
    private static readonly (PriceProvider Provider, string Model)[] s_models =
    [
        .. ProviderDirectory.Instance.Providers.SelectMany(provider => BuiltInCatalogue.Shared.Of(provider.Id).Entries, (provider, entry) => (provider, entry.Id)),
    ];

    private static readonly string?[] s_tiers = [null, "standard", "batch", "flex", "priority", "no-such-tier"];

    /// <summary>How the client calls its provider: by its own name, as another whose protocol it speaks, by a name that nobody knows, not at all.</summary>
    private static readonly string[] s_names = ["itself", "openai", "my-gateway", ""];

    /// <summary>A call as the meter books it; the host is known to the meter only.</summary>
    public static Gen<UsageRecord> Rows { get; } =
        from model in Gen.Int[0, s_models.Length - 1].Select(i => s_models[i])
        from name in Gen.Int[0, s_names.Length - 1].Select(i => s_names[i])
        from minute in Gen.Int[0, 3 * 365 * 24 * 60]
        from tier in Gen.Int[0, s_tiers.Length - 1].Select(i => s_tiers[i])
        from counts in Gen.Long[0, 400_000].Array[6]
        from share in Gen.Int[0, 300]
        select Row(model.Provider, model.Model, name, new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(minute), tier, counts, share);

    [Fact]
    public void What_is_known_now_gives_exactly_what_was_booked()
    {
        var repricer = new Repricer(PriceBook.BuiltIn);
        var priced = 0;
        Rows.Sample(
            row =>
            {
                var again = repricer.Of(row);
                priced += again.Ground == RepricingGround.Priced && row.Cost.Amount is not null ? 1 : 0;
                Assert.Equal((row.Cost.Amount, row.Cost.Low, row.Cost.Certainty, row.Cost.PriceRevision), (again.Cost.Amount, again.Cost.Low, again.Cost.Certainty, again.Cost.PriceRevision));
            },
            iter: TestSize.Cases / 4,
            threads: 1);

        Assert.True(priced > TestSize.Cases / 8);
    }

    [Theory]
    [InlineData("openai", "https://api.deepseek.com/v1", "deepseek-chat")]
    [InlineData("openai", "https://api.groq.com/openai/v1", "openai/gpt-oss-120b")]
    [InlineData("openai", "http://localhost:8000/v1", "gpt-oss-120b")]
    [InlineData("my-gateway", "https://llm.example.com", "gpt-4o")]
    public void The_revision_says_whose_price_it_was_when_the_client_speaks_for_another(string provider, string host, string model)
    {
        var at = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
        var usage = new TokenUsage { UncachedInputTokens = 1_000_000, OutputTokens = 1000, Requests = 1 };
        var booked = PriceBook.BuiltIn.Price(new() { Provider = provider, Host = host, Model = model, At = at, Usage = usage });
        var row = new UsageRecord { Id = "1", At = at, Provider = provider, Model = model, Cost = booked.Cost };

        Assert.Equal(CostCertainty.Known, booked.Cost.Certainty);
        Assert.Equal((booked.Cost.Amount, booked.Cost.PriceRevision), (new Repricer(PriceBook.BuiltIn).Of(row).Cost.Amount, new Repricer(PriceBook.BuiltIn).Of(row).Cost.PriceRevision));
    }

    [Theory]
    [InlineData("openai/gpt-4o@2026-08-22#1a2b3c4d", "openai", "gpt-4o", "2026-08-22", "1a2b3c4d")]
    [InlineData("openrouter/openai/gpt-4o@code#1a2b3c4d", "openrouter", "openai/gpt-4o", "code", "1a2b3c4d")]
    [InlineData("vertex/claude-sonnet-4@20250514@2026-08-22#1a2b3c4d,discount=0.1,margin=0", "vertex", "claude-sonnet-4@20250514", "2026-08-22", "1a2b3c4d,discount=0.1,margin=0")]
    public void A_revision_is_read_back_into_its_parts(string revision, string provider, string model, string knownFrom, string facts) =>
        Assert.Equal(new PriceRevision(provider, model, knownFrom, facts), PriceRevision.Read(revision));

    [Theory]
    [InlineData("openai/gpt-4o@2026-08-22#1a2b3c4d", "")]
    [InlineData("openai/gpt-4o@2026-08-22#1a2b3c4d,discount=0.1,margin=0", ",discount=0.1,margin=0")]
    public void A_revision_says_what_was_taken_off_the_list_price(string revision, string adjustment) =>
        Assert.Equal(adjustment, PriceRevision.Read(revision)!.Value.Adjustment);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("gpt-4o")]
    [InlineData("/@#")]
    [InlineData("openai/@2026-08-22#1")]
    [InlineData("openai/gpt-4o#1@2026-08-22")]
    public void What_is_no_revision_is_not_read_as_one(string? text) => Assert.Null(PriceRevision.Read(text));

    private static UsageRecord Row(PriceProvider seller, string model, string name, DateTimeOffset at, string? tier, long[] counts, int share)
    {
        var host = name != "itself" && seller.Hosts.Count > 0 ? seller.Hosts[0].Replace("*", "x", StringComparison.Ordinal) : null;
        var provider = name == "itself" || host is null ? seller.Id : name.Length == 0 ? null : name;
        var region = counts[0] % 5 == 0 ? "us" : null;
        var usage = new TokenUsage
        {
            UncachedInputTokens = counts[0],
            CachedInputTokens = counts[1] / 2,
            CacheWrite5mTokens = counts[2] % 1000,
            OutputTokens = counts[3],
            ReasoningTokens = counts[4] / 10,
            WebSearches = counts[5] % 10 == 0 ? 1 : 0,
            Requests = 1,
        };
        var priced = PriceBook.BuiltIn.Price(new() { Provider = provider, Host = host, Model = model, At = at, ServiceTier = tier, Region = region, Usage = usage });
        var isEstimate = share < 100 && priced.Cost is { Certainty: CostCertainty.Known, Amount.Nanos: > 0 };
        return new()
        {
            Id = "row",
            At = at,
            Provider = provider ?? priced.Provider,
            Model = model,
            ServiceTier = tier,
            Region = region,
            UsageSource = isEstimate ? "estimate" : "provider",
            Cost = isEstimate
                ? CallCost.Between(Money.FromNanos(priced.Cost.High.Nanos / 100 * share), priced.Cost.High) with { Usage = usage, PriceRevision = priced.Cost.PriceRevision }
                : priced.Cost,
            Currency = priced.Currency,
            NativeCost = priced.NativeCost,
            FxRate = priced.FxRate,
            FxDate = priced.FxDate,
        };
    }
}
