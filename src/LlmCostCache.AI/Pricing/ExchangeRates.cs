using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>
/// Units of a currency for one US dollar, by day. Of a currency that several sources name, only the strongest counts: code, <c>LLMCOSTCACHE_FX</c>,
/// <c>fx.json</c> in the home directory, built in.
/// </summary>
internal sealed class ExchangeRates
{
    public const string VariableName = "LLMCOSTCACHE_FX";
    public const string FileName = "fx.json";

    /// <summary>What to do when a currency has no rate.</summary>
    public const string Remedy = $"set {VariableName}, write {FileName} into the home directory or add it to LlmCostsOptions.ExchangeRates";

    // 7.20 yuan for a dollar, an assumption: no day, no source.
    private static readonly ExchangeRate[] s_builtIn = [new("CNY", 7.20m)];

    private readonly Dictionary<string, ExchangeRate[]> _rates = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="sources">The sources, strongest first.</param>
    private ExchangeRates(IEnumerable<IEnumerable<ExchangeRate>> sources)
    {
        foreach (var source in sources)
        {
            foreach (var currency in source.GroupBy(rate => rate.Currency, StringComparer.Ordinal))
            {
                _rates.TryAdd(currency.Key, [.. currency.OrderBy(rate => rate.Day)]);
            }
        }
    }

    /// <summary>What is built in: 7.20 yuan for a dollar, assumed.</summary>
    public static ExchangeRates Assumed { get; } = new([s_builtIn]);

    /// <exception cref="LlmCostException">A source cannot be read, or names what cannot be a rate.</exception>
    public static ExchangeRates Load(IList<ExchangeRate> code, string? homeDirectory, Func<string, string?> environment)
    {
        RefuseFaults(code);
        return new(
        [
            code,
            Read(PriceSource.FromVariable(VariableName, environment(VariableName))),
            Read(PriceSource.FromHome(homeDirectory, FileName)),
            s_builtIn,
        ]);
    }

    /// <summary>The rate of the latest day that is not after the call; the earliest known when all are later; null when the currency has none.</summary>
    public ExchangeRate? Find(string currency, DateTimeOffset at)
    {
        if (!_rates.TryGetValue(currency, out var dated))
        {
            return null;
        }

        var day = DateOnly.FromDateTime(at.UtcDateTime);
        var (low, high) = (0, dated.Length);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = dated[middle].Day <= day ? (middle, high) : (low, middle);
        }

        return dated[low];
    }

    /// <summary>What to say of a rate that is younger than the call; null when it is not.</summary>
    public static string? Remark(ExchangeRate rate, DateTimeOffset at) => rate.Day is { } day && day > DateOnly.FromDateTime(at.UtcDateTime)
        ? string.Create(CultureInfo.InvariantCulture, $"the rate of {rate.Currency} is of {day:yyyy-MM-dd}; no earlier one is known")
        : null;

    private static IReadOnlyList<ExchangeRate> Read(PriceSource? source) => source is { } given ? ExchangeRateReader.Read(given.Json, given.Name) : [];

    private static void RefuseFaults(IList<ExchangeRate> code)
    {
        const string Where = $"{nameof(LlmCostsOptions)}.{nameof(LlmCostsOptions.ExchangeRates)}";
        foreach (var rate in code)
        {
            if (ExchangeRateReader.Fault(rate) is { } fault)
            {
                throw new LlmCostException($"""{Where}: {fault}. Write new ExchangeRate("CNY", 7.1m, new DateOnly(2026, 8, 22)).""");
            }
        }

        if (code.GroupBy(rate => (rate.Currency, rate.Day)).FirstOrDefault(group => group.Count() > 1) is { Key: var twice })
        {
            var when = twice.Day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "no day";
            throw new LlmCostException($"{Where}: '{twice.Currency}' has two rates for {when}; keep one of the two.");
        }
    }
}
