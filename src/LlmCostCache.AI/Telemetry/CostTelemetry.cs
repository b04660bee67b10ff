using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>What the outside sees of calls, caches and budgets: metrics and tags on spans. One for each <see cref="LlmCosts"/>.</summary>
/// <remarks>
/// Never throws because of what it is told, nor because of who listens (listeners run in here; <see cref="Attempt"/> leaves theirs to the meter); allocates nothing while nobody listens, and says nothing about users, sessions, keys or
/// prompts.
/// </remarks>
internal sealed class CostTelemetry : IDisposable
{
    private const int MaxReasonLength = 200;

    private static readonly ActivitySource s_source =
        new(TelemetryNames.Source, typeof(CostTelemetry).Assembly.GetName().Version?.ToString(3));

    private readonly CostInstruments _instruments;
    private volatile SpanName? _lastName;
    private volatile CacheSeries? _lastSeries;
    private readonly CostAttributeNames _names;
    private readonly ILogger _logger;
    private readonly Func<IReadOnlyList<WindowBalance>>? _balances;

    /// <param name="options">The meter factory and the names of cost attributes.</param>
    /// <param name="balances">
    /// Where the windows of budgets stand now; called whenever metrics are collected. Without it there is no utilization gauge.
    /// </param>
    public CostTelemetry(LlmCostsOptions options, Func<IReadOnlyList<WindowBalance>>? balances = null)
    {
        _instruments = CostInstruments.Of(options.MeterFactory);
        _names = options.CostAttributes;
        _logger = QuietLogger.Of(options.LoggerFactory);
        if (balances is not null)
        {
            // A delegate of our own, so that two owners with the same callback are forgotten one by one.
            _balances = () => balances();
            _instruments.Observe(_balances);
        }
    }

    /// <summary>Finds the span of a call that begins, or starts one. The caller disposes it when the call is over.</summary>
    /// <param name="operation"><c>chat</c>, <c>embeddings</c>, ...</param>
    /// <param name="requestedModel">The model that is asked for.</param>
    public CallSpan Begin(string operation, string? requestedModel)
    {
        var current = Activity.Current;
        if (current is not null && GenAISpan.IsFor(operation, current))
        {
            // What an earlier attempt on the same span was served in says nothing about this one.
            if (current.GetTagItem(TelemetryNames.OpenAIServiceTier) is not null)
            {
                current.SetTag(TelemetryNames.OpenAIServiceTier, null);
            }

            return CallSpan.Captured(current);
        }

        if (!s_source.HasListeners())
        {
            return CallSpan.Inside(current);
        }

        Activity? own;
        try
        {
            own = s_source.StartActivity(NameOf(operation, requestedModel), ActivityKind.Client);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A span that began before its listener threw is current, and nobody ends it.
            Activity.Current = current;
            Log.ListenerFailed(_logger, exception.GetType().Name);
            own = null;
        }

        if (own is null)
        {
            return CallSpan.Inside(current);
        }

        // Adapters and HTTP instrumentation look at the current span; ours must not stand in their way.
        Activity.Current = current;
        own.SetTag(TelemetryNames.Operation, operation);
        own.SetTag(TelemetryNames.RequestModel, requestedModel);
        return CallSpan.Own(own);
    }

    // One name after the other is the same, as a rule.
    private string NameOf(string operation, string? requestedModel)
    {
        if (_lastName is { } last && last.Operation == operation && last.Model == requestedModel)
            return last.Name;

        var name = requestedModel is null ? $"llmcost {operation}" : $"llmcost {operation} {requestedModel}";
        _lastName = new SpanName(operation, requestedModel, name);
        return name;
    }

    /// <summary>
    /// The span of the same call for a door further in: the chat span that is current there, else the one that an outer door started.
    /// </summary>
    /// <param name="operation"><c>chat</c>, <c>embeddings</c>, ...</param>
    /// <param name="requestedModel">The model that is asked for.</param>
    /// <param name="outer">What the outer door began; the default value when there is none.</param>
    public CallSpan Begin(string operation, string? requestedModel, CallSpan outer) =>
        outer.IsOwn && (Activity.Current is not { } current || !GenAISpan.IsFor(operation, current))
            ? outer.Borrow()
            : Begin(operation, requestedModel);

