using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Decides whether a call may be sent. The story: which budgets count this call; what is the most it can cost; hold that amount in all of them or in none;
/// if it does not fit, shorten the answer, wait, ask the application or the cheaper models, or refuse. Nothing here knows how a call is transported.
/// </summary>
internal sealed class BudgetGuard
{
    /// <summary>Fewer tokens than this are no answer; a call that affords fewer is refused.</summary>
    public const int SmallestAnswer = 256;

    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(1);

    private readonly LlmCostsOptions _options;
    private readonly ILedgerStore _store;
    private readonly PriceBook _prices;
    private readonly BudgetNotifier _notifier;
    private readonly BudgetWatch _watch;
    private readonly ILogger _logger;
    private readonly BudgetCalendar _calendar;
    private readonly CountedWindows _counted = new();
    private readonly BudgetsInForce _budgets;
    private readonly ReservationChanges _changes;
    private readonly RefusalReport _report;
    private readonly SpentBudgets _spent;

    public BudgetGuard(LlmCostsOptions options, ILedgerStore store, PriceBook prices, CostTelemetry telemetry, BudgetNotifier notifier, BudgetWatch watch, ILogger logger)
    {
        _watch = watch;
        _notifier = notifier;
        _options = options;
        _store = store;
        _prices = prices;
        _logger = logger;
        _calendar = new BudgetCalendar(options.TimeZone, options.WeekStart, options.FiscalYearStart);
        _budgets = new BudgetsInForce(options.Budgets, store, logger);
        _changes = new ReservationChanges(options.TimeProvider);
        _report = new RefusalReport(store, telemetry, notifier, options.TimeProvider, logger);
        _spent = new SpentBudgets(options, store, prices, _budgets, _calendar, _changes, _report);
    }

    /// <inheritdoc cref="BudgetsInForce.HasBudgets"/>
    public bool HasBudgets => _budgets.HasBudgets;

