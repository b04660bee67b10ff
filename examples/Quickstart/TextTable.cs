namespace Quickstart;

/// <summary>Prints rows in columns: the first to the left, the others to the right, a line above the total.</summary>
internal static class TextTable
{
    public static void Print(string[] headers, IReadOnlyList<string[]> rows, bool lastIsTotal)
    {
        var widths = headers.Select((header, column) => rows.Select(row => row[column].Length).Append(header.Length).Max()).ToArray();
        var rule = "  " + string.Join("  ", widths.Select(width => new string('-', width)));
        Print(headers, widths);
        Console.WriteLine(rule);
        for (var i = 0; i < rows.Count; i++)
        {
            if (lastIsTotal && i == rows.Count - 1)
            {
                Console.WriteLine(rule);
            }

            Print(rows[i], widths);
        }
    }

    private static void Print(string[] cells, int[] widths)
    {
        var padded = cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
        Console.WriteLine("  " + string.Join("  ", padded).TrimEnd());
    }
}
