using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>
/// Works out the sum that a case writes beside its expected cost, in decimals and by itself: <c>(86 * 0.15 + 300 * 0.60) / 1e6</c>.
/// A case whose sum and cost differ is wrong, whatever the library says.
/// </summary>
public static class Arithmetic
{
    /// <exception cref="FormatException">The text is not a sum.</exception>
    public static decimal Of(string text)
    {
        var position = 0;
        var value = Sum(text, ref position);
        return position == text.Length ? value : throw Unexpected(text, position);
    }

    private static decimal Sum(string text, ref int position)
    {
        var value = Product(text, ref position);
        while (Next(text, ref position) is '+' or '-')
        {
            var sign = text[position++];
            var term = Product(text, ref position);
            value += sign == '+' ? term : -term;
        }

        return value;
    }

    private static decimal Product(string text, ref int position)
    {
        var value = Factor(text, ref position);
        while (Next(text, ref position) is '*' or '/')
        {
            var sign = text[position++];
            var factor = Factor(text, ref position);
            value = sign == '*' ? value * factor : value / factor;
        }

        return value;
    }

    private static decimal Factor(string text, ref int position)
    {
        if (Next(text, ref position) == '(')
        {
            position++;
            var value = Sum(text, ref position);
            return Next(text, ref position) == ')' ? Passed(value, ref position) : throw Unexpected(text, position);
        }

        var start = position;
        while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] is '.' or 'e'))
        {
            position++;
        }

        return decimal.TryParse(text.AsSpan(start, position - start), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Unexpected(text, start);
    }

    private static decimal Passed(decimal value, ref int position)
    {
        position++;
        return value;
    }

    private static char Next(string text, ref int position)
    {
        while (position < text.Length && text[position] == ' ')
        {
            position++;
        }

        return position < text.Length ? text[position] : '\0';
    }

    private static FormatException Unexpected(string text, int position) => new($"'{text}' is not a sum at position {position}.");
}
