using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Dated prices of models, and how the names that providers report are matched to them.</summary>
public sealed class PriceBook
{
    internal const string VariableName = "LLMCOSTCACHE_PRICES";
    internal const string FileName = "prices.json";

    /// <summary>Stands for the dearest tier that a model has: the request may ask for any.</summary>
    internal const string AnyTier = "*";

    private const string Standard = "standard";
    private const string Dollar = "USD";
    private const decimal Million = 1_000_000m;

    private static readonly ExchangeRate s_dollar = new(Dollar, 1m);

    private readonly ModelResolver _resolver;
    private readonly ExchangeRates _exchangeRates;

    private PriceBook(
        BuiltInCatalogue catalogue,
        IReadOnlyList<PriceLayer> layers,
        IEnumerable<KeyValuePair<string, string>> aliases,
        PriceAdjustments adjustments,
        ExchangeRates exchangeRates)
    {
        _resolver = new(catalogue, layers, aliases, adjustments);
        Layers = layers;
        _exchangeRates = exchangeRates;
    }

    /// <summary>The prices inside the package alone.</summary>
    public static PriceBook BuiltIn { get; } = Of(BuiltInCatalogue.Shared);

    /// <summary>The sources that override the built-in prices, strongest first.</summary>
    internal IReadOnlyList<PriceLayer> Layers { get; }

    /// <summary>What the book knows about a model; null when it does not know it, or when several models of that name differ.</summary>
    /// <param name="provider">The provider, as the client or the user names it; null when not known.</param>
    /// <param name="model">The id of the model.</param>
    /// <param name="at">When the model is called.</param>
    /// <param name="host">The host of the provider's endpoint; null when not known.</param>
    public ModelFacts? Find(string? provider, string? model, DateTimeOffset at, string? host = null) =>
        FactOf(provider, model, at, host).Entry is { } entry
            ? new(entry.Provider ?? provider ?? "any", entry.Id, entry.ContextWindow, entry.MaxOutputTokens, entry.Encoding)
            : null;

    /// <summary>
    /// How long an input can be at most; null when it is not known, also when the list contradicts itself: a rate for longer inputs than the window says that they are served
    /// (Anthropic's million tokens on request), and so does an answer that is longer than the window it would be a part of.
    /// </summary>
    internal long? LongestInput(string? provider, string? model, DateTimeOffset at, string? host) =>
        FactOf(provider, model, at, host) is { Entry: { ContextWindow: { } window } entry } fact && !(entry.MaxOutputTokens > window) && fact.Price?.HasRateAbove(window) != true ? window : null;

    /// <summary>The entry that a name means, with its whole history of prices, or the reason why there is none.</summary>
    internal Resolution Resolve(string? provider, string? model, string? host = null) => _resolver.Resolve(provider, host, model);

    /// <summary>
    /// The price that holds for a model at an instant, by what was known at another. An override that has none for that time leaves it to the weaker
    /// sources, as it did before somebody wrote it: writing next month's price into a file must not change what last month cost.
    /// </summary>
    internal PriceFact FactOf(string? provider, string? model, DateTimeOffset at, string? host = null, DateTimeOffset? knownAt = null)
    {
        if (knownAt is { } then && FactOf(_resolver.AsKnownOn(PriceEntry.DayOf(then)), provider, model, at, host, knownAt) is { Price: not null } known)
        {
            return known;
        }

        // By the names of today too, because they can tell since when the price is known.
        return FactOf(_resolver, provider, model, at, host, knownAt);
    }

    private static PriceFact FactOf(ModelResolver resolver, string? provider, string? model, DateTimeOffset at, string? host, DateTimeOffset? knownAt)
    {
        PriceFact? none = null;
        for (int? layer = 0; layer is { } first;)
        {
            var resolution = resolver.Resolve(provider, host, model, first);
            if (resolution.Entry is not { } entry)
            {
                return none ?? new(null, -1, resolution.Reason);
            }

            var index = entry.IndexAt(at, knownAt);
            if (index >= 0)
            {
                return new(entry, index, null) { Adjustment = resolution.Adjustment, Remark = resolution.Remark };
            }

            none ??= new(entry, index, entry.WhyNoneAt(at, knownAt));
            layer = resolution.Layer + 1;
        }

        return none!.Value;
    }

