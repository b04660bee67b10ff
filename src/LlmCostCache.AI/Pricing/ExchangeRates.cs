using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Units of a currency for one US dollar, by day.</summary>
internal sealed class ExchangeRates
{
    public const string VariableName = "LLMCOSTCACHE_FX";

    private const string Remedy = """Write {"CNY": "7.1", "date": "2026-08-22"}.""";

    private readonly Dictionary<string, (DateOnly? Day, decimal Rate)[]> _rates;

    private ExchangeRates(Dictionary<string, (DateOnly? Day, decimal Rate)[]> rates) => _rates = rates;

    /// <summary>7.20 yuan for a dollar, assumed: a rate without a day.</summary>
    public static ExchangeRates Assumed { get; } = new(Defaults());

    /// <summary>
    /// Reads <c>{"CNY": "7.1", "date": "2026-08-22"}</c> or <c>{"CNY": {"2026-08-22": "7.1"}}</c>;
    /// what it does not name keeps its assumed rate.
    /// </summary>
    /// <exception cref="LlmCostException">The text is not of either form.</exception>
    public static ExchangeRates Parse(string? json)
    {
        if (string.IsNullOrWhiteSpace(json))
        {
            return Assumed;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Wrong("is not a JSON object");
            }

            var day = document.RootElement.TryGetProperty("date", out var date) ? Day(date.GetString()) : (DateOnly?)null;
            var rates = Defaults();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => property.Name != "date"))
            {
                var currency = property.Name.ToUpperInvariant();
                if (currency.Length != 3 || !currency.All(char.IsAsciiLetterUpper) || currency == "USD")
                {
                    throw Wrong($"names '{property.Name}', which is not the ISO 4217 code of a currency other than the US dollar");
                }

                rates[currency] = property.Value.ValueKind == JsonValueKind.Object
                    ? [.. property.Value.EnumerateObject().Select(dated => ((DateOnly?)Day(dated.Name), Rate(currency, dated.Value))).OrderBy(dated => dated.Item1)]
                    : [(day, Rate(currency, property.Value))];
                if (rates[currency].Length == 0)
                {
                    throw Wrong($"names {currency} without a rate");
                }
            }

            return new(rates);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new LlmCostException($"{VariableName} is not readable as JSON: {e.Message} {Remedy}", e);
        }
    }

    /// <summary>The rate of the latest day that is not after the call; the earliest known when all are later; null when the currency has none.</summary>
    public (decimal Rate, DateOnly? Day)? Find(string currency, DateTimeOffset at)
    {
        if (!_rates.TryGetValue(currency, out var dated))
        {
            return null;
        }

        var day = DateOnly.FromDateTime(at.UtcDateTime);
        for (var i = dated.Length - 1; i > 0; i--)
        {
            if (dated[i].Day <= day)
            {
                return (dated[i].Rate, dated[i].Day);
            }
        }

        return (dated[0].Rate, dated[0].Day);
    }

    private static Dictionary<string, (DateOnly? Day, decimal Rate)[]> Defaults() =>
        new(StringComparer.OrdinalIgnoreCase) { ["CNY"] = [(null, 7.20m)] };

    private static DateOnly Day(string? text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw Wrong($"has the day '{text}', which is not of the form 2026-08-22");

    private static decimal Rate(string currency, JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : value.GetString();
        const NumberStyles Styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out var rate) && rate is > 0.000001m and < 10_000_000m
            ? rate
            : throw Wrong($"has the rate '{text}' for {currency}, which is not a positive number");
    }

    private static LlmCostException Wrong(string what) => new($"{VariableName} {what}. {Remedy}");
}