    /// <summary>A metered attempt. Attempts that reached no provider, or were certainly not billed, leave no cost.</summary>
    /// <param name="span">The span that its cost is written on.</param>
    /// <param name="record">The attempt.</param>
    /// <param name="outer">The span of the call, where that is another.</param>
    public void Attempt(CallSpan span, UsageRecord record, CallSpan outer = default)
    {
        if ((span.IsOwn ? span : outer) is { IsOwn: true, Recorded: { } own })
        {
            Describe(own, record);
        }

        if (record.Status is not (CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed))
        {
            return;
        }

        var source = UsageFlags.Has(record.Flags, TelemetryNames.ProviderCostFlag) ? TelemetryNames.SourceProvider : TelemetryNames.SourceLocal;
        if (record.Cost.Amount is { } amount)
        {
            Spent(record, (double)amount.Usd, source);
        }
        else if (_instruments.Unpriced.Enabled)
        {
            _instruments.Unpriced.Add(1, Tags(record));
        }

        if (_instruments.Tokens.Enabled)
        {
            CountTokens(record);
        }

        if (span.Recorded is { } activity)
        {
            SpanTotals.On(activity).Attempt(activity, record, span.IsOwn, source, _names);
        }
    }

    /// <summary>What the cache did about a call.</summary>
    /// <param name="span">The span of the call.</param>
    /// <param name="outcome">Hit, miss, bypass or coalesced.</param>
    /// <param name="layer">The layer that answered.</param>
    /// <param name="saved">What was saved, less what the cache spent; below zero when it spent more.</param>
    /// <param name="operation"><c>chat</c>, <c>embeddings</c>, ...</param>
    /// <param name="provider">The provider that was not asked, or is going to be.</param>
    /// <param name="model">The model that was asked for.</param>
    /// <param name="reason">Why the cache was bypassed: a word or a sentence of ours, without values from the call.</param>
    public void Cache(
        CallSpan span, CacheOutcome outcome, CacheLayer layer, Money saved, string operation, string? provider, string? model,
        string? reason = null)
    {
        var countsSaved = saved != Money.Zero && _instruments.CostSaved.Enabled;
        if (_instruments.CacheRequests.Enabled || countsSaved)
        {
            var series = SeriesOf(layer, outcome, operation, provider, model);
            try
            {
                if (outcome == CacheOutcome.Bypass && reason is not null)
                    _instruments.CacheRequests.Add(1, [.. series.Tags, new(TelemetryNames.BypassReason, _instruments.Reasons.Of(reason))]);
                else
                    _instruments.CacheRequests.Add(1, series.Tags);

                if (countsSaved)
                    _instruments.CostSaved.Add((double)saved.Usd, series.TagsWithoutResult);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                Log.ListenerFailed(_logger, exception.GetType().Name);
            }
        }

        if (span.Recorded is not { } activity)
        {
            return;
        }

        activity.SetTag(TelemetryNames.CacheResult, TelemetryNames.Of(outcome));
        if (layer != CacheLayer.None)
        {
            activity.SetTag(TelemetryNames.CacheLayer, TelemetryNames.Of(layer));
        }

        if (saved != Money.Zero)
        {
            // A span of our own ends with the hit: there is nothing it would have to be added to.
            if (span.IsOwn && operation == "chat")
                activity.SetTag(TelemetryNames.CostSaved, (double)saved.Usd);
            else
                SpanTotals.On(activity).Saved(activity, saved);
        }

        if (outcome == CacheOutcome.Bypass && reason is not null)
        {
            SetReason(activity, reason);
        }
    }

    /// <summary>An answer was bought and not stored.</summary>
    /// <param name="span">The span of the call.</param>
    /// <param name="reason">Why: a word or a sentence of ours, at most with a word of the provider's.</param>
    public void NotStored(CallSpan span, string reason)
    {
        if (_instruments.CacheUnstored.Enabled)
        {
            Count(_instruments.CacheUnstored, 1, [new(TelemetryNames.BypassReason, _instruments.Reasons.Of(reason))]);
        }

        if (span.Recorded is { } activity)
        {
            SetReason(activity, reason);
        }
    }

    private static void SetReason(Activity activity, string reason) =>
        activity.SetTag(TelemetryNames.BypassReason, reason.Length <= MaxReasonLength ? reason : reason[..MaxReasonLength]);