    /// <summary>Prices what was used. An unknown model gets an unknown cost with the reason, never zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative.</exception>
    public PricedUsage Price(PriceQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(query.Usage);
        RefuseNegative(query.Usage);
        var fact = FactOf(query.Provider, query.Model, query.At, query.Host, query.KnownAt);
        if (fact.Entry is not { } entry)
        {
            return new() { Cost = CallCost.Unpriced(fact.Reason!) with { Usage = query.Usage } };
        }

        var unpriced = new PricedUsage
        {
            Cost = CallCost.Unknown with { Usage = query.Usage, PriceRevision = fact.Revision },
            Model = entry.Id,
            Provider = entry.Provider,
            EffectiveFrom = fact.Price?.EffectiveFrom,
            KnownFrom = fact.Price?.KnownFrom,
            Currency = entry.Currency,
            Discount = fact.Adjustment?.Discount ?? 0m,
            Margin = fact.Adjustment?.Margin ?? 0m,
        };
        if (fact.Price is not { } price)
        {
            return Because(unpriced, fact.Reason!);
        }

        try
        {
            return Price(query, fact, entry, price, unpriced);
        }
        catch (OverflowException)
        {
            return Because(unpriced, $"the counts are too large to be priced for '{entry.Id}'");
        }
    }

    /// <summary>What a call would cost, before it is made.</summary>
    /// <param name="model">The id of the model.</param>
    /// <param name="messages">What would be sent.</param>
    /// <param name="options">The options that would be sent: instructions, tools and schemas are input too.</param>
    /// <param name="estimate">What is assumed about the answer, the prompt cache, the day and the tier.</param>
    /// <param name="cancellationToken">Cancels the count.</param>
    /// <returns>The estimate; for a model without a price its cost is unknown and says why.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An assumption is negative, or a share is above 1.</exception>
    /// <remarks>Counts on a thread of the pool; the first count with an encoding loads its vocabulary, which takes a second.</remarks>
    public Task<CallEstimate> EstimateAsync(
        string model,
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        EstimateOptions? estimate = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        ArgumentNullException.ThrowIfNull(messages);
        var assumed = estimate ?? new();
        assumed.Validate();
        assumed = assumed with { MaxOutputTokens = assumed.MaxOutputTokens ?? (options?.MaxOutputTokens is > 0 ? options.MaxOutputTokens : null) };
        var asked = messages.ToArray();
        return Task.Run(() =>
        {
            var encoding = EncodingOf(assumed.Provider, model);
            var measure = new InputMeasure(encoding is null ? [] : [encoding]);
            measure.Add(asked, options, cancellationToken);
            return CallEstimator.Of(this, model, measure, assumed);
        }, cancellationToken);
    }

    /// <summary>What a call with this text as its only message would cost, before it is made.</summary>
    /// <inheritdoc cref="EstimateAsync(string, IEnumerable{ChatMessage}, ChatOptions, EstimateOptions, CancellationToken)"/>
    public Task<CallEstimate> EstimateAsync(string model, string prompt, EstimateOptions? estimate = null, CancellationToken cancellationToken = default) =>
        EstimateAsync(model, [new ChatMessage(ChatRole.User, prompt)], null, estimate, cancellationToken);

    /// <summary>The encoding that counts the input of a model; null when it is not public.</summary>
    internal string? EncodingOf(string? provider, string model) => Resolve(provider, model).Entry?.Encoding;

