using System.Globalization;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>Goes through the calls once and finds what pipelines often get wrong, and what costs money that nobody sees.</summary>
internal sealed class CallHabits(PriceBook prices, TimeProvider time)
{
    /// <summary>A few calls without a name are a script or a test.</summary>
    private const decimal NoticeableShare = 0.05m;

    private const long EnoughCalls = 100;
    private const int MostBookDays = 120;

    /// <summary>What the meter noticed about single rows, in the order in which it matters.</summary>
    private static readonly (string Check, string Flag, string What, string Remedy)[] s_flags =
    [
        ("aggregated_calls", UsageFlags.Aggregated, "stand for several requests each: the cache or the meter is outside function invocation, so a tool loop is seen as one call",
            "Call UseFunctionInvocation() before UseCostCache() and UseBudget(), so that it is outside of them."),
        ("no_usage", UsageFlags.NoUsage, "came without usage from the provider, so their cost is an estimate",
            "Ask for it: with OpenAI's streams stream_options.include_usage, with a gateway the option that passes usage on."),
        ("budget_overruns", "overrun", "cost more than what a budget had reserved for them", "Set MaxOutputTokens, or make the budget strict; docs/concepts/budgets.md says when overruns can happen."),
        ("provider_cost_differs", UsageFlags.ProviderCostDiffers, "cost by the provider's own word more than 5 % more or less than the price book says",
            "Compare the price with 'llmcost prices show'; a discount or margin belongs into the options or prices.json."),
        ("dearer_model", UsageFlags.DearerModel, "were answered by a dearer model than was asked for", "Name the exact model version, or ask the gateway why it routes so."),
        ("clamped_counts", UsageFlags.Clamped, "had counts that contradict each other and were brought into range", "Report the provider and the adapter's version to us, with a row of 'llmcost export'."),
        ("ambiguous_streams", UsageFlags.MergeAmbiguous, "were streams that reported usage several times in a way that can be read in two", "Report the provider and the adapter's version to us."),
    ];

    private readonly DateOnly _today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
    private readonly Heartbeats _heartbeats = new();
    private readonly ContextSizes _contexts = new();
    private readonly PromptCacheUse _promptCache = new(prices, new Repricer(prices));
    private readonly CallTally[] _flagged = [.. s_flags.Select(_ => new CallTally())];
    private readonly Dictionary<(string? Provider, string? Model), bool> _isOld = [];
    private readonly CallTally _paid = new();
    private readonly CallTally _nameless = new();
    private readonly CallTally _sessionless = new();
    private readonly CallTally _retried = new();
    private readonly CallTally _lost = new();
    private readonly CallTally _unpriced = new();
    private readonly CallTally _old = new();
    private long _hits;
    private long _uncountedHits;
    private bool _hasSessions;

    /// <summary>All rows that were looked at.</summary>
    public long Rows { get; private set; }

    public async Task ReadAsync(LedgerView view, LedgerFilter filter, CancellationToken cancellationToken)
    {
        await foreach (var row in view.Ledger.ReadAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            Add(row);
            Rows++;
        }
    }

    public void Add(UsageRecord row)
    {
        if (row.Status is CallStatus.Cached or CallStatus.Coalesced)
        {
            _hits++;
            _uncountedHits += row.Cost.Saved == Money.Zero && row.Cost.Reason is not null ? 1 : 0;
            return;
        }

        if (row.Attempt > 1)
        {
            _retried.Add(row);
        }

        if (row.Status is CallStatus.Blocked or CallStatus.Failed)
        {
            return;
        }

        if (UsageFlags.Has(row.Flags, UsageFlags.Imported))
        {
            // The pipeline had nothing to do with it.
            if (row.Cost.Certainty == CostCertainty.Unknown)
            {
                _unpriced.Add(row);
            }

            return;
        }

        _paid.Add(row);
        AddNames(row);
        if (row.Status == CallStatus.Assumed)
        {
            _lost.Add(row);
        }

        if (row.Cost.Certainty == CostCertainty.Unknown)
        {
            _unpriced.Add(row);
        }

        for (var i = 0; i < s_flags.Length; i++)
        {
            if (UsageFlags.Has(row.Flags, s_flags[i].Flag))
            {
                _flagged[i].Add(row);
            }
        }

        if (IsOld(row))
        {
            _old.Add(row);
        }

        _heartbeats.Add(row);
        _contexts.Add(row);
        _promptCache.Add(row);
    }

