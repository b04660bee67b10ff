using Spectre.Console;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>A table that leaves out its least important columns when the terminal is too narrow, instead of cutting numbers.</summary>
internal sealed class FittingTable
{
    private const int Gap = 2;

    /// <summary>Less than that of a line cannot be read.</summary>
    private const int LeastWords = 8;

    private readonly List<(string Heading, bool IsNumber, bool MayBreak, int Importance)> _columns = [];
    private readonly List<string[]> _rows = [];

    /// <param name="heading">The heading.</param>
    /// <param name="importance">Columns of importance 0 always stay; of the others the highest number goes first.</param>
    public FittingTable Words(string heading, int importance = 0) => Add(heading, isNumber: false, mayBreak: true, importance);

    /// <summary>Words that stay in one line, such as a time.</summary>
    public FittingTable Whole(string heading, int importance = 0) => Add(heading, isNumber: false, mayBreak: false, importance);

    /// <inheritdoc cref="Words"/>
    public FittingTable Number(string heading, int importance = 0) => Add(heading, isNumber: true, mayBreak: false, importance);

    public void Row(params string[] cells) => _rows.Add([.. cells.Select(Shown.OneLine)]);

    public void WriteTo(IAnsiConsole console)
    {
        // A column in which nothing stands says nothing.
        var kept = Enumerable.Range(0, _columns.Count).Where(column => _columns[column].Importance == 0 || _rows.Exists(row => row[column].Length > 0)).ToList();
        while (kept.Sum(Width) > console.Profile.Width && kept.Exists(column => _columns[column].Importance > 0))
        {
            kept.Remove(kept.MaxBy(column => _columns[column].Importance));
        }

        // What is still too wide breaks in its widest words: half a number is another number.
        var excess = kept.Sum(Width) - console.Profile.Width;
        var broken = excess > 0 ? kept.Where(column => _columns[column].MayBreak).Select(column => (int?)column).MaxBy(column => Width(column!.Value)) : null;
        var table = Plain.Table();
        foreach (var column in kept)
        {
            var shown = _columns[column].IsNumber ? Plain.Number(_columns[column].Heading) : Plain.Words(_columns[column].Heading);
            if (column == broken)
            {
                (shown.NoWrap, shown.Width) = (false, Math.Max(LeastWords, Width(column) - Gap - excess));
            }

            table.AddColumn(shown);
        }

        foreach (var row in _rows)
        {
            table.AddRow(kept.Select(column => Plain.Cell(row[column])));
        }

        console.Write(table);
    }

    private FittingTable Add(string heading, bool isNumber, bool mayBreak, int importance)
    {
        _columns.Add((heading, isNumber, mayBreak, importance));
        return this;
    }

    private int Width(int column) => Gap + _rows.Select(row => row[column].Length).Append(_columns[column].Heading.Length).Max();
}
