using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>The fields of one line of a provider's report, from JSON or from CSV; remembers the first thing that is wrong with them.</summary>
internal sealed class BucketFields
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public string? Wrong { get; private set; }

    /// <summary>Whether nothing stands in any of these.</summary>
    public bool HasNone(IEnumerable<string> names) => names.All(name => this[name] is null);

    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>Takes over a JSON object; what lies deeper gets a name with dots.</summary>
    public static BucketFields Of(JsonElement result)
    {
        var fields = new BucketFields();
        try
        {
            fields.Add("", result);
        }
        catch (InvalidOperationException)
        {
            fields.Refuse("contains text that is not Unicode");
        }

        return fields;
    }

    public static BucketFields Of(IReadOnlyList<string> names, IReadOnlyList<string> cells)
    {
        var fields = new BucketFields();
        if (cells.Count != names.Count)
        {
            fields.Refuse($"has {cells.Count} cells where the header has {names.Count}");
            return fields;
        }

        for (var i = 0; i < names.Count; i++)
        {
            if (cells[i].Trim() is { Length: > 0 } cell)
            {
                fields._values.TryAdd(names[i].Trim(), cell);
            }
        }

        return fields;
    }

    /// <summary>A count; 0 when it is missing.</summary>
    public long Count(string name)
    {
        // "3.0": reports that went through a table of floats.
        if (this[name] is not { } text)
        {
            return 0;
        }

        if (!TryNumber(text, out var number) || number != decimal.Truncate(number) || number > long.MaxValue)
        {
            Refuse($"\"{name}\" ('{text}') is not a whole number");
            return 0;
        }

        if (number < 0m)
        {
            Refuse($"\"{name}\" is negative ({text})");
            return 0;
        }

        return (long)number;
    }

    public decimal? Number(string name)
    {
        if (this[name] is not { } text)
        {
            return null;
        }

        if (!TryNumber(text, out var number))
        {
            Refuse($"\"{name}\" ('{text}') is not a number");
            return null;
        }

        return number;
    }

    /// <summary>A time: seconds since 1970, or as text.</summary>
    public DateTimeOffset Time(string name)
    {
        var text = this[name];
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 253_402_300_800)
        {
            return DateTimeOffset.FromUnixTimeSeconds(seconds);
        }

        if (text is null || !Instants.TryParse(text, out var time))
        {
            Refuse(text is null ? $"has no \"{name}\"" : $"\"{name}\" ('{text}') is not a time");
            return default;
        }

        return time;
    }

    public void Refuse(string wrong) => Wrong ??= wrong;

    private static bool TryNumber(string text, out decimal number) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number);

    private void Add(string prefix, JsonElement value)
    {
        foreach (var field in value.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Object)
            {
                Add($"{prefix}{field.Name}.", field.Value);
            }
            else if (field.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Array))
            {
                _values.TryAdd(prefix + field.Name, field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText());
            }
        }
    }
}
