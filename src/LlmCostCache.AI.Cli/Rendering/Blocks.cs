using Spectre.Console;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Bars and lines made of block characters, for a terminal; where it cannot show them, of plain ones.</summary>
internal sealed class Blocks(IAnsiConsole console)
{
    private const string Eighths = " ▏▎▍▌▋▊▉█";
    private const string Levels = "▁▂▃▄▅▆▇█";
    private const string PlainLevels = ".:-=+*#@";

    private bool IsPlain => !console.Profile.Capabilities.Unicode;

    /// <summary>A share of the width; what is there but too small to see is a sliver.</summary>
    public string Bar(decimal share, int width)
    {
        share = Math.Clamp(share, 0, 1);
        if (IsPlain)
        {
            return new string('#', (int)decimal.Ceiling(share * width));
        }

        var eighths = (int)decimal.Ceiling(share * width * 8);
        return new string('█', eighths / 8) + (eighths % 8 == 0 ? "" : Eighths[eighths % 8].ToString());
    }

    /// <summary>A share with what is left of the whole.</summary>
    public string Gauge(decimal share, int width)
    {
        var full = (int)decimal.Floor(Math.Clamp(share, 0, 1) * width);
        return new string(IsPlain ? '#' : '█', full) + new string(IsPlain ? '.' : '░', width - full);
    }

    /// <summary>A character for each number, its height that of the number; a blank for nothing.</summary>
    public string Line(IReadOnlyList<decimal> numbers)
    {
        var most = numbers.Count == 0 ? 0 : numbers.Max();
        var levels = IsPlain ? PlainLevels : Levels;
        return string.Concat(numbers.Select(number => number <= 0 || most <= 0 ? ' ' : levels[(int)Math.Min(levels.Length - 1, decimal.Floor(number / most * levels.Length))]));
    }
}
