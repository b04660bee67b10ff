using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>A price list held against a book, with what is not to be trusted put aside.</summary>
internal sealed class PriceComparison
{
    public required IReadOnlyList<PriceChange> Changes { get; init; }

    /// <summary>Models of the book that the list does not name. They stay.</summary>
    public required IReadOnlyList<BookEntry> NotNamed { get; init; }

    public IEnumerable<PriceChange> Quarantined => Changes.Where(change => change.IsQuarantined);

    /// <summary>What differs and can be trusted.</summary>
    public IEnumerable<PriceChange> Accepted => Changes.Where(change => !change.IsQuarantined && change.Kind != ChangeKind.Unchanged);

    public int Unchanged => Changes.Count(change => !change.IsQuarantined && change.Kind == ChangeKind.Unchanged);

    /// <param name="models">The list.</param>
    /// <param name="book">The book.</param>
    /// <param name="known">The price of a model in the book at a time.</param>
    /// <param name="choice">What is wanted.</param>
    /// <param name="progress">Told after each model.</param>
    public static PriceComparison Of(IReadOnlyList<SourceModel> models, BookView book, Func<PriceEntry, DateTimeOffset, PriceFact> known, ImportChoice choice, Action<int>? progress = null)
    {
        List<PriceChange> changes = [];
        HashSet<PriceEntry> named = [];
        var done = 0;
        foreach (var model in models)
        {
            progress?.Invoke(++done);
            if (choice.Wants(model.Entry))
            {
                foreach (var change in ChangesOf(model, known, choice))
                {
                    changes.Add(change);
                    if (change.KnownEntry is { } entry)
                    {
                        named.Add(entry);
                    }
                }
            }
        }

        var sellers = models.Where(model => choice.Wants(model.Entry)).Select(model => model.Entry.Provider).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new()
        {
            Changes = changes,
            NotNamed = [.. book.Entries.Where(entry => sellers.Contains(entry.Entry.Provider) && choice.Wants(entry.Entry) && !named.Contains(entry.Entry))],
        };
    }

