using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>
/// Finds the entry that a provider, a host and a model name mean. It never guesses: what is listed nowhere, or twice with two prices, has no price.
/// </summary>
internal sealed class ModelResolver
{
    private const int MaxRemembered = 4096;
    private const int MaxNameLength = 512;
    private const int MaxDays = 64;
    private const int MaxNamedCandidates = 5;

    private readonly ProviderDirectory _directory = ProviderDirectory.Instance;
    private readonly BuiltInCatalogue _catalogue;
    private readonly IReadOnlyList<PriceLayer> _layers;
    private readonly Dictionary<string, string> _aliases;
    private readonly PriceAdjustments _adjustments;
    private readonly ConcurrentDictionary<Key, Resolution> _remembered = new();
    private readonly ConcurrentDictionary<DateOnly, ModelResolver> _asKnown = new();

    /// <param name="catalogue">The built-in prices.</param>
    /// <param name="layers">The overrides, strongest first.</param>
    /// <param name="aliases">Names that stand for other names.</param>
    /// <param name="adjustments">Discounts and margins.</param>
    public ModelResolver(BuiltInCatalogue catalogue, IReadOnlyList<PriceLayer> layers, IEnumerable<KeyValuePair<string, string>> aliases, PriceAdjustments adjustments)
    {
        _adjustments = adjustments;
        _catalogue = catalogue;
        _layers = layers;
        _aliases = new(aliases, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>
    /// What names meant on a day: a model that was listed later is not there. Without it a family's price would have been another's as soon as a dated
    /// sibling is listed, and a bill of last month could not be computed again.
    /// </summary>
    public ModelResolver AsKnownOn(DateOnly day)
    {
        if (_asKnown.TryGetValue(day, out var known))
        {
            return known;
        }

        if (_asKnown.Count >= MaxDays)
        {
            _asKnown.Clear();
        }

        return _asKnown.GetOrAdd(
            day,
            static (day, now) => new(now._catalogue.AsKnownOn(day), [.. now._layers.Select(layer => layer.AsKnownOn(day))], now._aliases, now._adjustments),
            this);
    }

    /// <param name="provider">The provider, as the client or the user names it.</param>
    /// <param name="host">The host of the provider's endpoint.</param>
    /// <param name="model">The name of the model.</param>
    /// <param name="firstLayer">The first override to look at; those before it had no price for the time that is asked about.</param>
    public Resolution Resolve(string? provider, string? host, string? model, int firstLayer = 0)
    {
        if (string.IsNullOrWhiteSpace(model))
        {
            return Resolution.None("no price without the name of a model");
        }

        if (model.Length > MaxNameLength || provider?.Length > MaxNameLength || host?.Length > MaxNameLength)
        {
            return Resolution.None("no price for a name of more than 512 characters");
        }

        var key = new Key(provider, host, model, firstLayer);
        if (_remembered.TryGetValue(key, out var known))
        {
            return known;
        }

        var resolution = Search(provider, ProviderDirectory.HostOf(host), model, firstLayer);
        if (resolution.Entry is { } entry)
        {
            var adjustment = AdjustmentOf(entry, provider, ProviderDirectory.HostOf(host), model);

            // Whoever has written down what an unlisted seller takes off or puts on has said that the rest is the list price.
            var isAgreed = adjustment?.Provider is { } seller && provider is not null && PriceLayer.Key(seller) == PriceLayer.Key(provider);
            resolution = resolution with { Adjustment = adjustment, Remark = isAgreed ? null : resolution.Remark };
        }

        // Names come from outside: whoever sends a million of them costs us time, not memory.
        if (_remembered.Count >= MaxRemembered)
        {
            _remembered.Clear();
        }

        return _remembered.GetOrAdd(key, resolution);
    }

    /// <summary>Discounts are agreed with whoever sells, who need not be the one whose list the price is from: Azure sells OpenAI's models at OpenAI's prices.</summary>
    private PriceAdjustment? AdjustmentOf(PriceEntry entry, string? provider, string? host, string reported)
    {
        var named = _directory.ByName(provider);
        var hosted = _directory.ByHost(host, named);

        // An unknown host may speak OpenAI's protocol without being OpenAI.
        var seller = named is { SpokenByOthers: true } && host is not null ? null : named?.Id ?? (string.IsNullOrWhiteSpace(provider) ? null : provider);
        var model = _aliases.GetValueOrDefault(reported, reported).Trim();
        return _adjustments.Find(hosted?.Id ?? seller ?? entry.Provider, entry, ModelName.Of(model, _directory.Patterns));
    }

    private Resolution Search(string? provider, string? host, string reported, int firstLayer)
    {
        var model = _aliases.GetValueOrDefault(reported, reported).Trim();
        var name = ModelName.Of(model, _directory.Patterns);
        var named = _directory.ByName(provider);
        var hosted = _directory.ByHost(host, named);
        var seller = hosted ?? named;

        var providers = NamesOf(provider, seller);
        if (FromLayers(providers, name, model, firstLayer) is { } overridden)
        {
            return overridden;
        }

        if (hosted is null && IsLocal(provider, host, model))
        {
            return Resolution.To(FreeEntry(_directory.IsLocalName(provider) ? ProviderDirectory.Normalized(provider!) : "local", model));
        }

        if (seller is not null)
        {
            var found = FromSeller(seller, name);
            if (found is not null || !(seller.SpokenByOthers && hosted is null && host is not null))
            {
                return found ?? Resolution.None(NotListed(model, seller.DisplayName, name.IsFineTune));
            }
        }

        var anybodys = FromAnybody(name, model, providers.Count == 0 ? OffersOf(name, firstLayer) : []);

        // A gateway may be called anything and usually passes the list price on, but nobody has said so: the price is used, and says whose it is.
        return anybodys.Entry is not { } listed || hosted is not null || named is not null || string.IsNullOrWhiteSpace(provider) ? anybodys
            : anybodys with { Remark = $"'{provider.Trim()}' is not in the price book; the list price of {listed.Provider} was used" };
    }

    /// <summary>The names by which overrides may mean whoever sells; none when nothing says who does.</summary>
    private static List<string> NamesOf(string? provider, PriceProvider? seller)
    {
        List<string> names = seller is null ? [] : [seller.Id];
        if (!string.IsNullOrWhiteSpace(provider) && seller?.Id != provider)
        {
            names.Add(provider);
        }

        return names;
    }

    private Resolution? FromLayers(List<string> providers, ModelName name, string model, int firstLayer)
    {
        for (var i = firstLayer; i < _layers.Count; i++)
        {
            var found = _layers[i].Find(providers, name, _directory.Patterns);
            if (providers.Count == 0)
            {
                // What one reseller takes says nothing about a call of which only the model is known: its maker's price comes first, and the other sellers' have a say.
                found = Array.FindAll(found, entry => entry.Provider is null || _directory.ByName(entry.Provider) is { } maker && name.Forms.Any(maker.Makes));
            }

            if (found.Length > 0)
            {
                return OneOf(found, model) with { Layer = i };
            }
        }

        return null;
    }

    /// <summary>What overrides say that single sellers take for a model, each seller's from the strongest source that names it.</summary>
    private List<(PriceEntry Entry, int Layer)> OffersOf(ModelName name, int firstLayer)
    {
        List<(PriceEntry Entry, int Layer)> offers = [];
        for (var i = firstLayer; i < _layers.Count; i++)
        {
            foreach (var entry in _layers[i].Find([], name, _directory.Patterns))
            {
                if (!offers.Exists(stronger => stronger.Layer < i && IsOfTheSameSeller(stronger.Entry, entry)))
                {
                    offers.Add((entry, i));
                }
            }
        }

        return offers;
    }

    private static bool IsOfTheSameSeller(PriceEntry one, PriceEntry other) => PriceLayer.Key(one.Provider!) == PriceLayer.Key(other.Provider!);

    private bool IsLocal(string? provider, string? host, string model) =>
        _directory.IsLocalName(provider) || (_directory.IsLocalHost(host) && !_directory.IsNeverLocal(model));

    private Resolution? FromSeller(PriceProvider seller, ModelName name)
    {
        foreach (var id in seller.Then.Prepend(seller.Id))
        {
            if (FromBook(id, name) is { Length: > 0 } found)
            {
                return OneOf(found, name.Forms[0]);
            }
        }

        return null;
    }

    /// <summary>Without a seller the model's maker comes first; what only resellers list must cost the same at all of them.</summary>
    /// <param name="name">The model.</param>
    /// <param name="model">The model as it was reported.</param>
    /// <param name="overrides">What overrides say that resellers take, when nothing says who sold the call.</param>
    private Resolution FromAnybody(ModelName name, string model, List<(PriceEntry Entry, int Layer)> overrides)
    {
        var slash = model.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && _directory.ByName(model[..slash]) is { } prefixed)
        {
            var rest = ModelName.Of(model[(slash + 1)..], _directory.Patterns);
            if (FromSeller(prefixed, rest) is { } found)
            {
                return found;
            }
        }

        foreach (var maker in _directory.Providers.Where(maker => name.Forms.Any(maker.Makes)))
        {
            if (FromBook(maker.Id, name) is { Length: > 0 } found)
            {
                return OneOf(found, model);
            }
        }

        if (name.IsFineTune && overrides.Count == 0)
        {
            return Resolution.None(NotListed(model, null, fineTune: true));
        }

        var listed = name.IsFineTune ? [] : _directory.Providers.SelectMany(seller => _catalogue.Of(seller.Id).FindExactly(name))
            .Where(offer => !overrides.Exists(stronger => IsOfTheSameSeller(stronger.Entry, offer)));
        PriceEntry[] offers = [.. overrides.Select(offer => offer.Entry), .. listed];
        return offers.Length == 0 ? Resolution.None(NotListed(model, null, fineTune: false))
            : OneOf(offers, model) with { Layer = overrides.Count == 0 ? null : overrides.Min(offer => offer.Layer) };
    }

    private PriceEntry[] FromBook(string provider, ModelName name)
    {
        var index = _catalogue.Of(provider);
        if (index.Find(name, _directory.Patterns) is { Length: > 0 } found)
        {
            return found;
        }

        // Gateways write openai/gpt-4o where OpenAI itself says gpt-4o.
        var slash = name.Forms[0].IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && _directory.ByName(name.Forms[0][..slash])?.Id == provider
            ? index.Find(ModelName.Of(name.Forms[0][(slash + 1)..], _directory.Patterns), _directory.Patterns)
            : [];
    }

    private static Resolution OneOf(PriceEntry[] found, string model)
    {
        if (Array.TrueForAll(found, entry => ReferenceEquals(entry, found[0]) || entry.CostsTheSameAs(found[0])))
        {
            return Resolution.To(found[0]);
        }

        var candidates = string.Join(", ", found.Take(MaxNamedCandidates).Select(entry => $"{entry.Provider ?? "any"}/{entry.Id}"));
        var more = found.Length > MaxNamedCandidates ? $" and {found.Length - MaxNamedCandidates} more" : "";
        return Resolution.None($"no single price for '{model}': {candidates}{more} differ; name the provider") with { Candidates = found };
    }

    private static string NotListed(string model, string? seller, bool fineTune) => (fineTune, seller) switch
    {
        (true, _) => $"no price for the fine-tuned model '{model}'; a fine-tune costs more than its base, so set its own price",
        (_, null) => $"no price for '{model}'",
        _ => $"no price for '{model}' of {seller}",
    };

    private static PriceEntry FreeEntry(string provider, string model) => new()
    {
        Provider = provider,
        Id = model,
        Free = true,
        KnownFrom = "rule",
        Prices = [new(RateCard.Free)],
        Sources = ["runs on the user's own machine"],
    };

    private readonly record struct Key(string? Provider, string? Host, string Model, int FirstLayer);
}