    /// <summary>Lets a call pass, possibly shortened or to a cheaper model, or refuses it.</summary>
    /// <exception cref="BudgetExceededException">It does not fit into a budget of money.</exception>
    /// <exception cref="QuotaExceededException">It does not fit into a budget of tokens or requests.</exception>
    /// <exception cref="UnknownPriceException">A budget that refuses cannot hold it, because its price is not known.</exception>
    /// <exception cref="StoreUnavailableException">A budget that refuses cannot be checked.</exception>
    public async ValueTask<BudgetPass> AdmitAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!IsWatched(demand))
        {
            return AdmitUnheld(demand);
        }

        var asked = demand.Model;
        var tried = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { demand.Model ?? "" };
        var fallbacks = new Queue<string>();
        var allowed = new Dictionary<string, string>(StringComparer.Ordinal);
        BudgetExceededException? last = null;
        while (true)
        {
            Admission admission;
            try
            {
                admission = await ReserveAsync(demand, mayCap: demand.HasOutput, allowed, cancellationToken).ConfigureAwait(false);
            }
            catch (UnknownPriceException unpriced) when (last is { Budget.Callback: null } && demand.Model != asked)
            {
                // Nothing can be held for this model. That is a reason to ask the next one, and no reason to hide what the budget says.
                admission = new Admission { Refusal = last.For(demand.Model, unpriced) };
            }

            if (admission.Refusal is not { } refusal)
            {
                var note = demand.Model == asked ? admission.Note : Joined($"'{demand.Model}' was asked instead of '{asked}'", admission.Note);
                note = allowed.Count == 0 ? note : Joined($"The application let it exceed budget '{string.Join("', '", allowed.Values)}'", note);
                return new BudgetPass(this, admission.HoldFor(demand)) { FallbackModel = demand.Model == asked ? null : demand.Model, Note = note };
            }

            string? other = null;
            if (await BudgetAnswer.AskAsync(demand, refusal, cancellationToken).ConfigureAwait(false) is { } answer)
            {
                if (answer.IsAllowed)
                {
                    allowed[refusal.Budget!.Id] = refusal.Budget.Name;
                    Log.AllowedByApplication(_logger, refusal.Budget);
                    continue;
                }

                other = answer.Model is { } named && tried.Add(named) ? named : null;
                refusal = other is null ? answer.Explain(refusal) : refusal;
            }
            else
            {
                // What one budget's fallback costs may be too much for another; then the next of either chain has its turn.
                foreach (var cheaper in refusal.Budget!.FallbackModels.Where(tried.Add))
                {
                    fallbacks.Enqueue(cheaper);
                }

                _ = fallbacks.TryDequeue(out other);
            }

            if (other is not null)
            {
                last = refusal;
                Log.FallbackModel(_logger, demand.Model ?? "", other, refusal.Budget!);
                demand = demand with { Model = other };
                allowed.Clear();
                continue;
            }

            _report.Write(demand with { Model = asked }, refusal, span);
            throw refusal.AsThrown();
        }
    }

    /// <summary>Lets a call through for which nothing is held yet: its attempts are held one by one where there are budgets.</summary>
    public BudgetPass AdmitUnheld(BudgetDemand demand) => new(this, new AttemptHold { Demand = demand }) { IsWatched = IsWatched(demand) };

    // Nobody measured what is sent when there was no budget; one that was set meanwhile counts from the next call on.
    private bool IsWatched(BudgetDemand demand) => !ReferenceEquals(demand.Size, RequestSize.Empty) && HasBudgets;

    /// <summary>Holds what a further attempt can cost; nothing when no budget counts it.</summary>
    /// <exception cref="BudgetExceededException">It does not fit into a budget of money.</exception>
    /// <exception cref="QuotaExceededException">It does not fit into a budget of tokens or requests.</exception>
    public async ValueTask<AttemptHold> HoldAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!HasBudgets)
        {
            return new AttemptHold { Demand = demand };
        }

        var allowed = new Dictionary<string, string>(StringComparer.Ordinal);
        while (true)
        {
            var admission = await ReserveAsync(demand, mayCap: false, allowed, cancellationToken).ConfigureAwait(false);
            if (admission.Refusal is not { } refusal)
            {
                return admission.HoldFor(demand);
            }

            var answer = await BudgetAnswer.AskAsync(demand, refusal, cancellationToken).ConfigureAwait(false);
            if (answer is not { IsAllowed: true })
            {
                refusal = answer?.Explain(refusal) ?? refusal;
                _report.Write(demand, refusal, span);
                throw refusal.AsThrown();
            }

            allowed[refusal.Budget!.Id] = refusal.Budget.Name;
            Log.AllowedByApplication(_logger, refusal.Budget);
        }
    }

    /// <inheritdoc cref="SpentBudgets.FindAsync"/>
    public ValueTask<LlmCostException?> FindSpentAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken) => _spent.FindAsync(demand, span, cancellationToken);

    /// <summary>Gives back what was certainly not spent. A store that cannot be reached keeps the hold until it expires: the safe side.</summary>
    public async ValueTask VoidAsync(string reservationId)
    {
        try
        {
            await _store.VoidAsync(reservationId, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreUnavailableException exception)
        {
            Log.StoreUnavailable(_logger, exception.Message);
        }

        Changed();
    }

    /// <summary>Counts a row that nothing was held for, so that its budgets announce their thresholds too.</summary>
    public void Recorded(UsageRecord record)
    {
        _watch.Wake();
        if (_budgets.Known.Matcher.IsEmpty)
        {
            return;
        }

        foreach (var (budget, key) in _budgets.Known.Matcher.Match(record.Attribution, record.RequestedModel, record.ModelKey))
        {
            if (budget.Period != BudgetPeriod.PerCall && TakesFrom(budget.Unit, record.Cost))
            {
                var (startsAt, endsAt) = _calendar.WindowOf(budget, _options.TimeProvider.GetUtcNow());
                var window = new BudgetWindow(budget, key, startsAt, endsAt);
                if (_counted.Add(window))
                {
                    _notifier.Open(window, () => _counted.Remove(window));
                }
            }
        }
    }

    // What is free takes no money, but it is a request and has tokens; what is answered from a cache takes nothing.
    private static bool TakesFrom(BudgetUnit unit, CallCost cost) => unit switch
    {
        BudgetUnit.Usd => cost.Amount is { Nanos: > 0 },
        BudgetUnit.Tokens => cost.Usage.TotalTokens > 0,
        _ => cost.Usage.Requests > 0,
    };

    /// <summary>The budgets that count a call, each with what it allows a call now.</summary>
    public IReadOnlyList<(BudgetMatch Match, BudgetAmount Limit)> Matching(Attribution attribution, string? model, string? modelKey)
    {
        var limits = _budgets.Read();
        var now = _options.TimeProvider.GetUtcNow();
        return [.. limits.Matcher.Match(attribution, model, modelKey).Select(match => (match, limits.Settings.LimitOf(match.Budget, match.Key, now)))];
    }

    /// <summary>Wakes the calls that wait for others' reservations.</summary>
    public void Changed()
    {
        _changes.Signal();
        _watch.Wake();
    }

    private async ValueTask<Admission> ReserveAsync(BudgetDemand demand, bool mayCap, IReadOnlyDictionary<string, string> allowed, CancellationToken cancellationToken)
    {
        var limits = _budgets.Known;
        var began = _options.TimeProvider.GetUtcNow();
        while (true)
        {
            var admission = await ReserveAsync(limits, demand, mayCap, allowed, began, cancellationToken).ConfigureAwait(false);
            if (admission.Newer is null)
            {
                return admission;
            }

            limits = _budgets.Adopt(admission.Newer);
        }
    }

    /// <param name="limits">The budgets that hold.</param>
    /// <param name="demand">What the call asks for.</param>
    /// <param name="mayCap">Whether its answer may be shortened.</param>
    /// <param name="allowed">The budgets that the application lets it exceed, by id.</param>
    /// <param name="began">Since when it waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async ValueTask<Admission> ReserveAsync(
        LimitSet limits, BudgetDemand demand, bool mayCap, IReadOnlyDictionary<string, string> allowed, DateTimeOffset began, CancellationToken cancellationToken)
    {
        var now = _options.TimeProvider.GetUtcNow();
        var pricedOn = PriceEntry.DayOf(now);
        var facts = _prices.Find(demand.Client.ProviderName, demand.Model, now, demand.Client.Host);
        var matching = limits.Matcher.Match(demand.Attribution, demand.Model, facts?.Model);

        // A reservation learns in its own transaction that limits were set meanwhile. A call that reserves nothing looks for itself.
        if (matching.TrueForAll(match => match.Budget.Period == BudgetPeriod.PerCall) && _budgets.Newer(limits) is { } newer)
        {
            return new Admission { Newer = newer };
        }

        if (matching.Count == 0)
        {
            return new Admission { MaxOutputTokens = demand.MaxOutputTokens };
        }

        var enforced = matching.Exists(match => match.Budget.Mode != BudgetMode.Warn);
        var strict = matching.Exists(match => match.Budget is { Mode: BudgetMode.Strict, Unit: not BudgetUnit.Requests });
        if (demand.IsAggregated && enforced)
        {
            throw new LlmCostException("A strict budget cannot hold calls that function invocation makes further in: several requests hide behind one. "
                + "Put UseFunctionInvocation() before UseCostCache() and UseBudget(), so that it is outside of them.");
        }

        var enforcedInMoney = matching.Exists(match => match.Budget is { Mode: not BudgetMode.Warn, Unit: BudgetUnit.Usd });
        var quote = BudgetQuote.For(_prices, demand, facts, now);
        if (quote is null && !enforcedInMoney && matching.Exists(match => match.Budget.Unit != BudgetUnit.Usd))
        {
            var countsTokens = matching.Exists(match => match.Budget is { Mode: not BudgetMode.Warn, Unit: BudgetUnit.Tokens });
            quote = BudgetQuote.WithoutPrice(_prices, demand, facts, now, countsTokens);
        }

        if (quote is null)
        {
            return _budgets.Newer(limits) is { } meanwhile ? new Admission { Newer = meanwhile }
                : !enforced ? new Admission { MaxOutputTokens = demand.MaxOutputTokens }
                : throw BudgetRefusal.Unpriced(_prices, demand, facts, matching.First(match => match.Budget.Mode != BudgetMode.Warn && match.Budget.Unit != BudgetUnit.Requests).Budget, now);
        }

        // Only a strict budget needs a bound where nobody gives one, and one of money only where a longer answer costs more; the others leave the call as it is.
        var cappedBy = quote.InitialCap is null ? null : matching.FirstOrDefault(match => match.Budget is { Mode: BudgetMode.Strict, Unit: var unit }
            && (unit == BudgetUnit.Tokens || (unit == BudgetUnit.Usd && !quote.IsFree))).Budget;
        var cap = cappedBy is null ? null : quote.InitialCap;
        var (initialCap, initiallyCappedBy) = (cap, cappedBy);
        var (cappedUntil, sliceEndsAt) = (DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        var poll = ReservationChanges.ShortestPoll;
        var id = CallToken.NewId();
        Money? held = null;
        while (true)
        {
            // The windows are those of this moment: a call may have waited across midnight.
            now = _options.TimeProvider.GetUtcNow();
            if (PriceEntry.DayOf(now) != pricedOn)
            {
                // And so is the price: it may be another from this day on.
                return await ReserveAsync(limits, demand, mayCap, allowed, began, cancellationToken).ConfigureAwait(false);
            }

            if (now >= cappedUntil)
            {
                // What was left of a period that is over says nothing about this one.
                (cap, cappedBy, cappedUntil) = (initialCap, initiallyCappedBy, DateTimeOffset.MaxValue);
            }

            var changed = _changes.Next;
            var amounts = HoldAmounts.Of(quote, cap);
            if (amounts.ExceededPerCall(limits.Settings, matching, allowed, now) is var (tooDear, perCall))
            {
                if (mayCap && tooDear.Mode == BudgetMode.Strict && quote.LargestAnswerWithin(perCall) is { } shorter && quote.IsShorter(shorter, cap))
                {
                    (cap, cappedBy) = (shorter, tooDear);
                    continue;
                }

                var none = BudgetAmount.Of(tooDear.Unit, 0);
                return _budgets.Newer(limits) is { } raised
                    ? new Admission { Newer = raised }
                    : new Admission { Refusal = BudgetRefusal.Of(tooDear, new BudgetTally(perCall, none, none, amounts.Of(tooDear)), null, null) };
            }

            var request = new ReservationRequest
            {
                Record = ReservationRequest.RecordOf(id, demand, facts, amounts, now),
                Holds = amounts.In(_calendar, matching, allowed, now),
                Timeout = _options.ReservationTimeout,
                Durable = _options.ReservationsSurvivePowerLoss,
                SettingsRevision = limits.Settings.Revision,
            };
            if (request.Holds.IsEmpty)
            {
                return Admitted(null);
            }

            ReservationOutcome outcome;
            try
            {
                outcome = await _store.ReserveAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is StoreUnavailableException or OperationCanceledException)
            {
                // What was accepted is written although nobody waits for it, and after a failure of the disk nobody knows; without this such a hold would stay until it is booked in full.
                _ = VoidAsync(id).AsTask();
                if (enforced || exception is OperationCanceledException)
                {
                    throw;
                }

                Log.StoreUnavailable(_logger, exception.Message);
                return Admitted(null);
            }

            if (outcome.Newer is { } set)
            {
                return new Admission { Newer = set };
            }

            if (outcome.Accepted)
            {
                foreach (var hold in request.Holds)
                {
                    held = !hold.Enforced || hold.Amount.Unit != BudgetUnit.Usd || held < hold.Amount.Money ? held : hold.Amount.Money;
                }

                return Admitted(id);
            }

            var refused = new RefusedReservation(request, outcome, quote, mayCap, began, now, _options.ReservationWait);
            if (refused.MayStillFit)
            {
                await _changes.WaitAsync(changed, poll, cancellationToken).ConfigureAwait(false);
                poll = ReservationChanges.After(poll);
                cappedUntil = cappedUntil < sliceEndsAt ? cappedUntil : sliceEndsAt;
            }
            else if (refused.ShorterAnswer(cap) is { } answer)
            {
                (cap, cappedBy) = (answer, refused.Budget);
                cappedUntil = request.Holds.Min(static hold => hold.Window.Budget.Span is null ? hold.Window.EndsAt : DateTimeOffset.MaxValue);

                // Looked at after a wait only: a slice can be over sooner than the ledger answers, and what was capped has to be tried once.
                sliceEndsAt = request.Holds.Min(static hold => hold.Window.EndsAt);
            }
            else if (refused.WaitsUntil is { } until)
            {
                // Looked at once a second meanwhile: a limit may be raised, and other calls may give back what they held.
                var pause = until - now < s_longWait ? until - now : s_longWait;
                Log.WaitingForBudget(_logger, refused.Budget, until);
                (cap, cappedBy) = (initialCap, initiallyCappedBy);
                await _changes.WaitAsync(changed, pause > ReservationChanges.ShortestPoll ? pause : ReservationChanges.ShortestPoll, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                return new Admission { Refusal = refused.ToException() };
            }
        }

        Admission Admitted(string? reservationId)
        {
            var isCapped = cap is not null && cap != demand.MaxOutputTokens && cappedBy is not null;
            if (isCapped)
            {
                Log.MaxOutputTokensCapped(_logger, cap!.Value, cappedBy!);
            }

            return new()
            {
                ReservationId = reservationId,
                At = reservationId is null ? null : now,
                IsEnforced = enforcedInMoney,
                IsStrict = strict,
                Held = held,
                Amount = quote.Ceiling(cap),
                MaxOutputTokens = cap ?? demand.MaxOutputTokens,
                Note = isCapped ? $"MaxOutputTokens was set to {cap} to fit budget '{cappedBy!.Name}'" : null,
            };
        }
    }

    private static string? Joined(string first, string? second) => second is null ? first : $"{first}; {second}";
}
