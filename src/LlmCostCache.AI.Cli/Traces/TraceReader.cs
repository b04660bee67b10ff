using System.Runtime.CompilerServices;
using LlmCostCache.AI.Cli.Exchange;

namespace LlmCostCache.AI.Cli.Traces;

/// <summary>Several traces as one, in the order of their times; each alone must be in that order already, as far as it matters.</summary>
internal sealed class TraceReader(IReadOnlyList<string> paths, Stream input, DateTimeOffset start, Func<string, long>? countTokens)
{
    private static readonly TimeSpan s_gap = TimeSpan.FromSeconds(1);

    /// <param name="times">How often the whole is replayed, each time behind the one before.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UsageException">A file cannot be read to its end.</exception>
    public async IAsyncEnumerable<TraceRow> ReadAsync(int times, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (times > 1 && paths.Contains("-"))
        {
            throw new UsageException("Standard input cannot be read twice; name the file to --repeat it.");
        }

        var (first, last, shift) = (DateTimeOffset.MaxValue, DateTimeOffset.MinValue, TimeSpan.Zero);
        for (var time = 0; time < times; time++)
        {
            await foreach (var row in ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (row.Call is not { } call)
                {
                    // It was named the first time.
                    if (time == 0)
                    {
                        yield return row;
                    }

                    continue;
                }

                if (time == 0)
                {
                    (first, last) = (call.At < first ? call.At : first, call.At > last ? call.At : last);
                }

                if (shift > DateTimeOffset.MaxValue - call.At || !RowReader.CanBe(call.At + shift))
                {
                    throw new UsageException($"--repeat {times} leads to calls after any day that can be counted; repeat it less often.");
                }

                yield return time == 0 ? row : row with { Call = call with { At = call.At + shift } };
            }

            if (last < first)
            {
                yield break;
            }

            shift += last - first + s_gap;
        }
    }

    private async IAsyncEnumerable<TraceRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var files = new List<TraceFile>();
        var readers = new List<IAsyncEnumerator<TraceRow>>();
        try
        {
            foreach (var path in paths)
            {
                files.Add(await TraceFile.OpenAsync(path, input, cancellationToken).ConfigureAwait(false));
            }

            var next = new PriorityQueue<int, (DateTimeOffset At, int File)>();
            for (var file = 0; file < files.Count; file++)
            {
                readers.Add(files[file].ReadAsync(new TraceFields(start, countTokens), cancellationToken).GetAsyncEnumerator(cancellationToken));
                await AdvanceAsync(file).ConfigureAwait(false);
            }

            while (next.TryDequeue(out var file, out _))
            {
                yield return readers[file].Current with { File = files.Count > 1 ? files[file].Path : null };
                await AdvanceAsync(file).ConfigureAwait(false);
            }

            async Task AdvanceAsync(int file)
            {
                if (await readers[file].MoveNextAsync().ConfigureAwait(false))
                {
                    // A line that is no request has no time; it comes as soon as it is met.
                    next.Enqueue(file, (readers[file].Current.Call?.At ?? DateTimeOffset.MinValue, file));
                }
            }
        }
        finally
        {
            foreach (var reader in readers)
            {
                await reader.DisposeAsync().ConfigureAwait(false);
            }

            foreach (var file in files)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
