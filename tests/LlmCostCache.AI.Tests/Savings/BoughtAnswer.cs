using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI.Tests;

/// <summary>An answer as the cache holds it, with the terms it was bought on, and what serving it saves.</summary>
internal static class BoughtAnswer
{
    public static readonly DateTimeOffset Noon = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ClientIdentity s_client = new("openai", new Uri("https://api.openai.com/v1"), "gpt-4o", true);

    public static CacheKey Key(string question) => new(SHA256.HashData(Encoding.UTF8.GetBytes(question)));

    public static StoredAnswer Of(string? provider, string model, TokenUsage usage, DateTimeOffset? at = null, CallCost? cost = null, string? tier = null,
        bool providerCost = false, bool vague = false)
    {
        var boughtAt = at ?? Noon;
        cost ??= PriceBook.BuiltIn.Price(new PriceQuery { Provider = provider, Model = model, At = boughtAt, ServiceTier = tier, Usage = usage }).Cost;
        return new StoredAnswer
        {
            Messages = [],
            Model = model,
            Original = cost with { Usage = usage },
            Purchase = new Purchase { Provider = provider, Model = model, ServiceTier = tier, IsProviderCost = providerCost, IsVague = vague },
            StoredAt = boughtAt,
            ExpiresAt = boughtAt.AddDays(30),
        };
    }

    /// <summary>What the first hit saves, so long after the answer was bought.</summary>
    public static Money SavedAfter(this StoredAnswer answer, TimeSpan elapsed) => answer.HitAfter(elapsed).Amount;

    public static (Money Amount, AvoidedCost Avoided) HitAfter(this StoredAnswer answer, TimeSpan elapsed, SavingsMeter? savings = null) =>
        (savings ?? new SavingsMeter(PriceBook.BuiltIn)).Of(Key(answer.Model), answer, s_client, answer.StoredAt + elapsed);
}
