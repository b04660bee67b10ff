using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Merges the usage that a stream reports. The contract says that every report is an addition, but adapters pass on what providers send: OpenAI-compatible
/// servers repeat a growing total on every chunk, and adding those up would charge a multiple.
/// </summary>
internal sealed class StreamUsage
{
    private readonly List<(int Request, string? ResponseId, UsageDetails Usage)> _reports = [];
    private int _request;

    public bool Any => _reports.Count > 0;

    /// <summary>Keeps a copy at once: callers further out add to the same object later.</summary>
    public void Add(string? responseId, UsageDetails usage)
    {
        if (UsageNormalizer.IsReported(usage))
        {
            _reports.Add((_request, responseId, Copy(usage)));
        }
    }

    /// <summary>What follows belongs to another request: local servers give every answer the same id.</summary>
    public void NextRequest() => _request++;

    /// <summary>The usage of the whole stream: merged within a response, added up across responses.</summary>
    public NormalizedUsage? Merge(string? provider)
    {
        NormalizedUsage? sum = null;
        foreach (var response in _reports.GroupBy(report => (report.Request, report.ResponseId)))
        {
            var merged = MergeOne([.. response.Select(report => report.Usage)], out var ambiguous);
            var usage = UsageNormalizer.Normalize(merged, provider);
            if (ambiguous)
            {
                usage = usage.WithFlag(UsageFlags.MergeAmbiguous);
            }

            sum = sum is not { } before ? usage : new(before.Usage + usage.Usage, usage.Flags is null ? before.Flags : UsageFlags.Add(before.Flags, usage.Flags));
        }

        return sum;
    }

    public static UsageDetails Copy(UsageDetails usage)
    {
        var copy = new UsageDetails
        {
            InputTokenCount = usage.InputTokenCount,
            OutputTokenCount = usage.OutputTokenCount,
            TotalTokenCount = usage.TotalTokenCount,
            CachedInputTokenCount = usage.CachedInputTokenCount,
            ReasoningTokenCount = usage.ReasoningTokenCount,
            InputAudioTokenCount = usage.InputAudioTokenCount,
            OutputAudioTokenCount = usage.OutputAudioTokenCount,
            InputTextTokenCount = usage.InputTextTokenCount,
            OutputTextTokenCount = usage.OutputTextTokenCount,
        };
        if (usage.AdditionalCounts is { Count: > 0 } counts)
        {
            copy.AdditionalCounts = [];
            foreach (var (key, value) in counts)
            {
                copy.AdditionalCounts[key] = value;
            }
        }

        return copy;
    }

    private static UsageDetails MergeOne(IReadOnlyList<UsageDetails> reports, out bool ambiguous)
    {
        ambiguous = false;
        if (reports.Count == 1)
        {
            return reports[0];
        }

        // A later report that names the input again is a new total; one that does not only adds output. Totals never shrink.
        var inputs = reports.Where(report => report.InputTokenCount is > 0).Select(report => report.InputTokenCount!.Value).ToList();
        var outputs = reports.Where(report => report.OutputTokenCount is not null).Select(report => report.OutputTokenCount!.Value).ToList();
        var inputsRepeat = inputs.Count >= 2 && IsNotFalling(inputs) && inputs[0] == inputs[^1];
        var disjoint = inputs.Count <= 1 && outputs.Count <= 1;
        if (disjoint || (inputsRepeat && IsNotFalling(outputs)))
        {
            return Combine(reports, Math.Max);
        }

        if (inputs.Count >= 2 && IsNotFalling(inputs) && IsNotFalling(outputs))
        {
            // Both grow: a running total, or deltas that happen to grow. The total is the likelier one, and the cheaper mistake is flagged.
            ambiguous = true;
            return Combine(reports, Math.Max);
        }

        // The input once and a growing output (message_start and message_delta): cumulative where the output does not fall.
        if (inputs.Count <= 1 && IsNotFalling(outputs) && outputs.Count <= 2)
        {
            ambiguous = outputs.Count == 2 && outputs[0] > 1;
            return Combine(reports, Math.Max);
        }

        ambiguous = inputs.Count >= 2;
        return Combine(reports, static (left, right) => left > long.MaxValue / 4 - right ? long.MaxValue / 4 : left + right);
    }

    private static bool IsNotFalling(List<long> counts)
    {
        for (var i = 1; i < counts.Count; i++)
        {
            if (counts[i] < counts[i - 1])
            {
                return false;
            }
        }

        return true;
    }

    private static UsageDetails Combine(IReadOnlyList<UsageDetails> reports, Func<long, long, long> combine)
    {
        var merged = Copy(reports[0]);
        foreach (var report in reports.Skip(1))
        {
            merged.InputTokenCount = Both(merged.InputTokenCount, report.InputTokenCount, combine);
            merged.OutputTokenCount = Both(merged.OutputTokenCount, report.OutputTokenCount, combine);
            merged.TotalTokenCount = Both(merged.TotalTokenCount, report.TotalTokenCount, combine);
            merged.CachedInputTokenCount = Both(merged.CachedInputTokenCount, report.CachedInputTokenCount, combine);
            merged.ReasoningTokenCount = Both(merged.ReasoningTokenCount, report.ReasoningTokenCount, combine);
            merged.InputAudioTokenCount = Both(merged.InputAudioTokenCount, report.InputAudioTokenCount, combine);
            merged.OutputAudioTokenCount = Both(merged.OutputAudioTokenCount, report.OutputAudioTokenCount, combine);
            foreach (var (key, value) in report.AdditionalCounts ?? [])
            {
                merged.AdditionalCounts ??= [];
                merged.AdditionalCounts[key] = merged.AdditionalCounts.TryGetValue(key, out var before) ? combine(before, value) : value;
            }
        }

        return merged;
    }

    private static long? Both(long? left, long? right, Func<long, long, long> combine) => left is null ? right : right is null ? left : combine(left.Value, right.Value);
}
