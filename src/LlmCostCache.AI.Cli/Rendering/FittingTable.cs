using Spectre.Console;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>A table that leaves out its least important columns when the terminal is too narrow, instead of cutting numbers.</summary>
internal sealed class FittingTable
{
    private const int Gap = 2;

    /// <summary>Less than that of a line cannot be read.</summary>
    private const int LeastWords = 8;

    private readonly List<(string Heading, bool IsNumber, bool MayBreak, int Importance, Func<int, Style?>? StyleOf)> _columns = [];
    private readonly List<(string[] Cells, Style? Style)> _rows = [];

    /// <summary>Columns that are less important than this are left out in a wide terminal too.</summary>
    public int LeastImportance { get; init; } = int.MaxValue;

    /// <param name="heading">The heading.</param>
    /// <param name="importance">Columns of importance 0 always stay; of the others the highest number goes first.</param>
    public FittingTable Words(string heading, int importance = 0) => Add(heading, isNumber: false, mayBreak: true, importance);

    /// <summary>Words that stay in one line, such as a time.</summary>
    public FittingTable Whole(string heading, int importance = 0) => Add(heading, isNumber: false, mayBreak: false, importance);

    /// <inheritdoc cref="Words"/>
    public FittingTable Number(string heading, int importance = 0) => Add(heading, isNumber: true, mayBreak: false, importance);

    /// <summary>A bar or the like, coloured by its row.</summary>
    public FittingTable Bars(string heading, int importance, Func<int, Style?> styleOf) => Add(heading, isNumber: false, mayBreak: false, importance, styleOf);

    public void Row(params string[] cells) => StyledRow(null, cells);

    /// <summary>A row that stands out, or steps back, where the terminal has colours.</summary>
    public void StyledRow(Style? style, params string[] cells) => _rows.Add(([.. cells.Select(Shown.OneLine)], style));

    public void WriteTo(IAnsiConsole console)
    {
        var screen = console.Profile.Width;
        var table = Fitted(screen, out var width);
        if (width <= screen)
        {
            console.Write(table);
            return;
        }

        try
        {
            // Numbers alone are too wide. The terminal goes on in its next line; the table would take a digit from each.
            console.Profile.Width = width;
            console.Write(table);
        }
        finally
        {
            console.Profile.Width = screen;
        }
    }

    /// <summary>The table for a screen of this width.</summary>
    /// <param name="screen">How many columns the screen has.</param>
    /// <param name="width">How many the table needs; more where its numbers alone are too wide.</param>
    public Table Fitted(int screen, out int width)
    {
        int[] widths = [.. Enumerable.Range(0, _columns.Count).Select(Width)];

        // A column in which nothing stands says nothing.
        var kept = Enumerable.Range(0, _columns.Count).Where(column => _columns[column].Importance == 0
            || (_columns[column].Importance <= LeastImportance && _rows.Exists(row => row.Cells[column].Length > 0))).ToList();
        while (kept.Sum(column => widths[column]) > screen && kept.Exists(column => _columns[column].Importance > 0))
        {
            kept.Remove(kept.MaxBy(column => _columns[column].Importance));
        }

        var broken = Break(kept, widths, screen);
        var table = Plain.Table();
        foreach (var column in kept)
        {
            var shown = _columns[column].IsNumber ? Plain.Number(_columns[column].Heading) : Plain.Words(_columns[column].Heading);
            if (broken.Contains(column))
            {
                (shown.NoWrap, shown.Width) = (false, widths[column] - Gap);
            }

            table.AddColumn(shown);
        }

        for (var index = 0; index < _rows.Count; index++)
        {
            var ((cells, style), at) = (_rows[index], index);
            table.AddRow(kept.Select(column => Plain.Cell(cells[column], _columns[column].StyleOf?.Invoke(at) ?? style)));
        }

        width = kept.Sum(column => widths[column]);
        return table;
    }

    /// <summary>What is too wide breaks in its words, the widest first: half a number is another number.</summary>
    private HashSet<int> Break(List<int> kept, int[] widths, int screen)
    {
        var broken = new HashSet<int>();
        for (var excess = kept.Sum(column => widths[column]) - screen; excess > 0;)
        {
            var words = kept.Where(column => _columns[column].MayBreak && widths[column] > LeastWords + Gap).OrderByDescending(column => widths[column]).ToList();
            if (words.Count == 0)
            {
                break;
            }

            // Down to the next widest, and one more when they are alike.
            var next = words.Count > 1 ? Math.Min(widths[words[1]], widths[words[0]] - 1) : 0;
            var cut = Math.Min(excess, widths[words[0]] - Math.Max(LeastWords + Gap, next));
            widths[words[0]] -= cut;
            excess -= cut;
            broken.Add(words[0]);
        }

        return broken;
    }

    private FittingTable Add(string heading, bool isNumber, bool mayBreak, int importance, Func<int, Style?>? styleOf = null)
    {
        _columns.Add((heading, isNumber, mayBreak, importance, styleOf));
        return this;
    }

    private int Width(int column) => Gap + _rows.Select(row => row.Cells[column].GetCellWidth()).Append(_columns[column].Heading.Length).Max();
}