    public IEnumerable<CheckResult> Results()
    {
        yield return Noticeable(_nameless) ? Found("no_scope", _nameless, "were made for nobody: no project, user, feature or other name",
            "Surround them with CostScope.Begin(project: ..., user: ..., feature: ...), around the enumeration of a stream too.") : new("no_scope");
        yield return _hasSessions && Noticeable(_sessionless) ? Found("no_session", _sessionless, "belong to no session, while others do: what a run cost as a whole cannot be told",
            "Give the scope of each run a session (CostScope.Begin(session: runId)); scopes inside it inherit it.") : new("no_session");
        yield return _hits == 0 && _paid.Calls >= EnoughCalls ? Found("no_hits", _paid, "went to a provider and not one was answered from the cache",
            "If there should be a cache: UseCostCache() in the pipeline, and 'llmcost cache why-miss' tells why a request missed.") : new("no_hits");
        yield return _uncountedHits == 0 ? new("uncounted_hits") : new("uncounted_hits")
        {
            What = $"Of {Amounts.Count(_uncountedHits, "hit")} it is not known what they saved, because their model has no price.",
            Calls = _uncountedHits,
            Remedy = "Add the price to prices.json, or set it in code; later hits are counted then.",
        };
        yield return _promptCache.Result();
        for (var i = 0; i < s_flags.Length; i++)
        {
            yield return _flagged[i].Calls == 0 ? new(s_flags[i].Check) : Found(s_flags[i].Check, _flagged[i], s_flags[i].What, s_flags[i].Remedy);
        }

        yield return _unpriced.Calls == 0 ? new("unpriced") : Found("unpriced", _unpriced, "have no price, so every total is a lower bound",
            "'llmcost report --by model' shows which; add the price to prices.json, then 'llmcost reprice' tells what they cost.");
        yield return _old.Calls == 0 ? new("price_age") : Found("price_age", _old, string.Create(CultureInfo.InvariantCulture, $"were priced from a list that nobody has looked at for more than {MostBookDays} days"),
            "Update the package, or compare with 'llmcost prices import' and 'llmcost prices diff'.");
        yield return _heartbeats.Result();
        yield return Noticeable(_retried) ? Found("retries", _retried, "were second or later attempts of their call",
            "Look at the errors with 'llmcost export --status failed'; wait longer between attempts, and let one place retry, not two.") : new("retries");
        yield return Noticeable(_lost) ? Found("lost_answers", _lost, "ended without an answer (time-out, lost connection, killed process) and are booked as paid, because providers bill them",
            "Give long calls a longer time-out, stream them, and let processes finish their calls before they end.") : new("lost_answers");
        yield return _contexts.Result();
        yield return new("duplicate_prompts") { WhyNotChecked = "the ledger keeps neither prompts nor fingerprints of them; 'llmcost cache stats' shows what repeats" };
    }

    private void AddNames(UsageRecord row)
    {
        var who = row.Attribution;
        if (who with { Tags = [] } == Attribution.None)
        {
            _nameless.Add(row);
        }

        _hasSessions |= who.Session is not null;
        if (who.Session is null)
        {
            _sessionless.Add(row);
        }
    }

    private bool IsOld(UsageRecord row)
    {
        if (!_isOld.TryGetValue((row.Provider, row.Model), out var isOld))
        {
            var entry = prices.FactOf(row.Provider, row.Model, row.At).Entry;
            isOld = entry?.Checked is { } day && _today.DayNumber - day.DayNumber > MostBookDays;
            _isOld.Add((row.Provider, row.Model), isOld);
        }

        return isOld;
    }

    private bool Noticeable(CallTally tally) => tally.Calls > 0 && tally.Calls >= NoticeableShare * _paid.Calls;

    private CheckResult Found(string check, CallTally tally, string what, string remedy) => new(check)
    {
        What = $"{Amounts.Count(tally.Calls)} of {Amounts.Count(Math.Max(tally.Calls, _paid.Calls))} paid calls {what}.",
        Calls = tally.Calls,
        Cost = tally.Unpriced == tally.Calls ? null : tally.Cost,
        Unpriced = tally.Unpriced,
        Remedy = remedy,
    };
}
