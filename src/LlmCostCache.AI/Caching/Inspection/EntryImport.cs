namespace LlmCostCache.AI;

/// <summary>Takes entries over from JSON lines: each is checked as if it came from an enemy, none replaces a newer one, and doing it twice changes nothing.</summary>
internal sealed class EntryImport(DiskLayer? disk, string homeDirectory, AnswerSeal seal, Invalidations invalidations, TimeProvider time)
{
    private const int LinesBetweenLooks = 1_000;

    // As large as an answer may be by any policy.
    private const int LargestAnswer = 32 << 20;

    // What waits for the writer is bounded; beyond that it is asked to catch up.
    private const int RowsAtOnce = 200;
    private const long BytesAtOnce = 8 << 20;

    private readonly List<(long Line, CacheKey Key, long AskedAt)> _waiting = [];
    private long _waitingBytes;

    public EntryFilter Filter { get; init; } = EntryFilter.All;

    /// <summary>Only says what would be done.</summary>
    public bool IsDryRun { get; init; }

    public Action<long> Progress { get; init; } = _ => { };

    /// <summary>Reads all lines; the stream stays open.</summary>
    /// <exception cref="InvalidDataException">The stream does not begin like an export.</exception>
    public async Task<ImportOutcome> ReadAsync(Stream source, CancellationToken cancellationToken)
    {
        var reader = new EntryLineReader(source);
        var first = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (first is null)
        {
            throw new InvalidDataException("it is empty");
        }

        if ((first.Value.IsTooLong ? "its first line is longer than any" : EntryLine.WhyNotHeader(first.Value.Line)) is { } whyNot)
        {
            throw new InvalidDataException(whyNot);
        }

        var outcome = new ImportOutcome();
        using var file = CacheFile.TryOpen(homeDirectory);
        for (var number = 2L; await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is (var line, var isTooLong); number++)
        {
            if (!isTooLong && line.Span.Trim(" \r\t"u8).IsEmpty)
            {
                continue;
            }

            if (++outcome.Lines % LinesBetweenLooks == 0)
            {
                Progress(outcome.Lines);
            }

            Take(number, isTooLong ? null : line, file, outcome);
            if (_waiting.Count >= RowsAtOnce || _waitingBytes >= BytesAtOnce)
            {
                await SettleAsync(file, outcome, cancellationToken).ConfigureAwait(false);
            }
        }

        await SettleAsync(file, outcome, cancellationToken).ConfigureAwait(false);
        return outcome;
    }

    private void Take(long number, ReadOnlyMemory<byte>? bytes, CacheFile? file, ImportOutcome outcome)
    {
        if (bytes is not { } whole)
        {
            outcome.Skip(number, "it is longer than any entry");
            return;
        }

        if (EntryLine.TryRead(whole, out var whyNot) is not { } line)
        {
            outcome.Skip(number, whyNot!);
            return;
        }

        if (WhyNot(line, out var answer, out var outline) is { } reason)
        {
            outcome.Skip(number, reason);
        }
        else if (!IsMeant(answer!))
        {
            outcome.NotMeant++;
        }
        else if (_waiting.Exists(row => row.Key.Equals(line.Key) && row.AskedAt >= line.AskedAt)
            || (file?.WithKey(line.Key.ToString(), 1) is [var stored] && stored.AskedAt >= line.AskedAt))
        {
            outcome.Known++;
        }
        else if (disk is null || IsDryRun)
        {
            outcome.Stored++;
        }
        else
        {
            disk.Put(line.Key, answer!, () => outline);
            _waiting.Add((number, line.Key, line.AskedAt));
            _waitingBytes += line.Frame.Length;
        }
    }

    /// <summary>Every reason why an entry must not come in.</summary>
    private string? WhyNot(EntryLine line, out StoredAnswer? answer, out RequestOutline? outline)
    {
        outline = null;
        var opened = AnswerFrame.TryDecode(line.Key, line.Frame, seal, out answer);
        if (opened != SealResult.Opened)
        {
            return EntryFault.Of(opened, line.Frame, seal);
        }

        if (line.Outline is { } bytes && OutlineFrame.TryDecode(line.Key, bytes, seal, out outline) != SealResult.Opened)
        {
            return "what its question consisted of was changed";
        }

        var now = time.GetUtcNow();
        return answer!.AskedAt != line.AskedAt || (answer.Vector is not null) != line.IsEmbedding
            || line.ExpiresAt.ToUnixTimeMilliseconds() != answer.ExpiresAt.ToUnixTimeMilliseconds()
            || (line.Model is not null && (line.Model, line.Namespace, line.Tenant) != (answer.Model, answer.Namespace, answer.Tenant))
                ? "the line does not say what its answer says"
            : answer.ExpiresAt <= now ? "it has expired"
            : !answer.IsFresh(now, counts: false) ? "its times are impossible here: check the clock"
            : !answer.IsFresh(now) ? "it goes when nobody uses it for a while, and nobody has here"
            : answer.SizeInMemory() > LargestAnswer ? "it is larger than any answer that is stored"
            : invalidations.IsDead(answer) ? "it was invalidated here after it was asked"
            : null;
    }

    private bool IsMeant(StoredAnswer answer) =>
        (Filter.Model is null || Filter.Model == answer.Model)
        && (Filter.Namespace is null || Filter.Namespace == answer.Namespace)
        && (Filter.Tenant is null || Filter.Tenant == answer.Tenant)
        && (Filter.Tag is null || answer.Tags.Contains(Filter.Tag, StringComparer.Ordinal));

    /// <summary>Waits for the writer, and looks which rows are really there.</summary>
    private async Task SettleAsync(CacheFile? file, ImportOutcome outcome, CancellationToken cancellationToken)
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        await disk!.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (line, key, askedAt) in _waiting)
        {
            if (file?.WithKey(key.ToString(), 1) is [var stored] && stored.AskedAt >= askedAt)
            {
                outcome.Stored++;
            }
            else
            {
                outcome.Skip(line, "the cache did not take it: the disk is full, or the file is busy");
            }
        }

        _waiting.Clear();
        _waitingBytes = 0;
    }
}
