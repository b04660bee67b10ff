using System.Buffers;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary><c>llmcost price --jsonl</c>: a line in, a line out, in order, in constant memory.</summary>
/// <param name="prices">The prices.</param>
/// <param name="time">The clock for lines that name no time.</param>
/// <param name="asOf">The time of lines that name none; null is now.</param>
/// <param name="knownAt">When the prices of lines that do not say so must have been known; null is now.</param>
internal sealed class PriceLines(PriceBook prices, TimeProvider time, DateTimeOffset? asOf = null, DateTimeOffset? knownAt = null)
{
    private const int FlushAbove = 1 << 16;

    private readonly ArrayBufferWriter<byte> _answers = new(2 * FlushAbove);
    private long _number;
    private bool _allAnswered = true;

    /// <returns>Whether every line was a question; prices that are not known are answers too.</returns>
    public async Task<bool> RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var lines = new LineReader(input);
        using var json = new Utf8JsonWriter(_answers, new JsonWriterOptions { Encoder = JsonOutput.Encoder, SkipValidation = true });
        do
        {
            while (lines.TryTake(out var line, out var isTooLong))
            {
                Answer(line, isTooLong, json);
                if (_answers.WrittenCount > FlushAbove)
                {
                    await FlushAsync(output, cancellationToken).ConfigureAwait(false);
                }
            }

            // Whoever writes one line and waits gets the answer before we wait for the next.
            await FlushAsync(output, cancellationToken).ConfigureAwait(false);
        }
        while (await FillAsync(lines, cancellationToken).ConfigureAwait(false));
        return _allAnswered;
    }

    private static async ValueTask<bool> FillAsync(LineReader lines, CancellationToken cancellationToken)
    {
        try
        {
            return await lines.FillAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException unreadable)
        {
            throw new UsageException($"standard input cannot be read to its end: {unreadable.Message}");
        }
    }

    private void Answer(ReadOnlyMemory<byte> bytes, bool isTooLong, Utf8JsonWriter json)
    {
        _number++;
        bytes = _number == 1 && bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        if (!isTooLong && bytes.Span.IndexOfAnyExcept(" \t\r"u8) < 0)
        {
            return;
        }

        var line = isTooLong ? PriceLine.Wrong($"is longer than {LineReader.MaxLength} bytes") : PriceLine.Read(bytes, asOf ?? time.GetUtcNow(), knownAt);
        json.Reset();
        json.WriteStartObject();
        json.WritePropertyName("id"u8);
        json.WriteRawValue(line.RawId ?? "null"u8, skipInputValidation: true);
        if (line.Query is { } query)
        {
            PriceAnswer.WriteFields(json, prices.Price(query), line.IsClamped, line.UnknownCounts);
        }
        else
        {
            _allAnswered = false;
            json.WriteString("error"u8, string.Create(CultureInfo.InvariantCulture, $"line {_number}: {line.Error}"));
        }

        json.WriteEndObject();
        json.Flush();
        _answers.Write("\n"u8);
    }

    private async ValueTask FlushAsync(Stream output, CancellationToken cancellationToken)
    {
        if (_answers.WrittenCount > 0)
        {
            await output.WriteAsync(_answers.WrittenMemory, cancellationToken).ConfigureAwait(false);
            await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            _answers.ResetWrittenCount();
        }
    }
}
