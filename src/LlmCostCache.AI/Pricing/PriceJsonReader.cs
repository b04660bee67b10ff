using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads the words and numbers of a price file, each checked, and says source and line of what is wrong.</summary>
internal ref struct PriceJsonReader(ReadOnlySpan<byte> text, string source)
{
    // A dollar for a token: beyond it, somebody mixed up units.
    private const decimal MaxRate = 1_000_000m;

    // Beyond it, somebody wrote a rate.
    private const int MaxMultiplier = 100;

    private const NumberStyles RateStyles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent;

    private readonly ReadOnlySpan<byte> _text = text;
    private readonly string _source = source;
    private Utf8JsonReader _tokens = new(text, new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });

    public readonly JsonTokenType TokenType => _tokens.TokenType;

    /// <summary>Goes to the next token.</summary>
    public JsonTokenType Next() => _tokens.Read() ? _tokens.TokenType : throw Wrong("the file ends too early");

    /// <summary>Refuses whatever follows the file's object: it is not JSON any more, and the reader says so.</summary>
    public void End() => _tokens.Read();

    /// <summary>Goes to the value of the next property; null at the end of the object.</summary>
    public string? NextProperty()
    {
        if (Next() == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = _tokens.GetString()!;
        Next();
        return name;
    }

    public readonly void Expect(JsonTokenType type, string remedy)
    {
        if (_tokens.TokenType != type)
        {
            throw Wrong(remedy);
        }
    }

    public readonly string Text(string name) =>
        _tokens.TokenType == JsonTokenType.String && _tokens.GetString() is { Length: > 0 } text
            ? text
            : throw Wrong($"'{name}' must be a text that is not empty");

    public string[] Texts(string name)
    {
        Expect(JsonTokenType.StartArray, $"'{name}' must be a list of texts");
        List<string> texts = [];
        while (Next() != JsonTokenType.EndArray)
        {
            texts.Add(Text(name));
        }

        return [.. texts];
    }

    public readonly long Count(string name) =>
        _tokens.TokenType == JsonTokenType.Number && _tokens.TryGetInt64(out var count) && count > 0
            ? count
            : throw Wrong($"'{name}' must be a whole number above zero");

    public readonly decimal Number(string name) =>
        TryNumber(name, out var number) ? number : throw Wrong($"'{name}' is '{Value()}', which is not a number that money can be counted with; write it like \"2.50\"");

    /// <summary>A discount or a margin. Its bounds are the adjustment's own affair.</summary>
    public readonly decimal Share(string name) =>
        TryNumber(name, out var share) ? share : throw Wrong($"'{name}' is '{Value()}'; it must be a share like \"0.10\" for ten percent");

    public readonly decimal Multiplier(string name) => Number(name) switch
    {
        <= 0 or > MaxMultiplier => throw Wrong($"the multiplier '{name}' must be above zero and at most {MaxMultiplier}; 1.1 is ten percent more"),
        var multiplier => multiplier,
    };

    /// <summary>Reads a rate; false when none has this name.</summary>
    public bool ReadRate(string name, decimal?[] rates)
    {
        var kind = Array.IndexOf(RateCard.FieldNames, name);
        if (kind < 0)
        {
            return false;
        }

        if (rates[kind] is not null)
        {
            throw Wrong($"'{name}' is there twice");
        }

        if (_tokens.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        rates[kind] = Number(name) switch
        {
            < 0 and var rate => throw Wrong($"'{name}' is {rate.ToString(CultureInfo.InvariantCulture)}; a price cannot be negative"),
            > MaxRate and var rate => throw Wrong(
                $"'{name}' is {rate.ToString(CultureInfo.InvariantCulture)}; prices are per million tokens or characters and for one of everything else, so this cannot be meant"),
            var rate => rate,
        };
        return true;
    }

    public readonly string Currency()
    {
        var code = Text("currency").ToUpperInvariant();
        return code.Length == 3 && code.All(char.IsAsciiLetterUpper)
            ? code
            : throw Wrong($"'currency' is '{code}', which is not an ISO 4217 code like USD or CNY");
    }

    public readonly DateOnly Day(string name) =>
        DateOnly.TryParseExact(Text(name), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw Wrong($"'{name}' must be a day like 2026-08-22");

    public readonly TimeOnly Time(string name) =>
        TimeOnly.TryParseExact(Text(name), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw Wrong($"'{name}' must be a time of day like 16:30");

    public readonly int Line() => _text[..(int)_tokens.TokenStartIndex].Count((byte)'\n') + 1;

    public readonly LlmCostException Unknown(string name, string where) => Wrong($"'{name}' is not a property {where}");

    public readonly LlmCostException Wrong(string what) => Wrong(what, Line());

    public readonly LlmCostException Wrong(string what, int line) => new($"{_source}, line {line}: {what}.");

    private readonly bool TryNumber(string name, out decimal number) => _tokens.TokenType == JsonTokenType.Number
        ? _tokens.TryGetDecimal(out number)
        : decimal.TryParse(Text(name), RateStyles, CultureInfo.InvariantCulture, out number);

    private readonly string Value() => Encoding.UTF8.GetString(_tokens.ValueSpan);
}
