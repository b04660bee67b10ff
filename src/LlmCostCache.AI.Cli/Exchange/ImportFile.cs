using System.Text;
using LlmCostCache.AI.Cli.Estimates;
using LlmCostCache.AI.Cli.Rendering;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>A file to import: what it is shows in how it begins.</summary>
internal sealed class ImportFile : IAsyncDisposable
{
    private const int HeadBytes = 1 << 16;

    private readonly Stream _stream;
    private readonly string _form;

    private ImportFile(string path, Stream stream, string source, string form) => (Path, _stream, Source, _form) = (path, stream, source, form);

    public string Path { get; }

    /// <summary>Whose rows these are: a word of <see cref="ExchangeFormat"/>.</summary>
    public string Source { get; }

    /// <param name="path">The file; - is standard input.</param>
    /// <param name="from">Whose it is, or <see cref="ExchangeFormat.Auto"/>.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UsageException">It cannot be read, or is nothing that can be imported.</exception>
    public static async Task<ImportFile> OpenAsync(string path, string from, Stream input, CancellationToken cancellationToken)
    {
        var name = path == "-" ? "standard input" : $"'{path}'";
        try
        {
            var stream = InputFile.Open(path, input);
            var head = new byte[HeadBytes];
            var length = await stream.ReadAtLeastAsync(head, HeadBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            var start = head.AsMemory(0, length);
            var (source, form) = Recognise(path, name, from, start.Span);
            return new ImportFile(path, new JoinedStream(start, stream), source, form);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"{name} cannot be read: {unreadable.Message}");
        }
    }

    public IAsyncEnumerable<SourceRow> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        IBucketReport? report = Source switch
        {
            ExchangeFormat.OpenAI => new OpenAIReport(),
            ExchangeFormat.Anthropic => new AnthropicReport(),
            _ => null,
        };
        return (_form, report) switch
        {
            ("sqlite", _) => TokenkeeperRows.Read(Path).ToAsyncEnumerable(),
            ("parquet", _) => ParquetRows.ReadAsync(Path, new RowReader(null), cancellationToken),
            ("csv", { } theirs) => BucketRows.ReadCsvAsync(_stream, theirs, now, cancellationToken),
            ("csv", _) => OwnRows.ReadCsvAsync(_stream, new RowReader(null), cancellationToken),
            (_, { } theirs) => BucketRows.ReadJsonAsync(_stream, theirs, now, cancellationToken),
            _ => OwnRows.ReadJsonAsync(_stream, new RowReader(null), cancellationToken),
        };
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static (string Source, string Form) Recognise(string path, string name, string from, ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("SQLite format 3\0"u8))
        {
            RefuseOther(from, ExchangeFormat.Tokenkeeper, "a SQLite database");
            return IsTokenkeeper(path, name) ? (ExchangeFormat.Tokenkeeper, "sqlite")
                : throw new UsageException($"{name} is a SQLite database without tokenkeeper's table of calls. A ledger of ours is taken over with 'llmcost merge'.");
        }

        if (head.StartsWith("PAR1"u8))
        {
            RefuseOther(from, ExchangeFormat.Own, "a parquet file");
            return path == "-" ? throw new UsageException("A parquet file is read from its end; name the file instead of standard input.") : (ExchangeFormat.Own, "parquet");
        }

        var text = Encoding.UTF8.GetString(head).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (text.Length == 0)
        {
            return (from == ExchangeFormat.Auto ? ExchangeFormat.Own : from, "json");
        }

        var isJson = text[0] is '{' or '[';
        var guess = isJson ? SourceOfJson(text) : SourceOfCsv(text.Split('\n', 2)[0]);
        if (from == ExchangeFormat.Tokenkeeper)
        {
            throw new UsageException($"{name} is no SQLite database, which tokenkeeper keeps its calls in.");
        }

        var source = from == ExchangeFormat.Auto ? guess : from;
        return source is not null
            ? (source, isJson ? "json" : "csv")
            : throw new UsageException($"{name} is nothing that can be imported as far as its beginning shows ('{Shown.OneLine(text[..Math.Min(text.Length, 60)])}'). Say what it is with --from.");
    }

    private static string SourceOfJson(string text) =>
        text.Contains("\"starting_at\"", StringComparison.Ordinal) && text.Contains("\"data\"", StringComparison.Ordinal) ? ExchangeFormat.Anthropic
        : text.Contains("\"organization.", StringComparison.Ordinal) || (text.Contains("\"bucket\"", StringComparison.Ordinal) && text.Contains("\"start_time\"", StringComparison.Ordinal)) ? ExchangeFormat.OpenAI
        : ExchangeFormat.Own;

    private static string? SourceOfCsv(string header)
    {
        var names = header.Split(',').Select(static name => name.Trim().Trim('"')).ToHashSet(StringComparer.Ordinal);
        return names.Contains("usage_date_utc") ? ExchangeFormat.Anthropic
            : names.Contains("start_time") && names.Contains("end_time") ? ExchangeFormat.OpenAI
            : names.Contains("id") && names.Contains("at") && names.Contains("input_tokens") ? ExchangeFormat.Own
            : null;
    }

    private static bool IsTokenkeeper(string path, string name)
    {
        if (path == "-")
        {
            throw new UsageException("A database is not read from standard input; name the file.");
        }

        try
        {
            return TokenkeeperRows.IsOne(path);
        }
        catch (SqliteException error)
        {
            throw new UsageException($"{name} cannot be read: {error.Message}");
        }
    }

    private static void RefuseOther(string from, string source, string what)
    {
        if (from != ExchangeFormat.Auto && from != source)
        {
            throw new UsageException($"--from {from} does not fit: the file is {what}.");
        }
    }
}