    /// <summary>A budget refused a call; nothing was sent.</summary>
    public void Rejected(CallSpan span, Budget budget)
    {
        var counter = _instruments.BudgetRejections;
        var activity = span.Recorded;
        if (activity is null && !counter.Enabled)
        {
            return;
        }

        var period = TelemetryNames.Of(budget.Period);
        var name = _instruments.Budgets.Of(TelemetryNames.Of(budget));
        Count(counter, 1, new(TelemetryNames.BudgetPeriod, period), new(TelemetryNames.BudgetName, name));
        activity?.SetTag(TelemetryNames.BudgetRejected, true);
        activity?.SetTag(TelemetryNames.BudgetPeriod, period);
        activity?.SetTag(TelemetryNames.BudgetName, name);
    }

    /// <summary>A notice about a budget was given, the only one in any process.</summary>
    public void Noticed(BudgetNotice notice)
    {
        var counter = _instruments.BudgetNotices;
        if (!counter.Enabled)
        {
            return;
        }

        List<KeyValuePair<string, object?>> tags =
        [
            new(TelemetryNames.BudgetPeriod, TelemetryNames.Of(notice.Budget.Period)),
            new(TelemetryNames.BudgetName, _instruments.Budgets.Of(TelemetryNames.Of(notice.Budget))),
            new(TelemetryNames.BudgetNotice, TelemetryNames.Of(notice.Kind)),
        ];
        if (notice.Threshold is { } threshold)
        {
            tags.Add(new(TelemetryNames.BudgetThreshold, _instruments.Thresholds.Of(threshold.ToString("0.####", CultureInfo.InvariantCulture))));
        }

        Count(counter, 1, [.. tags]);
    }

    /// <summary>A request stood in the queue of a rate limit.</summary>
    public void RateWaited(string operation, TimeSpan waited, bool wasRefused)
    {
        if (_instruments.RateWait.Enabled)
        {
            try
            {
                _instruments.RateWait.Record(waited.TotalSeconds, new(TelemetryNames.Operation, _instruments.Operations.Of(operation)),
                    new(TelemetryNames.RateLimitResult, wasRefused ? "refused" : "passed"));
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                Log.ListenerFailed(_logger, exception.GetType().Name);
            }
        }
    }

    /// <summary>A rate limit refused a call; nothing was sent.</summary>
    public void RateRefused(string limit, RateRefusal reason)
    {
        if (_instruments.RateRejections.Enabled)
        {
            Count(_instruments.RateRejections, 1, new(TelemetryNames.RateLimitName, _instruments.RateLimits.Of(limit)), new(TelemetryNames.FailureReason, TelemetryNames.Of(reason)));
        }
    }

    /// <summary>A request is sent again.</summary>
    /// <param name="kind">What had failed: one of a few fixed words.</param>
    public void Retried(string kind) => Count(_instruments.Retries, 1, [new(TelemetryNames.FailureReason, kind)]);

    /// <summary>A runaway guard refused a call; nothing was sent.</summary>
    public void RunStopped(RunawayRule rule) => Count(_instruments.RunawayStops, 1, [new(TelemetryNames.RunawayRule, TelemetryNames.Of(rule))]);

    /// <summary>A cache layer failed and the call went on without it.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="reason">A word such as <c>timeout</c> or the type of an exception; never its message.</param>
    public void LayerFailed(CacheLayer layer, string reason)
    {
        var counter = _instruments.CacheFailures;
        if (counter.Enabled)
        {
            Count(counter, 1, new(TelemetryNames.CacheLayer, TelemetryNames.Of(layer)), new(TelemetryNames.FailureReason, _instruments.Reasons.Of(reason)));
        }
    }

    /// <summary>Rows of free calls were given up because the ledger could not keep pace.</summary>
    public void LedgerDropped(long count)
    {
        if (count > 0)
        {
            Count(_instruments.LedgerDropped, count);
        }
    }

    /// <summary>Takes the budgets off the gauge. The meter stays: others may share it.</summary>
    public void Dispose()
    {
        if (_balances is not null)
        {
            _instruments.Forget(_balances);
        }
    }

    // Who listens runs in here: what he throws must not take an answer away, nor end a loop that others wait for.
    private void Count(Counter<long> counter, long number, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        try
        {
            counter.Add(number, tags);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.ListenerFailed(_logger, exception.GetType().Name);
        }
    }

