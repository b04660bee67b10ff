using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Cli.Drawing;

/// <summary>Letters to draw with that the program brings along, so that a picture is the same on every machine. <c>eng/card-letters.py</c> wrote them.</summary>
internal sealed class Typeface
{
    private const float UnitsOfSize = 2_048;
    private const int Unknown = 0xFFFD;

    private readonly Dictionary<int, (float Width, string[] Outline)> _letters = [];

    private Typeface(string resource)
    {
        using var stream = typeof(Typeface).Assembly.GetManifestResourceStream($"LlmCostCache.AI.Cli.Drawing.{resource}")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
            {
                var words = line.Split(' ');
                _letters.Add(int.Parse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), (Number(words[1]), words[2..]));
            }
        }
    }

    /// <summary>Latin, Greek and Cyrillic.</summary>
    public static Typeface Regular() => new("letters.txt");

    /// <summary>What is in ASCII.</summary>
    public static Typeface Bold() => new("letters-bold.txt");

    /// <summary>The first character of a text that has no letter here; null when all have.</summary>
    public string? FirstUnknownIn(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!_letters.ContainsKey(rune.Value))
            {
                return rune.ToString();
            }
        }

        return null;
    }

    /// <summary>The outline of a line of text; a character without a letter is one that says so.</summary>
    /// <param name="text">The text.</param>
    /// <param name="x">Where it begins.</param>
    /// <param name="y">The line that it stands on.</param>
    /// <param name="size">The size of the letters, as a web page means it.</param>
    public Outline Outline(string text, float x, float y, float size)
    {
        var (outline, scale) = (new Outline(), size / UnitsOfSize);
        foreach (var rune in text.EnumerateRunes())
        {
            if (_letters.TryGetValue(rune.Value, out var letter) || _letters.TryGetValue(Unknown, out letter))
            {
                Add(outline, letter.Outline, x, y, scale);
                x += letter.Width * scale;
            }
        }

        return outline;
    }

    private static void Add(Outline outline, string[] words, float x, float y, float scale)
    {
        for (var i = 0; i < words.Length;)
        {
            switch (words[i])
            {
                case "M":
                    outline.Begin(X(i + 1), Y(i + 2));
                    i += 3;
                    break;
                case "L":
                    outline.Line(X(i + 1), Y(i + 2));
                    i += 3;
                    break;
                case "Q":
                    outline.Curve(X(i + 1), Y(i + 2), X(i + 3), Y(i + 4));
                    i += 5;
                    break;
                default:
                    throw new InvalidDataException($"'{words[i]}' is no part of an outline.");
            }
        }

        outline.Close();

        float X(int word) => x + (Number(words[word]) * scale);

        float Y(int word) => y - (Number(words[word]) * scale);
    }

    private static float Number(string text) => float.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
}
