using System.IO.Enumeration;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>What of a price list is wanted, and from which day on.</summary>
internal sealed record ImportChoice
{
    public IReadOnlyList<string> Providers { get; init; } = [];

    /// <summary>The ids that are wanted, with <c>*</c> and <c>?</c>; null is all.</summary>
    public string? Model { get; init; }

    /// <summary>Names that are taken over although they look wrong, as <c>provider/id</c>.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];

    /// <summary>The first day of changed prices.</summary>
    public required DateOnly From { get; init; }

    /// <summary>Whether the list may be silent about rates that it does not carry, so that the known ones stay.</summary>
    public bool KeepsWhatIsNotNamed { get; init; }

    public bool Wants(PriceEntry entry) =>
        (Providers.Count == 0 || (entry.Provider is { } seller && Providers.Any(provider => PriceLayer.Key(provider) == PriceLayer.Key(seller) || SourceProviders.Of(provider) == seller)))
        && (Model is null || FileSystemName.MatchesSimpleExpression(Model, entry.Id));

    public bool Allows(string name) => Allowed.Contains(name, StringComparer.OrdinalIgnoreCase);
}
