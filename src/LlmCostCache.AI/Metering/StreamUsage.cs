using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Merges the usage that a stream reports. The contract says that every report is an addition, but adapters pass on what providers send: OpenAI-compatible
/// servers repeat a growing total on every chunk, and adding those up would charge a multiple.
/// </summary>
internal sealed class StreamUsage
{
    private const int AverageBytesPerToken = 4;

    private readonly List<Report> _reports = [];
    private int _request;
    private string? _responseId;

    /// <summary>Keeps a copy at once: callers further out add to the same object later.</summary>
    /// <param name="responseId">Which answer it belongs to; null or empty when it is the one that the other reports of the request name.</param>
    /// <param name="usage">The counts.</param>
    /// <param name="facts">What the raw answer says beside them.</param>
    /// <param name="raw">The raw piece of the stream, for rules that read it themselves.</param>
    public void Add(string? responseId, UsageDetails usage, RawFacts? facts = null, object? raw = null)
    {
        if (UsageNormalizer.IsReported(usage))
        {
            _responseId = string.IsNullOrEmpty(responseId) ? _responseId : responseId;
            _reports.Add(new(_request, _responseId, Copy(usage), facts ?? RawFacts.None, raw));
        }
    }

    /// <summary>What follows belongs to another request: local servers give every answer the same id.</summary>
    public void NextRequest()
    {
        _request++;
        _responseId = null;
    }

    /// <summary>The usage of the whole stream: merged within a response, added up across responses.</summary>
    /// <param name="take">Takes the counts of one response apart.</param>
    /// <param name="outputBytes">How much was received, which tells additions from running totals where nothing else does.</param>
    public NormalizedUsage? Merge(Func<UsageDetails, RawFacts, object?, NormalizedUsage> take, long outputBytes = 0)
    {
        NormalizedUsage? sum = null;

        // A report that names no answer is of the one that the request names later.
        var named = _reports.Where(report => report.ResponseId is not null).DistinctBy(report => report.Request).ToDictionary(report => report.Request, report => report.ResponseId);
        foreach (var response in _reports.GroupBy(report => (report.Request, report.ResponseId ?? named.GetValueOrDefault(report.Request))))
        {
            var merged = MergeOne([.. response.Select(report => report.Usage)], outputBytes, out var ambiguous);

            // A cost is reported with the counts and grows with them; what is said last about the rest is what holds.
            var facts = response.Aggregate(RawFacts.None, (earlier, report) => report.Facts.Or(earlier)) with { Cost = response.Max(report => report.Facts.Cost) };
            var usage = take(merged, facts, response.Last().Raw);
            if (ambiguous)
            {
                usage = usage.WithFlag(UsageFlags.MergeAmbiguous);
            }

            sum = sum is { } before ? before + usage : usage;
        }

        return sum;
    }

    /// <inheritdoc cref="Merge(Func{UsageDetails, RawFacts, object?, NormalizedUsage}, long)"/>
    /// <param name="provider">Who reported it.</param>
    /// <param name="outputBytes">How much was received.</param>
    public NormalizedUsage? Merge(string? provider, long outputBytes = 0) => Merge((usage, _, _) => UsageNormalizer.Normalize(usage, provider), outputBytes);

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

    private static UsageDetails MergeOne(IReadOnlyList<UsageDetails> reports, long outputBytes, out bool ambiguous)
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

        if (inputsRepeat)
        {
            // The same input each time, and outputs that fall: the input is repeated, the outputs are pieces.
            ambiguous = true;
            var pieces = Combine(reports, Math.Max);
            pieces.OutputTokenCount = outputs.Aggregate(0L, Add);
            pieces.ReasoningTokenCount = reports.Aggregate((long?)null, (sum, report) => Both(sum, report.ReasoningTokenCount, Add));
            pieces.TotalTokenCount = null;
            return pieces;
        }

        if (inputs.Count >= 2 && IsNotFalling(inputs) && IsNotFalling(outputs))
        {
            // Both grow: a running total, or deltas that happen to grow. The total is the likelier one, and the cheaper mistake is flagged.
            ambiguous = true;
            return Combine(reports, Math.Max);
        }

        // The input once and an output that does not fall: a running total (message_start and message_delta), or additions that happen to grow.
        if (inputs.Count <= 1 && IsNotFalling(outputs))
        {
            ambiguous = outputs.Count > 2 || outputs[0] > 1;
            return Combine(reports, outputs.Count > 2 && IsNearerToSum(outputs, outputBytes / AverageBytesPerToken) ? Add : Math.Max);
        }

        ambiguous = inputs.Count >= 2;
        return Combine(reports, Add);
    }

    private static bool IsNearerToSum(List<long> outputs, long estimate) =>
        Int128.Abs(outputs.Aggregate((Int128)0, static (sum, count) => sum + count) - estimate) <= Int128.Abs((Int128)outputs[^1] - estimate);

    private static long Add(long left, long right) => right > 0 && left > long.MaxValue / 4 - right ? long.MaxValue / 4 : left + right;

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

    private sealed record Report(int Request, string? ResponseId, UsageDetails Usage, RawFacts Facts, object? Raw);
}
