namespace LlmCostCache.AI;

/// <summary>The parts of a price revision such as <c>openai/gpt-4o@2026-08-22#1a2b3c4d</c>, by which a row of the ledger still says whose price it was booked with.</summary>
/// <param name="Provider">Whose list the price is from; <c>any</c> when it holds for any provider.</param>
/// <param name="Model">The id in the price book.</param>
/// <param name="KnownFrom">The day the book learned of it, or the word for where an override came from.</param>
/// <param name="Facts">The fingerprint of the rates, with what else went into the price.</param>
internal readonly record struct PriceRevision(string Provider, string Model, string KnownFrom, string Facts)
{
    /// <summary>Where a price was set that only the application knows, not the command line.</summary>
    public const string Code = "code";

    public const string AnyProvider = "any";

    /// <summary>What was taken off the list price and put on top, as <see cref="PriceAdjustments.RevisionOf"/> writes it; empty when nothing was.</summary>
    public string Adjustment => Facts.IndexOf(',', StringComparison.Ordinal) is var comma and >= 0 ? Facts[comma..] : "";

    public static PriceRevision? Read(string? revision)
    {
        // Ids contain slashes and at-signs themselves (openai/gpt-4o of a router, claude-sonnet-4@20250514 of Vertex); providers and fingerprints do not.
        var facts = revision?.LastIndexOf('#') ?? -1;
        var known = facts > 0 ? revision!.LastIndexOf('@', facts) : -1;
        var model = known > 0 ? revision!.IndexOf('/', 0, known) + 1 : 0;
        return model > 1 && known > model
            ? new(revision![..(model - 1)], revision[model..known], revision[(known + 1)..facts], revision[(facts + 1)..])
            : null;
    }
}
