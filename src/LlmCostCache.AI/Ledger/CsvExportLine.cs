using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace LlmCostCache.AI;

internal sealed class CsvExportLine(IBufferWriter<byte> output) : ExportLine
{
    private static readonly SearchValues<char> s_quoted = SearchValues.Create(",\"\r\n");

    private bool _first = true;
    private bool _names;

    public override void Text(string name, string? value) => Cell(name, Harmless(value));

    public override void Number(string name, long? value) => Cell(name, value?.ToString(CultureInfo.InvariantCulture));

    public override void Decimal(string name, decimal? value) => Cell(name, value?.ToString(CultureInfo.InvariantCulture));

    public override void Flag(string name, bool value) => Cell(name, value ? "true" : "false");

    /// <summary>Between semicolons; one inside a tag has a backslash before it, and so has a backslash.</summary>
    public override void Tags(string name, ImmutableArray<string> tags) => Cell(name, Harmless(string.Join(';', tags.Select(
        static tag => tag.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(";", "\\;", StringComparison.Ordinal)))));

    public override void End()
    {
        output.Write("\r\n"u8);
        _first = true;
    }

    public override void Header(Action row)
    {
        _names = true;
        row();
        End();
        _names = false;
    }

    public override void Dispose()
    {
    }

    /// <summary>
    /// A spreadsheet runs a cell that begins like a formula; user names and tags come from outside. An apostrophe before it makes it text. A text that begins with apostrophes
    /// before such a sign gets one more, so that reading takes away exactly what writing put there.
    /// </summary>
    internal static string? Harmless(string? value) => IsFormula(value) ? "'" + value : value;

    /// <summary>The text that <see cref="Harmless"/> was given.</summary>
    internal static string? Original(string? cell) => cell is ['\'', ..] && IsFormula(cell) ? cell[1..] : cell;

    // The wide signs are what a spreadsheet of an East Asian locale reads as the narrow ones.
    private static bool IsFormula(string? value) =>
        value.AsSpan().TrimStart('\'') is ['=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '\uFF1D' or '\uFF0B' or '\uFF0D' or '\uFF20', ..];

    private void Cell(string name, string? value)
    {
        if (!_first)
        {
            output.Write(","u8);
        }

        _first = false;
        var text = _names ? name : value ?? "";
        Encoding.UTF8.GetBytes(text.AsSpan().ContainsAny(s_quoted) ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text, output);
    }
}
