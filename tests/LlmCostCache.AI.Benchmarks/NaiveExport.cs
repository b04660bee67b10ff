using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A ledger as CSV the way one writes it by hand: a reader of Microsoft.Data.Sqlite and a StreamWriter. What became known of calls later is not in it, nor is a cell that a spreadsheet would run made safe.</summary>
internal static class NaiveExport
{
    public const string Verb = "--naive-export";

    private const string Kept = "list";

    /// <summary>What a child does.</summary>
    /// <param name="ledger">The file of the ledger.</param>
    /// <param name="file">Where to.</param>
    /// <param name="keepsAll">Whether all rows are read before the first is written.</param>
    public static string[] Arguments(string ledger, string file, bool keepsAll) => [Verb, ledger, file, keepsAll ? Kept : "loop"];

    public static int Run(string ledger, string file, string kind)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = ledger, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT * FROM entry WHERE kind = 'call' ORDER BY seq";
        using var reader = select.ExecuteReader();
        using var writer = new StreamWriter(file);
        writer.WriteLine(string.Join(',', Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)));
        var rows = kind == Kept ? Rows(reader).ToList() : Rows(reader);
        foreach (var row in rows)
        {
            writer.WriteLine(string.Join(',', row.Select(Cell)));
        }

        return 0;
    }

    private static IEnumerable<object[]> Rows(SqliteDataReader reader)
    {
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            yield return row;
        }
    }

    private static string Cell(object value)
    {
        var text = value is byte[] bytes ? Convert.ToHexString(bytes) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