    private static void Describe(Activity own, UsageRecord record)
    {
        own.SetTag(TelemetryNames.Provider, record.Provider);
        own.SetTag(TelemetryNames.ResponseModel, record.Model);
        if (record.Error is { } error)
        {
            own.SetTag(TelemetryNames.ErrorType, error);
            own.SetStatus(ActivityStatusCode.Error);
        }
        else if (record.Status == CallStatus.Ok && own.Status == ActivityStatusCode.Error)
        {
            // An earlier try had failed; the call has not.
            own.SetTag(TelemetryNames.ErrorType, null);
            own.SetStatus(ActivityStatusCode.Unset);
        }
    }

    private void Spent(UsageRecord record, double amount, string source)
    {
        // A counter that only rises takes no negative amount; the ledger knows refunds, metrics do not.
        if (amount < 0)
        {
            return;
        }

        if (_instruments.CostTotal.Enabled)
        {
            _instruments.CostTotal.Add(amount, Tags(record));
        }

        if (_instruments.OperationCost.Enabled)
        {
            var tags = Tags(record);
            Add(ref tags, TelemetryNames.RequestModel, record.RequestedModel, _instruments.RequestModels);
            tags.Add(TelemetryNames.CostCurrency, TelemetryNames.Usd);
            tags.Add(TelemetryNames.CostSource, source);
            _instruments.OperationCost.Record(amount, tags);
        }
    }

    private void CountTokens(UsageRecord record)
    {
        var usage = record.Cost.Usage;
        Count(record, "cached_input", usage.CachedInputTokens);
        Count(record, "cache_write_5m", usage.CacheWrite5mTokens);
        Count(record, "cache_write_1h", usage.CacheWrite1hTokens);
        Count(record, "input_audio", usage.InputAudioTokens);
        Count(record, "cached_audio", usage.CachedAudioTokens);
        Count(record, "input_image", usage.InputImageTokens);
        Count(record, "cached_image", usage.CachedImageTokens);
        Count(record, "input_video", usage.InputVideoTokens);
        Count(record, "citation", usage.CitationTokens);
        Count(record, "reasoning", usage.ReasoningTokens);
        Count(record, "output_audio", usage.OutputAudioTokens);
        Count(record, "output_image", usage.OutputImageTokens);
        Count(record, "output_video", usage.OutputVideoTokens);
    }

    private void Count(UsageRecord record, string kind, long tokens)
    {
        if (tokens > 0)
        {
            var tags = Tags(record);
            tags.Add(TelemetryNames.TokenKind, kind);
            _instruments.Tokens.Add(tokens, tags);
        }
    }

    private TagList Tags(UsageRecord record)
    {
        var tags = default(TagList);
        Add(ref tags, TelemetryNames.Operation, record.Operation, _instruments.Operations);
        Add(ref tags, TelemetryNames.Provider, record.Provider, _instruments.Providers);
        Add(ref tags, TelemetryNames.ResponseModel, record.Model, _instruments.ResponseModels);
        return tags;
    }

    // One outcome after the other is the same, as a rule. The names in it were admitted, and what was admitted stays so.
    private CacheSeries SeriesOf(CacheLayer layer, CacheOutcome outcome, string operation, string? provider, string? model)
    {
        if (_lastSeries is { } last && last.Is(layer, outcome, operation, provider, model))
            return last;

        var tags = new List<KeyValuePair<string, object?>>(5);
        Add(TelemetryNames.Operation, operation, _instruments.Operations);
        Add(TelemetryNames.Provider, provider, _instruments.Providers);
        Add(TelemetryNames.RequestModel, model, _instruments.RequestModels);
        tags.Add(new(TelemetryNames.CacheLayer, TelemetryNames.Of(layer)));
        tags.Add(new(TelemetryNames.CacheResult, TelemetryNames.Of(outcome)));
        var series = new CacheSeries(layer, outcome, operation, provider, model, [.. tags]);
        _lastSeries = series;
        return series;

        void Add(string tag, string? value, BoundedNames bounded)
        {
            if (value is not null)
                tags.Add(new(tag, bounded.Of(value)));
        }
    }

    private static void Add(ref TagList tags, string tag, string? value, BoundedNames bounded)
    {
        if (value is not null)
        {
            tags.Add(tag, bounded.Of(value));
        }
    }

    private sealed record SpanName(string Operation, string? Model, string Name);
}
