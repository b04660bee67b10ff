namespace StockCacheExample;

/// <summary>Prints rows in columns, the headers above a line.</summary>
internal static class TextTable
{
    public static void Print(string[] headers, IReadOnlyList<string[]> rows)
    {
        var widths = headers.Select((header, column) => rows.Select(row => row[column].Length).Append(header.Length).Max()).ToArray();
        Line(headers, widths);
        Console.WriteLine(string.Join("  ", widths.Select(width => new string('-', width))));
        foreach (var row in rows)
        {
            Line(row, widths);
        }
    }

    private static void Line(string[] cells, int[] widths) =>
        Console.WriteLine(string.Join("  ", cells.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
}
