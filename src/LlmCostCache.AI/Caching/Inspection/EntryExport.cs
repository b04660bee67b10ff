using System.Buffers;

namespace LlmCostCache.AI;

/// <summary>Writes entries of <c>cache.db</c> as JSON lines, in constant memory however many there are.</summary>
internal sealed class EntryExport(CacheFile file, AnswerSeal seal, DateTimeOffset now)
{
    private const int LinesBetweenLooks = 1_000;

    /// <summary>Entries that were written.</summary>
    public long Written { get; private set; }

    /// <summary>Entries that had expired, or were invalidated and only still stand in the file, and were left out.</summary>
    public long Expired { get; private set; }

    /// <summary>Entries that would never be served and were left out.</summary>
    public long Bad { get; private set; }

    public Action<long> Progress { get; init; } = _ => { };

    /// <summary>Whether an answer was invalidated and only still stands in the file.</summary>
    public Func<StoredAnswer, bool> IsDead { get; init; } = static _ => false;

    /// <summary>Writes the lines; the stream stays open.</summary>
    public async Task WriteAsync(EntryFilter filter, Stream destination, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 16);
        EntryLine.WriteHeader(buffer, now);
        await destination.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        foreach (var row in file.Rows(filter, seal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (LineOf(row) is not { } line)
            {
                continue;
            }

            buffer.ResetWrittenCount();
            line.WriteTo(buffer);
            await destination.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
            if (++Written % LinesBetweenLooks == 0)
            {
                Progress(Written);
            }
        }

        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private EntryLine? LineOf(CacheRow row)
    {
        if (row.Entry is not { } entry || row.ReadFrame() is not { } frame)
        {
            Bad++;
            return null;
        }

        if (entry.IsExpired(now))
        {
            Expired++;
            return null;
        }

        // What was sealed with another key or secret may be good; whoever imports it has that, or not.
        var opened = AnswerFrame.TryDecode(entry.Key, frame, seal, out var answer);
        if (answer is null && !EntryFault.IsSomebodyElses(opened, frame, seal))
        {
            Bad++;
            return null;
        }

        if (answer is not null && IsDead(answer))
        {
            Expired++;
            return null;
        }

        return new()
        {
            Key = entry.Key,
            IsEmbedding = entry.IsEmbedding,
            Model = entry.IsSealed ? null : entry.Model,
            Namespace = entry.IsSealed ? null : entry.Namespace,
            Tenant = entry.IsSealed ? null : entry.Tenant,
            AskedAt = entry.AskedAt,
            StoredAt = entry.StoredAt,
            ExpiresAt = entry.ExpiresAt,
            Hits = entry.Hits,
            SavedNanos = entry.Saved.Nanos,
            Frame = frame,
            Outline = row.ReadOutline(),
        };
    }
}