    /// <summary>
    /// The most that a request can cost, rounded up: every input token at the dearest input rate that can apply, every output token at the
    /// dearest output rate, over all tiers and all times of day, in the given service tier or, when it is null or <c>auto</c>, in the dearest one
    /// that the caller could not rule out (standard or priority), at the premium of the geography that the host names or, where nothing names it, of the dearest one;
    /// null when the price is not known. Fast mode counts only when it is asked for, or with <see cref="AnyTier"/>: no provider chooses it by itself. A tier that is
    /// cheaper than the standard one lowers nothing, because a provider may serve the request without it. Searches of the web count at the dearest fee that the book names for one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative.</exception>
    internal Money? Ceiling(
        string? provider,
        string? model,
        DateTimeOffset at,
        long inputTokens,
        long outputTokens,
        string? host = null,
        string? serviceTier = null,
        long webSearches = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(inputTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(outputTokens);
        if (FactOf(provider, model, at, host) is not { Price: { } price, Entry: { } entry } fact)
        {
            return null;
        }

        // "auto" lets the provider choose, and it can choose priority.
        var any = serviceTier == AnyTier;
        var open = any || string.IsNullOrEmpty(serviceTier) || serviceTier.Equals("auto", StringComparison.OrdinalIgnoreCase);
        string? mode = null;
        if (!open && !TryGetMode(price, serviceTier, out mode, out _))
        {
            return null;
        }

        var answerRate = price.Rates[RateKind.Output] ?? (mode is null ? null : price.Modes.GetValueOrDefault(mode)?.Rates[RateKind.Output]);
        if (outputTokens > 0 && answerRate is null)
        {
            return null;
        }

        // What is billed by images, seconds or characters alone has no bound in tokens.
        if (price.Rates[RateKind.Input] is null || ToDollars(entry.Currency, at) is not { } rate)
        {
            return null;
        }

        try
        {
            var (input, output, fee, search) = price.Dearest(null, inputTokens, outputTokens);
            foreach (var possible in any ? price.Modes.Keys : open ? ["priority"] : mode is null ? [] : (IEnumerable<string>)[mode])
            {
                var inTier = price.Dearest(possible, inputTokens, outputTokens);
                (input, output, fee) = (Math.Max(input, inTier.Input), Math.Max(output, inTier.Output), Math.Max(fee, inTier.Request));
                search = Math.Max(search, inTier.Search);
            }

            // A workspace can have a geography by default, so a request that names none does not rule it out.
            var premium = RegionOf(entry, host) is { } region ? price.PremiumOf(region) : price.DearestPremium;
            var most = (inputTokens * input * premium / Million) + (outputTokens * output * premium / Million) + fee + (webSearches * search);
            return Money.FromUsdRoundedUp(most * (fact.Adjustment?.Factor ?? 1m) / rate.PerDollar);
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    /// <summary>The prices inside the package under those of the options, the environment and the home directory.</summary>
    /// <exception cref="LlmCostException">A source of prices cannot be read; the message names source and line.</exception>
    internal static PriceBook Load(LlmCostsOptions options, string? homeDirectory, Func<string, string?>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        environment ??= Environment.GetEnvironmentVariable;
        var sources = PriceSources.Load(options, homeDirectory, environment);
        return new(BuiltInCatalogue.Shared, sources.Layers, options.ModelAliases, sources.Adjustments, ExchangeRates.Load(options.ExchangeRates, homeDirectory, environment));
    }

    internal static PriceBook Of(BuiltInCatalogue catalogue) => new(catalogue, [], [], PriceAdjustments.None, ExchangeRates.Assumed);

    /// <summary>The entry that a name means when requests to it cost differently once enough of them were made in a month; null for all others.</summary>
    internal PriceEntry? FindStepped(string? provider, string? model, DateTimeOffset at, string? host = null) =>
        FactOf(provider, model, at, host) is { Price.Steps.Count: > 0, Entry: var entry } ? entry : null;

    private PricedUsage Price(PriceQuery query, PriceFact fact, PriceEntry entry, DatedPrice price, PricedUsage unpriced)
    {
        var (usage, factor) = (query.Usage, fact.Adjustment?.Factor ?? 1m);
        var (inputTokens, outputTokens) = (usage.TotalInputTokens, usage.TotalOutputTokens);
        if (!TryGetMode(price, query.ServiceTier, out var mode, out var remark))
        {
            return Because(unpriced, $"no price for '{entry.Id}' in the service tier '{query.ServiceTier}'");
        }

        if (ToDollars(entry.Currency, query.At) is not { } fx)
        {
            return Because(unpriced, $"no exchange rate for {entry.Currency}; {ExchangeRates.Remedy}");
        }

        var time = TimeOnly.FromDateTime(query.At.UtcDateTime);
        var region = query.Region ?? RegionOf(entry, query.Host);
        var (first, last) = price.LevelsOf(query.RequestsBefore, usage.Requests);
        var bill = Bill.Of(usage, CardOf(first), factor, fx.PerDollar, price.IsFree);
        var (cheapest, missed) = (bill, bill.Missing);
        for (var level = first + 1; level <= last; level++)
        {
            var other = Bill.Of(usage, CardOf(level), factor, fx.PerDollar, price.IsFree);
            missed ??= other.Missing;
            cheapest = other.Native < cheapest.Native ? other : cheapest;
            bill = other.Native > bill.Native ? other : bill;
        }

        remark = Joined(Joined(fact.Remark, remark), ExchangeRates.Remark(fx, query.At));
        var (low, amount) = (Money.FromUsd(cheapest.Dollars), Money.FromUsd(bill.Dollars));
        if (missed is { } missing)
        {
            return Because(unpriced, $"the price of '{entry.Id}' names no rate for {RateCard.UnitOf(missing)}", low);
        }

        return unpriced with
        {
            Cost = (low == amount ? CallCost.Known(amount) : CallCost.Between(low, amount)) with
            {
                Usage = usage,
                PriceRevision = unpriced.Cost.PriceRevision,
                Reason = low == amount ? remark : Joined(WhyBetweenSteps(entry, query.RequestsBefore), remark),
            },
            Region = region,
            NativeCost = bill.Native,
            ListCost = bill.List,
            FxRate = entry.Currency == Dollar ? null : fx.PerDollar,
            FxDate = fx.Day,
            Parts = bill.Parts(),
        };

        RateCard CardOf(int level) => price.CardFor(mode, region, time, inputTokens, outputTokens, usage.ReasoningTokens > 0, level);
    }

    private static string WhyBetweenSteps(PriceEntry entry, long? before) => before is null
        ? $"the price of '{entry.Id}' has steps by the requests of a month, and how many went before is not known"
        : $"the requests lie on both sides of a step in the price of '{entry.Id}'";

    /// <summary>
    /// The mode whose rates hold; null for the standard ones. A tier that the vendor lists no rates for costs the standard ones and says so;
    /// a name that nobody knows has no price, because it may be dearer.
    /// </summary>
    private static bool TryGetMode(DatedPrice price, string? serviceTier, out string? mode, out string? remark)
    {
        (mode, remark) = (null, null);
        if (serviceTier is { Length: > 0 } && price.Modes.ContainsKey(serviceTier))
        {
            mode = serviceTier;
            return true;
        }

        var tier = ProviderDirectory.Instance.ServiceTier(serviceTier);
        if (tier == Standard || price.IsFree)
        {
            return true;
        }

        if (tier is null or "fast" && (tier is null || !price.Modes.ContainsKey(tier)))
        {
            return false;
        }

        if (price.Modes.ContainsKey(tier))
        {
            mode = tier;
        }
        else
        {
            remark = $"no rates are listed for the service tier '{tier}'; the standard ones were used";
        }

        return true;
    }

    /// <summary>The geography that the host of a provider names; null where hosts say nothing about it.</summary>
    private static string? RegionOf(PriceEntry entry, string? host) =>
        host is null ? null : ProviderDirectory.Instance.ByName(entry.Provider)?.RegionOf(ProviderDirectory.HostOf(host));

    private ExchangeRate? ToDollars(string currency, DateTimeOffset at) => currency == Dollar ? s_dollar : _exchangeRates.Find(currency, at);

    private static string? Joined(string? remark, string? another) => remark is null ? another : another is null ? remark : $"{remark}; {another}";

    private static PricedUsage Because(PricedUsage unpriced, string reason, Money low = default) =>
        unpriced with { Cost = unpriced.Cost with { Reason = reason, Low = low } };

    private static void RefuseNegative(TokenUsage usage)
    {
        Span<long> buckets = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(usage, buckets);
        foreach (var count in buckets)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(count, nameof(usage));
        }
    }
}
