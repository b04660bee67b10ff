using Spectre.Console;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>A table that leaves out its least important columns when the terminal is too narrow, instead of cutting numbers.</summary>
internal sealed class FittingTable
{
    private const int Gap = 2;

    private readonly List<(string Heading, bool IsNumber, int Importance)> _columns = [];
    private readonly List<string[]> _rows = [];

    /// <param name="heading">The heading.</param>
    /// <param name="importance">Columns of importance 0 always stay; of the others the highest number goes first.</param>
    public FittingTable Words(string heading, int importance = 0) => Add(heading, isNumber: false, importance);

    /// <inheritdoc cref="Words"/>
    public FittingTable Number(string heading, int importance = 0) => Add(heading, isNumber: true, importance);

    public void Row(params string[] cells) => _rows.Add([.. cells.Select(Shown.OneLine)]);

    public void WriteTo(IAnsiConsole console)
    {
        var kept = Enumerable.Range(0, _columns.Count).ToList();
        while (kept.Sum(Width) > console.Profile.Width && kept.Exists(column => _columns[column].Importance > 0))
        {
            kept.Remove(kept.MaxBy(column => _columns[column].Importance));
        }

        var table = Plain.Table();
        foreach (var column in kept)
        {
            table.AddColumn(_columns[column].IsNumber ? Plain.Number(_columns[column].Heading) : Plain.Words(_columns[column].Heading));
        }

        foreach (var row in _rows)
        {
            table.AddRow(kept.Select(column => Plain.Cell(row[column])));
        }

        console.Write(table);
    }

    private FittingTable Add(string heading, bool isNumber, int importance)
    {
        _columns.Add((heading, isNumber, importance));
        return this;
    }

    private int Width(int column) => Gap + _rows.Select(row => row[column].Length).Append(_columns[column].Heading.Length).Max();
}
