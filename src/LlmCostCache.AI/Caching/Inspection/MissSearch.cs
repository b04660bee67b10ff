namespace LlmCostCache.AI;

/// <summary>Finds out why a question is not answered from <c>cache.db</c>: is it stored, and if not, what is the nearest that is?</summary>
internal sealed class MissSearch(CacheFile? file, AnswerSeal seal, DateTimeOffset now)
{
    private static readonly HashSet<string> s_everything = [];

    /// <summary>Parts of the question that nobody told, and that are therefore not compared: "provider", "endpoint".</summary>
    public IReadOnlySet<string> Unknown { get; init; } = s_everything;

    public MissExplanation Explain(CachePlan plan, CancellationToken cancellationToken)
    {
        if (plan.BypassReason is { } reason)
        {
            return new() { Verdict = MissVerdict.Bypass, Reason = reason };
        }

        if (file is null || plan.Outline is not { } outline)
        {
            return new() { Verdict = MissVerdict.NothingNear };
        }

        return Unknown.Count == 0 && file.WithKey(plan.Key.ToString(), 1) is [var stored] ? Found(stored, []) : Nearest(outline, cancellationToken);
    }

    private MissExplanation Found(CacheEntry entry, IReadOnlyList<string> notCompared)
    {
        if (entry.IsExpired(now))
        {
            return new() { Verdict = MissVerdict.Expired, Entry = file!.Open(entry, seal), NotCompared = notCompared };
        }

        var frame = file!.FrameOf(entry);
        StoredAnswer? answer = null;
        var opened = frame is null ? SealResult.Broken : AnswerFrame.TryDecode(entry.Key, frame, seal, out answer);
        if (answer?.SlidingFor is { } unused && now - entry.UsedAt >= unused)
        {
            return new() { Verdict = MissVerdict.Expired, Entry = file.Open(entry, seal) with { ExpiresAt = entry.UsedAt + unused }, NotCompared = notCompared };
        }

        return opened == SealResult.Opened
            ? new() { Verdict = MissVerdict.Hit, Entry = file.Open(entry, seal), NotCompared = notCompared }
            : new() { Verdict = MissVerdict.Unreadable, Entry = entry, Reason = EntryFault.Of(opened, frame, seal), NotCompared = notCompared };
    }

    private MissExplanation Nearest(RequestOutline asked, CancellationToken cancellationToken)
    {
        var (compared, notOpened, best) = (0L, 0L, (Comparison: (OutlineComparison?)null, Entry: (CacheEntry?)null));
        foreach (var (entry, bytes) in file!.Outlines())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var opened = OutlineFrame.TryDecode(entry.Key, bytes, seal, out var stored);
            if (opened != SealResult.Opened)
            {
                notOpened++;
                continue;
            }

            compared++;
            var comparison = OutlineComparison.Of(asked, stored!, Unknown);
            if (best.Comparison is null || IsNearer(comparison, entry, best.Comparison, best.Entry!))
            {
                best = (comparison, entry);
            }
        }

        string[] notCompared = [.. Unknown.Order(StringComparer.Ordinal).Reverse()];
        if (best.Comparison is { Differences.Count: 0 })
        {
            return Found(best.Entry!, notCompared) with { Compared = compared, NotOpened = notOpened };
        }

        if (best.Comparison is not { } nearest || (!nearest.SharesContent && nearest.Differences.Count > 1))
        {
            return new() { Verdict = MissVerdict.NothingNear, Compared = compared, NotOpened = notOpened, NotCompared = notCompared };
        }

        return new()
        {
            Verdict = MissVerdict.Different,
            Entry = file.Open(best.Entry!, seal),
            Differences = nearest.Differences,
            EqualParts = nearest.EqualParts,
            CommonPrompt = nearest.CommonPrompt < (asked.Prompt?.Length ?? 0) ? nearest.CommonPrompt : null,
            Compared = compared,
            NotOpened = notOpened,
            NotCompared = notCompared,
        };
    }

    /// <summary>Most equal parts; then the fewest that differ, the prompt that begins most alike, the latest.</summary>
    private static bool IsNearer(OutlineComparison left, CacheEntry leftEntry, OutlineComparison right, CacheEntry rightEntry)
    {
        var order = left.EqualParts.CompareTo(right.EqualParts);
        order = order != 0 ? order : right.Differences.Count.CompareTo(left.Differences.Count);
        order = order != 0 ? order : left.CommonPrompt.CompareTo(right.CommonPrompt);
        order = order != 0 ? order : leftEntry.StoredAt.CompareTo(rightEntry.StoredAt);
        return order > 0;
    }
}
