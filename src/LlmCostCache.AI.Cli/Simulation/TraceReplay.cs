using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>Replays a trace once, under every strategy beside each other.</summary>
internal sealed class TraceReplay(SimulationPlan plan, PriceBook prices)
{
    // A file of nothing but bad lines must not fill the memory.
    private const int MaxKept = 100_000;

    private readonly StrategyRun[] _runs = Open(plan, new CallPrices(prices));
    private readonly List<TraceRow> _wrong = [];
    private DateTimeOffset _clock = DateTimeOffset.MinValue;

    public SimulationPlan Plan => plan;

    public IReadOnlyList<StrategyRun> Runs => _runs;

    /// <summary>Calls that were replayed.</summary>
    public long Calls { get; private set; }

    /// <summary>Lines that are no requests.</summary>
    public long Wrong { get; private set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<TraceRow> WrongLines => _wrong;

    /// <summary>Calls that failed without being billed when they were recorded; what they would have cost is nothing under every strategy.</summary>
    public long Failed { get; private set; }

    /// <summary>Calls that a budget refused when they were recorded: nobody knows what they would have used.</summary>
    public long RefusedBefore { get; private set; }

    /// <summary>Calls without any count.</summary>
    public long Uncounted { get; private set; }

    /// <summary>Calls that name their request.</summary>
    public long Keyed { get; private set; }

    /// <summary>Calls that a cache answered when they were recorded.</summary>
    public long RecordedHits { get; private set; }

    /// <summary>Calls whose prompt is known in blocks.</summary>
    public long Blocked { get; private set; }

    /// <summary>Calls of which the provider said that it read from or wrote to its cache of prompts.</summary>
    public long PromptCached { get; private set; }

    public DateTimeOffset? First { get; private set; }

    public DateTimeOffset? Last { get; private set; }

    public decimal Days => First is { } first ? (decimal)(Last!.Value - first).Ticks / TimeSpan.TicksPerDay : 0m;

    public async Task ReadAsync(IAsyncEnumerable<TraceRow> rows, Action<long> progress, CancellationToken cancellationToken)
    {
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Call is { } call)
            {
                Take(call);
                progress(Calls);
            }
            else
            {
                Wrong++;
                if (_wrong.Count < MaxKept)
                {
                    _wrong.Add(row);
                }
            }
        }
    }

    /// <exception cref="UsageException">Nobody says which model is asked.</exception>
    public void Take(TraceCall call)
    {
        if (call.Status == CallStatus.Failed)
        {
            Failed++;
            return;
        }

        if (call.Status == CallStatus.Blocked)
        {
            RefusedBefore++;
            return;
        }

        if (call.Usage with { Requests = 0 } == TokenUsage.None)
        {
            Uncounted++;
            return;
        }

        if (plan.Model is null && call.Model is null)
        {
            throw new UsageException("The trace names no model. Say with --model which one is asked.");
        }

        Calls++;
        Keyed += call.Key is null ? 0 : 1;
        RecordedHits += call.WasHit ? 1 : 0;
        Blocked += call.Blocks is null ? 0 : 1;
        PromptCached += call.Usage.CachedInputTokens + call.Usage.CacheWrite5mTokens + call.Usage.CacheWrite1hTokens > 0 ? 1 : 0;
        First = First is { } first && first <= call.At ? first : call.At;
        Last = Last is { } last && last >= call.At ? last : call.At;

        // Exports are in the order in which calls ended; a cache knows no answer before it was given.
        _clock = call.At > _clock ? call.At : _clock;
        var key = TraceQuestion.KeyOf(call, plan.Model is null ? call.Provider : plan.Provider, plan.Model ?? call.Model);
        foreach (var run in _runs)
        {
            run.Take(call, Calls, key, _clock);
        }
    }

    private static StrategyRun[] Open(SimulationPlan plan, CallPrices prices) => [.. Strategy.Everything.Select(strategy => new StrategyRun(strategy, plan, prices))];
}
