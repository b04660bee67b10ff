using System.Globalization;

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

    /// <summary>The prices by the day they take effect, and those of the same day by the day they became known: the last that holds is the right one.</summary>
    public required IReadOnlyList<DatedPrice> Prices { get; init; }

    /// <summary>Who says so.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>What whoever wrote the price down wants its readers to know, such as why one source was believed and not another.</summary>
    public string? Note { get; init; }

    /// <summary>The day somebody looked.</summary>
    public DateOnly? Checked { get; init; }

    /// <summary>The day this book learned of the prices that name no day of their own, or the word for where an override came from.</summary>
    public string KnownFrom { get; init; } = "override";

    /// <summary>The line in its file, for error messages.</summary>
    public int Line { get; init; }

    /// <summary>
    /// The place of the price that holds at an instant, by what was known at another (null: by all that is known now); -1 when there is none.
    /// A call before the first dated price has none: a later price never prices an earlier call.
    /// </summary>
    public int IndexAt(DateTimeOffset at, DateTimeOffset? knownAt = null)
    {
        var (day, knownOn) = (DayOf(at), knownAt is { } instant ? DayOf(instant) : DateOnly.MaxValue);
        for (var i = Prices.Count - 1; i >= 0; i--)
        {
            if (IsEffectiveOn(Prices[i], day) && IsKnownOn(Prices[i], knownOn))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Why <see cref="IndexAt"/> finds nothing.</summary>
    public string WhyNoneAt(DateTimeOffset at, DateTimeOffset? knownAt)
    {
        var day = DayOf(at);
        var learned = Prices.Where(price => IsEffectiveOn(price, day)).Min(price => price.KnownFrom);
        if (learned is { } later && knownAt is { } instant)
        {
            return string.Create(CultureInfo.InvariantCulture, $"no price for '{Id}' was known on {DayOf(instant):O}; the book learned of it on {later:O}");
        }

        var first = Prices.Where(price => knownAt is not { } known || IsKnownOn(price, DayOf(known))).Min(price => price.EffectiveFrom) ?? Prices[0].EffectiveFrom;
        return string.Create(CultureInfo.InvariantCulture, $"no price for '{Id}' before {first:O}");
    }

    /// <summary>A short name for exactly these facts, such as <c>openai/gpt-4o@2026-08-22#1a2b3c4d</c>.</summary>
    public string RevisionOf(int index)
    {
        var revisions = _revisions ??= new string?[Prices.Count];
        return revisions[index] ??= $"{Provider ?? PriceRevision.AnyProvider}/{Id}@{KnownFromOf(index)}#{Prices[index].Fingerprint(Currency)}";
    }

    /// <summary>Whether two entries cost the same whatever is used, and whenever.</summary>
    public bool CostsTheSameAs(PriceEntry other) =>
        Prices.Count == other.Prices.Count
        && Prices.Zip(other.Prices).All(pair => pair.First.Fingerprint(Currency) == pair.Second.Fingerprint(other.Currency));

    /// <summary>Whether any of the prices was known on a day.</summary>
    public bool IsKnownOn(DateOnly day) => Prices.Any(price => IsKnownOn(price, day));

    public static DateOnly DayOf(DateTimeOffset instant) => DateOnly.FromDateTime(instant.UtcDateTime);

    private string KnownFromOf(int index) => Prices[index].KnownFrom?.ToString("O", CultureInfo.InvariantCulture) ?? KnownFrom;

    private static bool IsEffectiveOn(DatedPrice price, DateOnly day) => price.EffectiveFrom is not { } from || from <= day;

    private static bool IsKnownOn(DatedPrice price, DateOnly day) => price.KnownFrom is not { } from || from <= day;
}
