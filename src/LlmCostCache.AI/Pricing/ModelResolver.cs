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
            resolution = resolution with { Adjustment = AdjustmentOf(entry, provider, ProviderDirectory.HostOf(host), model) };
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

        if (FromLayers(provider, seller, name, model, firstLayer) is { } overridden)
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

        return FromAnybody(name, model);
    }

    private Resolution? FromLayers(string? provider, PriceProvider? seller, ModelName name, string model, int firstLayer)
    {
        List<string> providers = [];
        if (seller is not null)
        {
            providers.Add(seller.Id);
        }

        if (!string.IsNullOrWhiteSpace(provider) && seller?.Id != provider)
        {
            providers.Add(provider);
        }

        for (var i = firstLayer; i < _layers.Count; i++)
        {
            if (_layers[i].Find(providers, name, _directory.Patterns) is { Length: > 0 } found)
            {
                return OneOf(found, model) with { Layer = i };
            }
        }

        return null;
    }

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
    private Resolution FromAnybody(ModelName name, string model)
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

        if (name.IsFineTune)
        {
            return Resolution.None(NotListed(model, null, fineTune: true));
        }

        var offers = _directory.Providers.SelectMany(seller => _catalogue.Of(seller.Id).FindExactly(name)).ToArray();
        return offers.Length == 0 ? Resolution.None(NotListed(model, null, fineTune: false)) : OneOf(offers, model);
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
