using System.IO.Compression;
using System.Runtime.CompilerServices;
using LlmCostCache.AI.Cli.Estimates;
using LlmCostCache.AI.Cli.Exchange;
using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Traces;

/// <summary>A trace in a file: JSON Lines or CSV, packed with gzip or not. What it is shows in how it begins.</summary>
internal sealed class TraceFile : IAsyncDisposable
{
    private const int HeadBytes = 1 << 12;

    private readonly Stream _stream;
    private readonly bool _isJson;

    private TraceFile(string path, Stream stream, bool isJson) => (Path, _stream, _isJson) = (path, stream, isJson);

    public string Path { get; }

    /// <param name="path">The file; - is standard input.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static async Task<TraceFile> OpenAsync(string path, Stream input, CancellationToken cancellationToken)
    {
        Stream? stream = null;
        try
        {
            stream = InputFile.Open(path, input);
            var (head, whole) = await PeekAsync(stream, cancellationToken).ConfigureAwait(false);
            if (head.Span is [0x1F, 0x8B, ..])
            {
                (head, whole) = await PeekAsync(new GZipStream(whole, CompressionMode.Decompress), cancellationToken).ConfigureAwait(false);
            }

            var start = head.Span.IndexOfAnyExcept(" \t\r\n\uFEFF"u8);
            return new(path, whole, isJson: start < 0 || head.Span[start] == (byte)'{');
        }
        catch (Exception unreadable) when (unreadable is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            throw new UsageException($"{(path == "-" ? "standard input" : $"'{path}'")} cannot be read: {unreadable.Message}");
        }
    }

    public async IAsyncEnumerable<TraceRow> ReadAsync(TraceFields fields, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rows = (_isJson ? ReadJsonAsync(fields, cancellationToken) : ReadCsvAsync(fields, cancellationToken)).GetAsyncEnumerator(cancellationToken);
        await using (rows.ConfigureAwait(false))
        {
            while (await NextAsync(rows).ConfigureAwait(false))
            {
                yield return rows.Current;
            }
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<bool> NextAsync(IAsyncEnumerator<TraceRow> rows)
    {
        try
        {
            return await rows.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception unreadable) when (unreadable is IOException or InvalidDataException)
        {
            // Half a trace would make a figure that nobody can use.
            throw new UsageException($"'{Path}' cannot be read to its end: {unreadable.Message}");
        }
    }

    private async IAsyncEnumerable<TraceRow> ReadJsonAsync(TraceFields fields, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (lines, number) = (new LineReader(_stream), 0L);
        do
        {
            while (lines.TryTake(out var line, out var isTooLong))
            {
                number++;
                if (number == 1 && line.Span.StartsWith("\uFEFF"u8))
                {
                    line = line[3..];
                }

                if (isTooLong)
                {
                    yield return new(number, null, $"is longer than {LineReader.MaxLength} bytes");
                }
                else if (line.Span.IndexOfAnyExcept(" \t\r"u8) >= 0)
                {
                    yield return fields.ReadJson(line, number);
                }
            }
        }
        while (await lines.FillAsync(cancellationToken).ConfigureAwait(false));
    }

    private async IAsyncEnumerable<TraceRow> ReadCsvAsync(TraceFields fields, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<string>? names = null;
        using var csv = new CsvFile(_stream);
        await foreach (var (line, cells) in csv.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (cells is null)
            {
                yield return new(line, null, $"is longer than {CsvFile.MaxRecord} characters");
            }
            else if (names is null)
            {
                names = cells.Contains("input_tokens") && (cells.Contains("t_ms") || cells.Contains("at")) ? cells
                    : throw new UsageException($"'{Path}' is no trace: its first line names neither t_ms and input_tokens, as a trace of counts does, nor at and input_tokens, as an export does.");
            }
            else
            {
                yield return fields.ReadCsv(names, cells, line);
            }
        }
    }

    private static async Task<(ReadOnlyMemory<byte> Head, Stream Whole)> PeekAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[HeadBytes];
        var length = await stream.ReadAtLeastAsync(head, HeadBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return (head.AsMemory(0, length), new JoinedStream(head.AsMemory(0, length), stream));
    }
}
