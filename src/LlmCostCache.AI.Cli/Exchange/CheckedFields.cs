using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>The fields of a row as what they should be: counts, amounts, times. The first that is something else is what is wrong with the row.</summary>
internal sealed class CheckedFields(RowFields fields)
{
    private const int MaxText = 4_096;

    /// <summary>What is wrong with the row; null as long as nothing is.</summary>
    public string? Wrong { get; private set; }

    public void Refuse(string wrong) => Wrong ??= wrong;

    public ImmutableArray<string> Tags => fields.Tags ?? [];

    /// <summary>Whether the row has the field at all, also when it says nothing.</summary>
    public bool Has(string name) => fields.Values.ContainsKey(name);

    /// <summary>A count that is written wrong would be a cost that is too low, so a name that nobody knows is refused as soon as it says something.</summary>
    public void RefuseUnknown()
    {
        foreach (var (name, value) in fields.Values)
        {
            if (!RowVocabulary.Knows(name) && value is not (null or "" or "0" or "false"))
            {
                Refuse($"has the field \"{Short(name)}\", which this version does not know");
            }

            if (value?.Length > MaxText)
            {
                Refuse($"has a text of {value.Length} characters in \"{Short(name)}\"; {MaxText} are the most");
            }
        }
    }

    public DateOnly? Day(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (!Instants.TryParseDay(text, out var day))
        {
            Refuse($"\"{name}\" is not a day like 2026-08-20");
        }

        return day;
    }

    public bool Flag(string name)
    {
        var text = Text(name);
        if (text is not (null or "true" or "false"))
        {
            Refuse($"\"{name}\" is neither true nor false");
        }

        return text == "true";
    }

    /// <summary>What one of the given words stands for.</summary>
    public T Word<T>(FrozenDictionary<string, T> words, string name, T otherwise)
    {
        if (Text(name) is not { } text)
        {
            return otherwise;
        }

        if (!words.TryGetValue(text, out var value))
        {
            Refuse($"\"{name}\" is '{Short(text)}' and not one of {string.Join(", ", words.Keys.Order(StringComparer.Ordinal))}");
        }

        return value!;
    }

    /// <summary>A whole number that is not negative.</summary>
    public long? Count(string name)
    {
        var count = Whole(name);
        if (count < 0)
        {
            Refuse($"\"{name}\" is negative ({count})");
        }

        return count;
    }

    public long? Whole(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        Refuse($"\"{name}\" ('{Short(text)}') is not a whole number, or too large");
        return null;
    }

    /// <summary>A number of something, in as many parts of it as are counted; a part that was begun counts.</summary>
    public long? Parts(string name, long parts)
    {
        var number = Decimal(name);
        if (number is < 0m or > 1_000_000_000m)
        {
            Refuse($"\"{name}\" is negative or too large");
        }

        return Wrong is null && number is { } value ? (long)decimal.Ceiling(value * parts) : null;
    }

    public TimeSpan? Milliseconds(string name)
    {
        var number = Decimal(name);
        if (number is < 0m or > 1_000_000_000_000m)
        {
            Refuse(number < 0m ? $"\"{name}\" is negative" : $"\"{name}\" is too large");
            return null;
        }

        return number is { } value ? TimeSpan.FromTicks((long)decimal.Floor(value) * TimeSpan.TicksPerMillisecond) : null;
    }

    public decimal? Decimal(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        Refuse($"\"{name}\" ('{Short(text)}') is not a number, or too large");
        return null;
    }

    /// <summary>The text of a field, under our name for it or that of other programs.</summary>
    public string? Text(string name) => fields[name] ?? (RowVocabulary.AliasOf(name) is { } alias ? fields[alias] : null);

    /// <summary>Whether only the name that other programs use says something.</summary>
    public bool IsByAlias(string name) => fields[name] is null && Text(name) is not null;

    /// <summary>As much of a text as fits into a sentence about it.</summary>
    public static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
