using Spectre.Console;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Tables without lines: readable in a terminal, and cut apart by spaces in a pipe.</summary>
internal static class Plain
{
    public static Table Table() => new Table { Border = TableBorder.None, UseSafeBorder = true }.Collapse();

    /// <summary>A column of words.</summary>
    public static TableColumn Words(string heading) => new(Cell(heading)) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) };

    /// <summary>A column of numbers.</summary>
    public static TableColumn Number(string heading) => new(Cell(heading)) { Alignment = Justify.Right, NoWrap = true, Padding = new Padding(0, 0, 2, 0) };

    /// <summary>Text as it is: no markup, no escape sequences.</summary>
    public static Text Cell(string text, Style? style = null) => new(Shown.OneLine(text), style);
}
