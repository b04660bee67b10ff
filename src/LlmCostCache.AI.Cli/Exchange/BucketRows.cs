using System.Runtime.CompilerServices;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Reads a provider's report: one page of the API, several in an array or one after the other, or a CSV file.</summary>
internal static class BucketRows
{
    private const long MaxDocument = 256 << 20;

    private static readonly JsonReaderOptions s_reading = new() { AllowMultipleValues = true, MaxDepth = 32 };

    public static async IAsyncEnumerable<SourceRow> ReadJsonAsync(Stream input, IBucketReport report, DateTimeOffset now, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        await CopyAsync(input, bytes, cancellationToken).ConfigureAwait(false);
        var (number, page) = (0L, 0);
        foreach (var document in Documents(bytes.GetBuffer().AsMemory(0, (int)bytes.Length)))
        {
            using (document)
            {
                foreach (var root in document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.EnumerateArray().ToArray() : [document.RootElement])
                {
                    var name = page++ == 0 ? "data" : $"page {page}: data";
                    foreach (var row in Page(root, name, report, now, number))
                    {
                        number++;
                        yield return row;
                    }
                }
            }
        }
    }

    public static async IAsyncEnumerable<SourceRow> ReadCsvAsync(Stream input, IBucketReport report, DateTimeOffset now, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<string>? names = null;
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
                var fields = BucketFields.Of(names, cells);
                var (startsAt, endsAt) = (default(DateTimeOffset), default(DateTimeOffset));
                if (fields.Wrong is null)
                {
                    // Lines of the console's files are about a day.
                    (startsAt, endsAt) = fields["usage_date_utc"] is not null ? Day(fields.Time("usage_date_utc")) : (fields.Time(report.Times.Start), fields.Time(report.Times.End));
                }

                if (Row(fields, startsAt, endsAt, line, null, report, now) is { } row)
                {
                    yield return row;
                }
            }
        }
    }

    private static IEnumerable<SourceRow> Page(JsonElement root, string name, IBucketReport report, DateTimeOffset now, long number)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
        {
            yield return new SourceRow(number + 1) { Place = name, Wrong = "is no page of a report: it has no \"data\"" };
            yield break;
        }

        var index = 0;
        foreach (var bucket in data.EnumerateArray())
        {
            var place = $"{name}[{index++}]";
            if (bucket.ValueKind != JsonValueKind.Object || !bucket.TryGetProperty("results", out var results) || results.ValueKind != JsonValueKind.Array)
            {
                yield return new SourceRow(++number) { Place = place, Wrong = "is no bucket: it has no \"results\"" };
                continue;
            }

            var span = BucketFields.Of(bucket);
            var (startsAt, endsAt) = (span.Time(report.Times.Start), span.Time(report.Times.End));
            var position = 0;
            foreach (var result in results.EnumerateArray())
            {
                var at = $"{place}.results[{position++}]";
                if (span.Wrong is not null || result.ValueKind != JsonValueKind.Object)
                {
                    yield return new SourceRow(++number) { Place = at, Wrong = span.Wrong ?? "is not a JSON object" };
                }
                else if (Row(BucketFields.Of(result), startsAt, endsAt, number + 1, at, report, now) is { } row)
                {
                    number++;
                    yield return row;
                }
            }
        }
    }

    private static SourceRow? Row(BucketFields fields, DateTimeOffset startsAt, DateTimeOffset endsAt, long line, string? place, IBucketReport report, DateTimeOffset now)
    {
        var bucket = fields.Wrong is null ? report.Read(fields, startsAt, endsAt) : null;
        return fields.Wrong is { } wrong ? new SourceRow(line) { Place = place, Wrong = wrong }
            : endsAt <= startsAt ? new SourceRow(line) { Place = place, Wrong = "ends before it starts" }
            : bucket?.ToRow(line, place, now);
    }

    private static (DateTimeOffset StartsAt, DateTimeOffset EndsAt) Day(DateTimeOffset day) => (day, day < DateTimeOffset.MaxValue.AddDays(-1) ? day.AddDays(1) : DateTimeOffset.MaxValue);

    private static IEnumerable<JsonDocument> Documents(ReadOnlyMemory<byte> bytes)
    {
        bytes = bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        while (!bytes.IsEmpty && bytes.Span.IndexOfAnyExcept(" \t\r\n"u8) is >= 0 and var start)
        {
            bytes = bytes[start..];
            var (document, read) = ParseFirst(bytes);
            yield return document;
            bytes = bytes[read..];
        }
    }

    private static (JsonDocument Document, int Length) ParseFirst(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes.Span, s_reading);
            return (JsonDocument.ParseValue(ref reader), (int)reader.BytesConsumed);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"it is not JSON (line {error.LineNumber + 1})", error);
        }
    }

    private static async Task CopyAsync(Stream input, MemoryStream bytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 16];
        int read;
        while ((read = await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (bytes.Length + read > MaxDocument)
            {
                throw new InvalidDataException($"a page of a report has at most {MaxDocument >> 20} MB; ask the provider for shorter spans");
            }

            bytes.Write(buffer, 0, read);
        }
    }
}
