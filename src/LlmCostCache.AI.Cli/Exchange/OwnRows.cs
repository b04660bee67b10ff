using System.Runtime.CompilerServices;
using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Our own exports, and whatever else has their field names: JSON Lines and CSV.</summary>
internal static class OwnRows
{
    public static async IAsyncEnumerable<SourceRow> ReadJsonAsync(Stream input, RowReader reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (lines, fields, number) = (new LineReader(input), new RowFields(), 0L);
        do
        {
            while (lines.TryTake(out var line, out var isTooLong))
            {
                number++;
                if (isTooLong)
                {
                    yield return new SourceRow(number) { Wrong = $"is longer than {LineReader.MaxLength} bytes" };
                }
                else if (Trimmed(line, number) is { IsEmpty: false } json)
                {
                    yield return fields.ReadJson(json) is { } wrong ? new SourceRow(number) { Wrong = wrong } : reader.Read(fields, number);
                }
            }
        }
        while (await lines.FillAsync(cancellationToken).ConfigureAwait(false));
    }

    public static async IAsyncEnumerable<SourceRow> ReadCsvAsync(Stream input, RowReader reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<string>? names = null;
        var fields = new RowFields();
        using var csv = new CsvFile(input);
        await foreach (var (line, cells) in csv.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (cells is null)
            {
                yield return new SourceRow(line) { Wrong = $"is longer than {CsvFile.MaxRecord} characters" };
            }
            else if (names is null)
            {
                names = cells;
            }
            else
            {
                yield return fields.ReadCsv(names, cells) is { } wrong ? new SourceRow(line) { Wrong = wrong } : reader.Read(fields, line);
            }
        }
    }

    private static ReadOnlyMemory<byte> Trimmed(ReadOnlyMemory<byte> line, long number)
    {
        if (number == 1 && line.Span.StartsWith("\uFEFF"u8))
        {
            line = line[3..];
        }

        var span = line.Span;
        var start = span.IndexOfAnyExcept(" \t\r"u8);
        return start < 0 ? default : line[start..(span.LastIndexOfAnyExcept(" \t\r"u8) + 1)];
    }
}
