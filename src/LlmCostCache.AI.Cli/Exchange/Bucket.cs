using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>A line of a provider's report, about the requests of a span of time that have everything in common that the report groups by.</summary>
/// <param name="Kind">Which report.</param>
/// <param name="StartsAt">When the span begins; the row is dated so.</param>
/// <param name="EndsAt">When it ends.</param>
internal sealed record Bucket(BucketKind Kind, DateTimeOffset StartsAt, DateTimeOffset EndsAt)
{
    private const char Separator = '\u001f';

    public string? Model { get; init; }

    public string Operation { get; init; } = "chat";

    public string? Project { get; init; }

    public string? User { get; init; }

    /// <summary>The id or the name of the API key, never the key.</summary>
    public string? ApiKey { get; init; }

    public string? ServiceTier { get; init; }

    public string? Region { get; init; }

    public PromptSizes Prompts { get; init; }

    /// <summary>Everything that the report tells this line from others by, so that it gets the same id whenever it is read.</summary>
    public required IReadOnlyList<string?> Dimensions { get; init; }

    public TokenUsage Usage { get; init; } = TokenUsage.None;

    /// <summary>What the report says it cost in US dollars; null when it counts tokens.</summary>
    public decimal? Dollars { get; init; }

    /// <summary>Whether counts contradicted each other and were brought into range.</summary>
    public bool IsClamped { get; init; }

    public SourceRow ToRow(long number, string? place, DateTimeOffset now)
    {
        var row = new SourceRow(number) { Place = place, Bucket = Kind, Prompts = Prompts };
        if (EndsAt > now)
        {
            return row with { Wrong = string.Create(CultureInfo.InvariantCulture, $"is of a span that ends at {EndsAt:yyyy-MM-dd'T'HH:mm:ss'Z'} and may still grow; import it again when it is over") };
        }

        if (!RowReader.CanBe(StartsAt))
        {
            return row with { Wrong = string.Create(CultureInfo.InvariantCulture, $"begins at {StartsAt:yyyy-MM-dd'T'HH:mm:ss'Z'}, before any model was called") };
        }

        if (Dollars < 0m)
        {
            return row with { Wrong = "is a credit; the ledger holds what calls cost" };
        }

        if (Dollars > GivenCost.Most)
        {
            return row with { Wrong = "is larger than any cost can be" };
        }

        var flags = UsageFlags.Add(UsageFlags.Imported, UsageFlags.Aggregated);
        flags = IsClamped ? UsageFlags.Add(flags, UsageFlags.Clamped) : flags;
        flags = Dollars is null ? flags : UsageFlags.Add(flags, UsageFlags.ProviderCost);
        var cost = Dollars is { } dollars ? CallCost.Known(GivenCost.Of(dollars)) with { Reason = "the cost that the provider reported" }
            : Model is null ? CallCost.Unpriced("the report was not grouped by model") : CallCost.Unknown;
        var tags = ApiKey is null ? null : (string[])[$"key:{ApiKey}"];
        UsageRecord record;
        try
        {
            record = new UsageRecord
            {
                Id = Id(),
                At = StartsAt,
                Operation = Operation,
                Provider = Kind.Provider,
                RequestedModel = Model,
                Model = Model,
                Cost = cost with { Usage = Usage },
                NativeCost = Dollars,
                Flags = flags,
                ServiceTier = ServiceTier,
                Region = Region,
                Attribution = Attribution.Create(null, Project, User, null, null, null, null, tags),
            };
        }
        catch (ArgumentException refusal)
        {
            return row with { Wrong = refusal.Message.Split(" (Parameter", 2)[0] };
        }

        return SqliteLedgerStore.WhyNot(record) is { } wrong ? row with { Wrong = wrong } : row with { Record = record, HasOwnCost = Dollars is not null || Model is null };
    }

    /// <summary>How long the spans of the report are and what it is grouped by: two reports of other shape say the same calls twice.</summary>
    private string Shape
    {
        get
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{(EndsAt - StartsAt).Ticks}{string.Concat(Dimensions.Select(static dimension => dimension is null ? '0' : '1'))}");
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, BucketKind.ShapeLength / 2));
        }
    }

    private string Id()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{StartsAt.ToUnixTimeSeconds()}{Separator}{EndsAt.ToUnixTimeSeconds()}");
        foreach (var dimension in Dimensions)
        {
            text.Append(Separator).Append(dimension ?? "\0");
        }

        return $"{Kind.IdPrefix}{Shape}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16))}";
    }
}
