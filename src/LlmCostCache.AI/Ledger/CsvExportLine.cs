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

    public override void Tags(string name, ImmutableArray<string> tags) => Cell(name, Harmless(string.Join(';', tags)));

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

    /// <summary>A spreadsheet runs a cell that begins like a formula; user names and tags come from outside.</summary>
    private static string? Harmless(string? value) => value is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" + value : value;

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
