using System.Globalization;
using LlmCostCache.AI.Cli.Importing;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Looks over the user's own prices for what is wrong, looks wrong, or has no effect.</summary>
internal sealed class PriceCheck
{
    private static readonly TimeSpan s_oldAge = TimeSpan.FromDays(180);

    private readonly List<CheckFinding> _findings = [];

    public IReadOnlyList<CheckFinding> Findings => _findings;

    /// <summary>The prices that were looked at.</summary>
    public int Checked { get; private set; }

    /// <summary>The newest day on which somebody looked at the built-in prices.</summary>
    public DateOnly? BookDay { get; private set; }

    /// <summary>Checks what an application with this home would read.</summary>
    public static PriceCheck OfHome(string home, Func<string, string?> environment, DateTimeOffset now)
    {
        var check = new PriceCheck();

        // Each source alone first, so that a fault in one does not hide those in the others.
        var isReadable = check.CanRead(() => PriceBook.Load(new LlmCostsOptions(), home, _ => null));
        isReadable &= check.CanRead(() => PriceBook.Load(new LlmCostsOptions(), null, name => name == PriceBook.VariableName ? environment(name) : null));
        isReadable &= check.CanRead(() => PriceBook.Load(new LlmCostsOptions(), null, name => name == PriceBook.VariableName ? null : environment(name)));
        if (isReadable)
        {
            check.CheckBook(PriceBook.Load(new LlmCostsOptions(), home, environment), now);
        }

        check.CheckAge(now);
        return check;
    }

    /// <summary>Checks a price list against a book.</summary>
    public static PriceCheck OfList(SourceList list, PriceBook book, DateTimeOffset now)
    {
        var check = new PriceCheck { Checked = list.Models.Count };
        var choice = new ImportChoice { From = DateOnly.FromDateTime(now.UtcDateTime), KeepsWhatIsNotNamed = list.Form != SourceForm.LlmCost };
        var compared = PriceComparison.Of(list.Models, BookView.Of([], "", now), (entry, at) => book.FactOf(entry.Provider, entry.Id, at), choice);
        foreach (var change in compared.Quarantined)
        {
            foreach (var finding in change.Findings)
            {
                check.Add(list.Document.Name, change.Model.Entry.Line, change.Name, finding.What, Remedy(finding));
            }
        }

        check.CheckAge(now);
        return check;
    }

    private void CheckBook(PriceBook book, DateTimeOffset now)
    {
        foreach (var layer in book.Layers)
        {
            foreach (var entry in layer.Entries)
            {
                Checked++;
                var name = $"{entry.Provider ?? "any"}/{entry.Id}";
                CheckRates(layer, entry, name);
                CheckUse(book, layer, entry, name);
                CheckProvider(layer, entry, name);
                CheckCurrency(book, layer, entry, name, now);
            }
        }
    }

    private void CheckRates(PriceLayer layer, PriceEntry entry, string name)
    {
        var builtIn = PriceBook.BuiltIn.Resolve(entry.Provider, entry.Id).Entry;
        IEnumerable<DatedPrice?> known = builtIn is not null && builtIn.Currency == entry.Currency ? builtIn.Prices : Enumerable.Repeat<DatedPrice?>(null, 1);
        foreach (var price in entry.Prices)
        {
            // An old price is like the old price of the book, so the nearest of its history counts. What is marked as free in a file of one's own is meant.
            var findings = known.Select(before => PriceGuard.Check(price, before, entry.Currency, entry.Mode)).MinBy(found => found.Count)!;
            foreach (var finding in findings.Where(finding => !(entry.Free && finding.Concern == PriceConcern.Free)))
            {
                Add(layer.Source, entry.Line, name, finding.What, Remedy(finding));
            }
        }
    }

    private void CheckUse(PriceBook book, PriceLayer layer, PriceEntry entry, string name)
    {
        var resolution = book.Resolve(entry.Provider, entry.Id);
        if (ReferenceEquals(resolution.Entry, entry))
        {
            return;
        }

        var stronger = resolution.Entry is { } other ? book.Layers.FirstOrDefault(candidate => candidate.Entries.Contains(other)) : null;
        if (stronger is not null && !ReferenceEquals(stronger, layer))
        {
            Add(layer.Source, entry.Line, name, $"it is never used, because {stronger.Source} has a price for it too", "keep one of the two");
        }
        else
        {
            Add(layer.Source, entry.Line, name, $"it is never used: {resolution.Reason ?? $"that name means '{resolution.Entry!.Id}'"}", "write the id as the provider reports it");
        }
    }

    private void CheckProvider(PriceLayer layer, PriceEntry entry, string name)
    {
        if (entry.Provider is not { } provider || ProviderDirectory.Instance.ByName(provider) is not null || ProviderDirectory.Instance.IsLocalName(provider))
        {
            return;
        }

        var meant = NearestNames.Of(provider, ProviderDirectory.Instance.Providers.Select(known => known.Id), 1);
        if (meant.Count > 0 && NearestNames.Distance(provider.ToLowerInvariant(), meant[0]) <= 2)
        {
            Add(layer.Source, entry.Line, name, $"the provider '{provider}' is not known", $"if you mean '{meant[0]}', write that; a client of your own must report exactly '{provider}'");
        }
    }

    private void CheckCurrency(PriceBook book, PriceLayer layer, PriceEntry entry, string name, DateTimeOffset now)
    {
        var priced = book.Price(new() { Provider = entry.Provider, Model = entry.Id, At = now, Usage = new() { UncachedInputTokens = 1 } });
        if (priced.Cost.Amount is null && priced.Cost.Reason?.StartsWith("no exchange rate", StringComparison.Ordinal) == true)
        {
            Add(layer.Source, entry.Line, name, priced.Cost.Reason, $"give one in {ExchangeRates.VariableName}, or every call of it is unpriced");
        }
    }

    private void CheckAge(DateTimeOffset now)
    {
        BookDay = BookView.BuiltIn(now).Entries.Max(item => item.Entry.Checked);
        if (BookDay is { } day && now.UtcDateTime - day.ToDateTime(TimeOnly.MinValue) > s_oldAge)
        {
            Add("built-in", null, null, string.Create(CultureInfo.InvariantCulture, $"the prices are of {day:O}, more than {s_oldAge.Days} days ago"), "update llmcost, or import a newer list with 'llmcost prices import'");
        }
    }

    private bool CanRead(Func<PriceBook> read)
    {
        try
        {
            _ = read();
            return true;
        }
        catch (LlmCostException wrong)
        {
            // The message names source and line already.
            _findings.Add(new(null, null, null, wrong.Message.TrimEnd('.'), "nothing of this source is used until it is put right"));
            return false;
        }
    }

    private static string Remedy(PriceFinding finding) => finding.Concern switch
    {
        PriceConcern.UnitSlip => "prices are per million tokens",
        PriceConcern.Free => "write \"free\": true if it is",
        PriceConcern.CachedDearerThanInput or PriceConcern.CheapOutput => "see whether two rates are mixed up",
        PriceConcern.Currency => "compare the two by hand",
        PriceConcern.Duplicate => "keep one of the two",
        _ => "compare it with the provider's price list",
    };

    private void Add(string source, int? line, string? model, string what, string remedy) => _findings.Add(new(source, line, model, what, remedy));
}
