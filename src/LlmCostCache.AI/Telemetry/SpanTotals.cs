using System.Diagnostics;

namespace LlmCostCache.AI;

/// <summary>What the attempts on one span add up to.</summary>
/// <remarks>Kept on the span itself, because a router between two doors of ours hides one from the other.</remarks>
internal sealed class SpanTotals
{
    private const string Property = "llmcostcache.totals";

    private static readonly Lock s_attach = new();
    private readonly Lock _lock = new();

    private Money _cost;
    private bool _priced;
    private bool _unpriced;
    private bool _anyLocal;
    private Money _saved;
    private long _promptCacheRead;
    private long _promptCacheWritten;
    private long _input;
    private long _output;

    private SpanTotals()
    {
    }

    public static SpanTotals On(Activity activity)
    {
        if (activity.GetCustomProperty(Property) is SpanTotals totals)
        {
            return totals;
        }

        lock (s_attach)
        {
            totals = activity.GetCustomProperty(Property) as SpanTotals ?? new SpanTotals();
            activity.SetCustomProperty(Property, totals);
            return totals;
        }
    }

    public void Attempt(Activity activity, UsageRecord record, bool isOwn, string costSource, CostAttributeNames names)
    {
        lock (_lock)
        {
            AddCost_NeedsLock(activity, record.Cost.Amount, costSource, names);
            AddUsage_NeedsLock(activity, record, isOwn);
        }
    }

    public void Saved(Activity activity, Money saved)
    {
        lock (_lock)
        {
            _saved = Sum(_saved, saved);
            activity.SetTag(TelemetryNames.CostSaved, (double)_saved.Usd);
        }
    }

    // What is told to the outside stops at the largest number; the ledger is where an overflow is an error.
    private static Money Sum(Money left, Money right) => Money.FromNanos(Sum(left.Nanos, right.Nanos));

    private static long Sum(params ReadOnlySpan<long> counts)
    {
        Int128 sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        return (long)Int128.Clamp(sum, long.MinValue, long.MaxValue);
    }

    private void AddCost_NeedsLock(Activity activity, Money? amount, string source, CostAttributeNames names)
    {
        if (amount is { } cost)
        {
            _cost = Sum(_cost, cost);
            _priced = true;
            _anyLocal |= source == TelemetryNames.SourceLocal;
        }
        else
        {
            _unpriced = true;
            activity.SetTag(TelemetryNames.Unpriced, true);
        }

        // A sum of which a part is unknown is unknown: the amount of an earlier attempt is taken off again.
        var known = _priced && !_unpriced;
        var total = known ? (object)(double)_cost.Usd : null;
        if (names == CostAttributeNames.GenAiUsageCost)
        {
            activity.SetTag(TelemetryNames.UsageCost, total);
            return;
        }

        activity.SetTag(TelemetryNames.CostAmount, total);
        activity.SetTag(TelemetryNames.CostCurrency, known ? TelemetryNames.Usd : null);
        activity.SetTag(TelemetryNames.CostSource, !known ? null : _anyLocal ? TelemetryNames.SourceLocal : TelemetryNames.SourceProvider);
    }

    private void AddUsage_NeedsLock(Activity activity, UsageRecord record, bool isOwn)
    {
        var usage = record.Cost.Usage;
        var fromProvider = record.UsageSource == "provider";
        if (!fromProvider)
        {
            activity.SetTag(TelemetryNames.UsageEstimated, true);
        }

        _promptCacheRead = Sum(_promptCacheRead, usage.CachedInputTokens, usage.CachedAudioTokens, usage.CachedImageTokens);
        _promptCacheWritten = Sum(_promptCacheWritten, usage.CacheWrite5mTokens, usage.CacheWrite1hTokens);
        if (fromProvider || _promptCacheRead > 0)
        {
            activity.SetTag(TelemetryNames.PromptCacheHit, _promptCacheRead > 0);
        }

        if (_promptCacheRead > 0)
        {
            activity.SetTag(TelemetryNames.PromptCacheReadTokens, _promptCacheRead);
        }

        if (_promptCacheWritten > 0)
        {
            activity.SetTag(TelemetryNames.PromptCacheWriteTokens, _promptCacheWritten);
        }

        // The stock chat span states its tokens itself, when the call is over; a second statement would be counted twice.
        if (isOwn)
        {
            _input = Sum(_input, usage.UncachedInputTokens, usage.CachedInputTokens, usage.CacheWrite5mTokens, usage.CacheWrite1hTokens,
                usage.InputAudioTokens, usage.CachedAudioTokens, usage.InputImageTokens, usage.CachedImageTokens, usage.InputVideoTokens, usage.CitationTokens);
            _output = Sum(_output, usage.OutputTokens, usage.ReasoningTokens, usage.OutputAudioTokens, usage.OutputImageTokens, usage.OutputVideoTokens);
            activity.SetTag(TelemetryNames.InputTokens, _input);
            activity.SetTag(TelemetryNames.OutputTokens, _output);
        }
    }
}
