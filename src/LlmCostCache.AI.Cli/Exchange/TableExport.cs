using System.Buffers;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Writes rows of any kind as CSV or parquet, in constant memory.</summary>
internal static class TableExport
{
    private const int ChunkBytes = 64 * 1024;

    /// <param name="rows">The rows.</param>
    /// <param name="write">Writes the fields of one, always the same in the same order.</param>
    /// <param name="sample">A row for the names of the fields.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>How many rows were written.</returns>
    public static async Task<long> WriteCsvAsync<T>(IAsyncEnumerable<T> rows, Action<ExportLine, T> write, T sample, Stream destination, CancellationToken cancellationToken)
    {
        var chunk = new ArrayBufferWriter<byte>(ChunkBytes + 4096);
        using var line = new CsvExportLine(chunk);
        line.Header(() => write(line, sample));
        var count = 0L;
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            write(line, row);
            line.End();
            count++;
            if (chunk.WrittenCount >= ChunkBytes)
            {
                await destination.WriteAsync(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
                chunk.ResetWrittenCount();
            }
        }

        await destination.WriteAsync(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
        return count;
    }

    /// <inheritdoc cref="WriteCsvAsync"/>
    /// <param name="asText">Decimals that are written as text.</param>
    public static async Task<long> WriteParquetAsync<T>(
        IAsyncEnumerable<T> rows, Action<ExportLine, T> write, T sample, IReadOnlySet<string> asText, Stream destination, CancellationToken cancellationToken)
    {
        using var line = new ParquetLine(asText);
        line.Header(() => write(line, sample));
        var count = 0L;
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            write(line, row);
            line.End();
            count++;
            if (line.Waiting == ParquetLine.GroupRows)
            {
                await line.FlushAsync(destination, cancellationToken).ConfigureAwait(false);
            }
        }

        await line.FinishAsync(destination, cancellationToken).ConfigureAwait(false);
        return count;
    }
}