    private static IEnumerable<PriceChange> ChangesOf(SourceModel model, Func<PriceEntry, DateTimeOffset, PriceFact> known, ImportChoice choice)
    {
        var entry = model.Entry;
        var isFirst = true;
        var last = default(DatedPrice);
        foreach (var (day, price) in PricesFrom(entry, choice.From))
        {
            var fact = known(entry, new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero));
            var (knownEntry, before) = fact.Price is { } found ? (fact.Entry, found) : (null, last);
            var after = price is null ? null : before is not null && choice.KeepsWhatIsNotNamed ? Over(before, price) : price;
            List<PriceFinding> findings = isFirst ? [.. model.Problems] : [];
            var moves = before is null || after is null ? [] : RateMove.Between(before, after);
            if (knownEntry is not null && knownEntry.Currency != entry.Currency)
            {
                findings.Add(new(PriceConcern.Currency, $"the list has a price in {entry.Currency}, the book one in {knownEntry.Currency}"));
            }
            else if (after is not null && (before is null || moves.Count > 0))
            {
                findings.AddRange(PriceGuard.Check(after, before, entry.Currency, entry.Mode).Where(finding => !findings.Exists(other => other.Concern == finding.Concern)));
            }

            yield return new()
            {
                Model = model,
                KnownEntry = knownEntry,
                Known = before,
                Price = after,
                EffectiveFrom = before is null ? entry.Prices[0].EffectiveFrom : day,
                Moves = moves,
                Findings = findings,
                IsAllowed = choice.Allows(model.Name),
            };

            // A model that is new comes with its whole history at once.
            if (before is null)
            {
                yield break;
            }

            (isFirst, last) = (false, after);
        }
    }

    /// <summary>The price that holds on a day, and those that the list announces for later.</summary>
    private static IEnumerable<(DateOnly Day, DatedPrice? Price)> PricesFrom(PriceEntry entry, DateOnly day)
    {
        var now = entry.IndexAt(new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero));
        if (now >= 0 || entry.Prices.Count == 0)
        {
            yield return (day, now < 0 ? null : entry.Prices[now]);
        }

        foreach (var later in entry.Prices.Where(price => price.EffectiveFrom > day))
        {
            yield return (later.EffectiveFrom!.Value, later);
        }
    }

    /// <summary>A price with what the list names put in its place. Whatever the list cannot say (a premium for a geography, steps by volume) stays.</summary>
    private static DatedPrice Over(DatedPrice known, DatedPrice named)
    {
        var modes = known.Modes.ToDictionary(mode => mode.Key, mode => mode.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, mode) in named.Modes)
        {
            modes[name] = modes.GetValueOrDefault(name) is { } before ? Over(before, mode, known) : mode;
        }

        return new(known.Rates.OverriddenBy(named.Rates), named.Steps.Count > 0 ? named.Steps : known.Steps)
        {
            Tiers = TiersOver(known.Tiers, named.Tiers),
            Windows = named.Windows.Count > 0 ? named.Windows : known.Windows,
            Modes = modes,
            Regions = named.Regions.Count > 0 ? named.Regions : known.Regions,
        };
    }

    /// <summary>
    /// A list names what a mode costs. Where the book has a multiple of the standard rates, what the list names is written as what the multiple makes it of; where that is no decimal number,
    /// the mode is written out.
    /// </summary>
    private static PriceMode Over(PriceMode known, PriceMode named, DatedPrice price)
    {
        var multiplier = known.Multiplier;
        var rates = named.Rates.BeforePremium(multiplier);
        PriceTier[] tiers = [.. named.Tiers.Select(tier => tier with { Rates = tier.Rates.BeforePremium(multiplier) })];
        if (IsExact(rates, named.Rates) && tiers.Zip(named.Tiers).All(pair => IsExact(pair.First.Rates, pair.Second.Rates)))
        {
            return known with { Rates = known.Rates.OverriddenBy(rates), Tiers = tiers.Length == 0 ? known.Tiers : TiersOver(known.TiersBeside(price.Tiers), tiers) };
        }

        PriceTier[] before = [.. known.TiersBeside(price.Tiers).Select(tier => tier with { Rates = tier.Rates.WithPremium(multiplier) })];
        return new(price.Rates.OverriddenBy(known.Rates).WithPremium(multiplier).OverriddenBy(named.Rates), TiersOver(before, named.Tiers));

        bool IsExact(RateCard divided, RateCard whole) => Enumerable.Range(0, RateCard.Kinds).All(kind => divided.WithPremium(multiplier)[(RateKind)kind] == whole[(RateKind)kind]);
    }

    private static IReadOnlyList<PriceTier> TiersOver(IReadOnlyList<PriceTier> known, IReadOnlyList<PriceTier> named) =>
        named.Count == 0 ? known : [.. named.Select(tier => known.FirstOrDefault(before => IsTheSameTier(before, tier)) is { } before ? Over(before, tier) : tier)];

    private static PriceTier Over(PriceTier known, PriceTier named) => named with
    {
        // "Above 272,000" and "from 272,000 on" are one threshold in two ways of speaking.
        AboveInputTokens = Math.Abs(known.AboveInputTokens - named.AboveInputTokens) <= 1 ? known.AboveInputTokens : named.AboveInputTokens,
        Rates = known.Rates.OverriddenBy(named.Rates),
    };

    /// <summary>Lists round thresholds: 128,000 here is 131,072 there.</summary>
    private static bool IsTheSameTier(PriceTier known, PriceTier named) =>
        known.AboveOutputTokens == named.AboveOutputTokens && known.WithReasoning == named.WithReasoning
        && Math.Abs(known.AboveInputTokens - named.AboveInputTokens) <= known.AboveInputTokens / 40;
}
