namespace LlmCostCache.AI;

/// <summary>A model in a price book: the names it goes by, what is known about it, and the history of its price.</summary>
internal sealed class PriceEntry
{
    private string?[]? _revisions;

    /// <summary>The provider; null when the price holds for any.</summary>
    public required string? Provider { get; init; }

    public required string Id { get; init; }

    public string Mode { get; init; } = "chat";

    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Beginnings of names that mean this model when only a date, a preview mark or a version follows.</summary>
    public IReadOnlyList<string> StartsWith { get; init; } = [];

    public long? ContextWindow { get; init; }

    public long? MaxOutputTokens { get; init; }

    public string? Encoding { get; init; }

    public string Currency { get; init; } = "USD";

    /// <summary>Whether a price of zero is meant.</summary>
    public bool Free { get; init; }

    /// <summary>Whether the price is what the user pays, and not a list price that discounts and margins change.</summary>
    public bool IsAgreed { get; init; }

    /// <summary>The prices, oldest first.</summary>
    public required IReadOnlyList<DatedPrice> Prices { get; init; }

    /// <summary>Who says so.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>The day somebody looked.</summary>
    public DateOnly? Checked { get; init; }

    /// <summary>The day this book learned of the price, or the word for where an override came from.</summary>
    public string KnownFrom { get; init; } = "override";

    /// <summary>The line in its file, for error messages.</summary>
    public int Line { get; init; }

    /// <summary>The place of the price that holds at an instant.</summary>
    public int IndexAt(DateTimeOffset at)
    {
        var day = DateOnly.FromDateTime(at.UtcDateTime);
        for (var i = Prices.Count - 1; i > 0; i--)
        {
            if (Prices[i].EffectiveFrom is not { } from || from <= day)
            {
                return i;
            }
        }

        return 0;
    }

    /// <summary>A short name for exactly these facts, such as <c>openai/gpt-4o@2026-08-22#1a2b3c4d</c>.</summary>
    public string RevisionOf(int index)
    {
        var revisions = _revisions ??= new string?[Prices.Count];
        return revisions[index] ??= $"{Provider ?? "any"}/{Id}@{KnownFrom}#{Prices[index].Fingerprint(Currency)}";
    }

    /// <summary>Whether two entries cost the same whatever is used, and whenever.</summary>
    public bool CostsTheSameAs(PriceEntry other) =>
        Prices.Count == other.Prices.Count
        && Prices.Zip(other.Prices).All(pair => pair.First.Fingerprint(Currency) == pair.Second.Fingerprint(other.Currency));
}
