using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>
/// Reads exchange rates: <c>{"CNY": "7.1", "EUR": "0.92", "date": "2026-08-22"}</c>, or a currency with several days,
/// <c>{"CNY": {"2026-08-22": "7.1", "2026-09-01": "7.05"}}</c>. Units for one US dollar; without a day a rate is an assumed one.
/// </summary>
internal ref struct ExchangeRateReader
{
    private const string Example = """{"CNY": "7.1", "date": "2026-08-22"}""";

    private readonly ReadOnlySpan<byte> _json;
    private readonly string _source;
    private Utf8JsonReader _reader;

    private ExchangeRateReader(ReadOnlySpan<byte> json, string source)
    {
        _json = json;
        _source = source;
        _reader = new(json, new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
    }

    /// <exception cref="LlmCostException">The text is not of either form; the message names source, line and remedy.</exception>
    public static IReadOnlyList<ExchangeRate> Read(ReadOnlySpan<byte> json, string source)
    {
        if (json.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            json = json[3..];
        }

        try
        {
            return new ExchangeRateReader(json, source).Read();
        }
        catch (JsonException e)
        {
            throw new LlmCostException($"{source}, line {(e.LineNumber ?? 0) + 1}: not readable as JSON ({e.Message}) Write {Example}.", e);
        }
        catch (InvalidOperationException e)
        {
            throw new LlmCostException($"{source}: a text in it is not valid UTF-8.", e);
        }
    }

    /// <summary>Why a rate cannot be one; null when it can.</summary>
    public static string? Fault(ExchangeRate rate) => rate switch
    {
        { Currency: not { Length: 3 } } or { Currency: "USD" } => $"'{rate.Currency}' is not the ISO 4217 code of a currency other than the US dollar",
        { Currency: var code } when !code.All(char.IsAsciiLetterUpper) => $"'{code}' is not the ISO 4217 code of a currency other than the US dollar",
        { PerDollar: <= 0.000001m or >= 10_000_000m } =>
            $"the rate of {rate.Currency} is {rate.PerDollar.ToString(CultureInfo.InvariantCulture)}, which is not a number of units for one US dollar",
        _ => null,
    };

    private List<ExchangeRate> Read()
    {
        List<(ExchangeRate Rate, int Line, bool HasOwnDay)> read = [];
        DateOnly? day = null;
        Next();
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong("exchange rates must be a JSON object");
        }

        while (NextProperty() is { } name)
        {
            if (name == "date")
            {
                day = Day(Text("date"));
            }
            else if (_reader.TokenType == JsonTokenType.StartObject)
            {
                var before = read.Count;
                while (NextProperty() is { } dated)
                {
                    read.Add((Rate(name, Day(dated)), Line(), true));
                }

                if (read.Count == before)
                {
                    throw Wrong($"'{name}' has no rate");
                }
            }
            else
            {
                read.Add((Rate(name, null), Line(), false));
            }
        }

        // What follows the object is not JSON any more, and the reader says so.
        _reader.Read();

        // The day may stand behind the rates that it is the day of.
        List<ExchangeRate> rates = new(read.Count);
        HashSet<(string, DateOnly?)> seen = [];
        foreach (var (rate, line, hasOwnDay) in read)
        {
            rates.Add(hasOwnDay ? rate : rate with { Day = day });
            if (!seen.Add((rate.Currency, rates[^1].Day)))
            {
                throw Wrong($"'{rate.Currency}' has two rates for the same day", line);
            }
        }

        return rates;
    }

    private readonly ExchangeRate Rate(string currency, DateOnly? day)
    {
        const NumberStyles Styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent;
        var text = _reader.TokenType switch
        {
            JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(_reader.ValueSpan),
            JsonTokenType.String => _reader.GetString(),
            _ => null,
        };
        if (!decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out var perDollar))
        {
            throw Wrong($"the rate of '{currency}' is {(text is null ? "not a number" : $"'{text}', which is not a number")}");
        }

        var rate = new ExchangeRate(currency.ToUpperInvariant(), perDollar, day);
        return Fault(rate) is { } fault ? throw Wrong(fault) : rate;
    }

    private readonly DateOnly Day(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : throw Wrong($"'{text}' is not a day like 2026-08-22");

    private readonly string Text(string name) => _reader.TokenType == JsonTokenType.String ? _reader.GetString()! : throw Wrong($"'{name}' must be a text");

    /// <summary>Goes to the value of the next property; null at the end of the object.</summary>
    private string? NextProperty()
    {
        Next();
        if (_reader.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = _reader.GetString()!;
        Next();
        return name;
    }

    private void Next()
    {
        if (!_reader.Read())
        {
            throw Wrong("the text ends too early");
        }
    }

    private readonly int Line() => _json[..(int)_reader.TokenStartIndex].Count((byte)'\n') + 1;

    private readonly LlmCostException Wrong(string what) => Wrong(what, Line());

    private readonly LlmCostException Wrong(string what, int line) => new($"{_source}, line {line}: {what}. Write {Example}.");
}
