using System.Collections.Immutable;
using System.Globalization;
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

    private static readonly TimeSpan s_shortestPoll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(1);

    private readonly LlmCostsOptions _options;
    private readonly ImmutableArray<Budget> _inCode;
    private readonly ILedgerStore _store;
    private readonly PriceBook _prices;
    private readonly CostTelemetry _telemetry;
    private readonly BudgetNotifier _notifier;
    private readonly BudgetWatch _watch;
    private readonly ILogger _logger;
    private readonly BudgetCalendar _calendar;
    private readonly CountedWindows _counted = new();
    private readonly CountedWindows _refused = new();
    private Limits _limits = new(new BudgetSettings(-1, [], []), BudgetMatcher.Empty);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BudgetGuard(LlmCostsOptions options, ILedgerStore store, PriceBook prices, CostTelemetry telemetry, BudgetNotifier notifier, BudgetWatch watch, ILogger logger)
    {
        _watch = watch;
        _notifier = notifier;
        _options = options;
        _inCode = [.. options.Budgets];
        _store = store;
        _prices = prices;
        _telemetry = telemetry;
        _logger = logger;
        _calendar = new BudgetCalendar(options.TimeZone, options.WeekStart, options.FiscalYearStart);
        Adopt(store.SettingsAfter(-1) ?? BudgetSettings.None);
    }

    /// <summary>Whether any budget counts calls now. While there is none, one number is read from the ledger: another process may have set the first.</summary>
    public bool HasBudgets => !_limits.Matcher.IsEmpty || (Newer(_limits) is { } newer && !Adopt(newer).Matcher.IsEmpty);

    /// <summary>Lets a call pass, possibly shortened or to a cheaper model, or refuses it.</summary>
    /// <exception cref="BudgetExceededException">It does not fit into a budget of money.</exception>
    /// <exception cref="QuotaExceededException">It does not fit into a budget of tokens or requests.</exception>
    /// <exception cref="UnknownPriceException">A budget that refuses cannot hold it, because its price is not known.</exception>
    /// <exception cref="StoreUnavailableException">A budget that refuses cannot be checked.</exception>
    public async ValueTask<BudgetPass> AdmitAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        // Nobody measured what is sent because there was no budget; one that was set meanwhile counts from the next call on.
        if (ReferenceEquals(demand.Size, RequestSize.Empty) || !HasBudgets)
        {
            return new BudgetPass(this, demand, null, Money.Zero) { IsWatched = false };
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
                return new BudgetPass(this, demand with { MaxOutputTokens = admission.MaxOutputTokens }, admission.ReservationId, admission.Amount)
                {
                    FallbackModel = demand.Model == asked ? null : demand.Model,
                    ReservedAt = admission.At,
                    IsEnforced = admission.IsEnforced,
                    IsStrict = admission.IsStrict,
                    Held = admission.Held,
                    Note = note,
                };
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

            Refuse(demand with { Model = asked }, refusal, span);
            throw refusal.AsThrown();
        }
    }

    /// <summary>Holds what a further attempt can cost, and says since when. No id when no budget counts it.</summary>
    /// <exception cref="BudgetExceededException">It does not fit into a budget of money.</exception>
    /// <exception cref="QuotaExceededException">It does not fit into a budget of tokens or requests.</exception>
    public async ValueTask<(string? Id, DateTimeOffset? At)> HoldAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!HasBudgets)
        {
            return default;
        }

        var allowed = new Dictionary<string, string>(StringComparer.Ordinal);
        while (true)
        {
            var admission = await ReserveAsync(demand, mayCap: false, allowed, cancellationToken).ConfigureAwait(false);
            if (admission.Refusal is not { } refusal)
            {
                return (admission.ReservationId, admission.At);
            }

            var answer = await BudgetAnswer.AskAsync(demand, refusal, cancellationToken).ConfigureAwait(false);
            if (answer is not { IsAllowed: true })
            {
                refusal = answer?.Explain(refusal) ?? refusal;
                Refuse(demand, refusal, span);
                throw refusal.AsThrown();
            }

            allowed[refusal.Budget!.Id] = refusal.Budget.Name;
            Log.AllowedByApplication(_logger, refusal.Budget);
        }
    }

    /// <summary>
    /// For doors that see a call but cannot hold an amount for it: the refusal when a budget that refuses has nothing left, else null.
    /// It waits, as long as a reservation would, while only calls under way stand in the way.
    /// </summary>
    /// <exception cref="StoreUnavailableException">A budget that refuses cannot be checked.</exception>
    public async ValueTask<LlmCostException?> FindSpentAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!HasBudgets)
        {
            return null;
        }

        var now = _options.TimeProvider.GetUtcNow();
        var facts = _prices.Find(demand.Client.ProviderName, demand.Model, now, demand.Client.Host);
        var limits = Newer(_limits) is { } newer ? Adopt(newer) : _limits;
        var matching = limits.Matcher.Match(demand.Attribution, demand.Model, facts?.Model).FindAll(match => match.Budget.Mode != BudgetMode.Warn && match.Budget.Period != BudgetPeriod.PerCall);
        var needed = BudgetQuote.For(_prices, demand, facts, now)?.Estimate;
        if (needed == Money.Zero)
        {
            matching.RemoveAll(match => match.Budget.Unit == BudgetUnit.Usd);
        }

        if (matching.Count == 0)
        {
            return null;
        }

        var waitUntil = now + _options.ReservationWait;
        var poll = s_shortestPoll;
        while (true)
        {
            now = _options.TimeProvider.GetUtcNow();
            var changed = _changed.Task;
            var balances = await _store.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
            BudgetExceededException? refusal = null;
            var isSpent = false;
            foreach (var (budget, key) in matching)
            {
                var (startsAt, endsAt) = _calendar.WindowOf(budget, now);
                var none = BudgetAmount.Of(budget.Unit, 0);
                var limit = limits.Settings.LimitOf(budget, key, now);
                var balance = balances.FirstOrDefault(
                    balance => balance.Window.Budget.Id == budget.Id && balance.Window.Key == key && (balance.Window.StartsAt == startsAt || budget.Period == BudgetPeriod.Rolling),
                    new WindowBalance(new(budget, key, startsAt, endsAt), limit, none, none));
                if (!isSpent && balance.Spent + balance.Reserved >= limit)
                {
                    isSpent = balance.Spent >= limit;
                    DateTimeOffset? resetsAt = endsAt == DateTimeOffset.MaxValue || budget.Period == BudgetPeriod.Rolling ? null : endsAt;
                    var retryAfter = isSpent ? resetsAt - now : s_longestPoll;
                    refusal = Refused(budget, limit, balance.Spent, balance.Reserved, budget.Unit == BudgetUnit.Usd ? needed ?? Money.Zero : none, resetsAt, retryAfter).Refusal;
                }
            }

            if (refusal is null)
            {
                return null;
            }

            if (isSpent || now >= waitUntil)
            {
                Refuse(demand, refusal, span);
                return refusal.AsThrown();
            }

            await WaitAsync(changed, poll, cancellationToken).ConfigureAwait(false);
            poll = poll * 2 < s_longestPoll ? poll * 2 : s_longestPoll;
        }
    }

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
        if (_limits.Matcher.IsEmpty || record.Cost.Amount is not { Nanos: > 0 })
        {
            return;
        }

        foreach (var (budget, key) in _limits.Matcher.Match(record.Attribution, record.RequestedModel, record.ModelKey))
        {
            if (budget.Period != BudgetPeriod.PerCall)
            {
                var (startsAt, endsAt) = _calendar.WindowOf(budget, _options.TimeProvider.GetUtcNow());
                var window = new BudgetWindow(budget, key, startsAt, endsAt);
                if (_counted.Add(window))
                {
                    _notifier.Open(window);
                }
            }
        }
    }

    /// <summary>The budgets that count a call, each with what it allows a call now.</summary>
    public IReadOnlyList<(BudgetMatch Match, BudgetAmount Limit)> Matching(Attribution attribution, string? model, string? modelKey)
    {
        var limits = Newer(_limits) is { } newer ? Adopt(newer) : _limits;
        var now = _options.TimeProvider.GetUtcNow();
        return [.. limits.Matcher.Match(attribution, model, modelKey).Select(match => (match, limits.Settings.LimitOf(match.Budget, match.Key, now)))];
    }

    /// <summary>Wakes the calls that wait for others' reservations.</summary>
    public void Changed()
    {
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        _watch.Wake();
    }

    private async ValueTask<Admission> ReserveAsync(BudgetDemand demand, bool mayCap, IReadOnlyDictionary<string, string> allowed, CancellationToken cancellationToken)
    {
        var limits = _limits;
        var began = _options.TimeProvider.GetUtcNow();
        while (true)
        {
            var admission = await ReserveAsync(limits, demand, mayCap, allowed, began, cancellationToken).ConfigureAwait(false);
            if (admission.Newer is null)
            {
                return admission;
            }

            limits = Adopt(admission.Newer);
        }
    }

    /// <param name="limits">The budgets that hold.</param>
    /// <param name="demand">What the call asks for.</param>
    /// <param name="mayCap">Whether its answer may be shortened.</param>
    /// <param name="allowed">The budgets that the application lets it exceed, by id.</param>
    /// <param name="began">Since when it waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async ValueTask<Admission> ReserveAsync(
        Limits limits, BudgetDemand demand, bool mayCap, IReadOnlyDictionary<string, string> allowed, DateTimeOffset began, CancellationToken cancellationToken)
    {
        var now = _options.TimeProvider.GetUtcNow();
        var facts = _prices.Find(demand.Client.ProviderName, demand.Model, now, demand.Client.Host);
        var matching = limits.Matcher.Match(demand.Attribution, demand.Model, facts?.Model);

        // A reservation learns in its own transaction that limits were set meanwhile. A call that reserves nothing looks for itself.
        if (matching.TrueForAll(match => match.Budget.Period == BudgetPeriod.PerCall) && Newer(limits) is { } newer)
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
            return Newer(limits) is { } meanwhile ? new Admission { Newer = meanwhile }
                : !enforced ? new Admission { MaxOutputTokens = demand.MaxOutputTokens }
                : throw Unpriced(demand, facts, matching.First(match => match.Budget.Mode != BudgetMode.Warn && match.Budget.Unit != BudgetUnit.Requests).Budget, now);
        }

        // Only a strict budget needs a bound where nobody gives one; the others leave the call as it is.
        var cappedBy = quote.InitialCap is null ? null : matching.FirstOrDefault(match => match.Budget is { Mode: BudgetMode.Strict, Unit: not BudgetUnit.Requests }).Budget;
        var cap = cappedBy is null ? null : quote.InitialCap;
        var (initialCap, initiallyCappedBy) = (cap, cappedBy);
        var poll = s_shortestPoll;
        var id = CallToken.NewId();
        Money? held = null;
        while (true)
        {
            // The windows are those of this moment: a call may have waited across midnight.
            now = _options.TimeProvider.GetUtcNow();
            var changed = _changed.Task;
            var amounts = new Amounts(quote.Ceiling(cap), quote.Estimate, quote.TokenCeiling(cap), quote.TokenEstimate, quote.IsPriced);
            if (PerCallRefusal(limits.Settings, matching, allowed, amounts, now) is var (tooDear, perCall))
            {
                if (mayCap && tooDear.Mode == BudgetMode.Strict && quote.LargestAnswerWithin(perCall) is { } shorter && quote.IsShorter(shorter, cap))
                {
                    (cap, cappedBy) = (shorter, tooDear);
                    continue;
                }

                var none = BudgetAmount.Of(tooDear.Unit, 0);
                return Newer(limits) is { } raised ? new Admission { Newer = raised } : Refused(tooDear, perCall, none, none, amounts.Of(tooDear), null, null);
            }

            var request = Request(id, demand, facts, matching, allowed, amounts, now) with { SettingsRevision = limits.Settings.Revision };
            if (request.Holds.IsEmpty)
            {
                return Admitted(null);
            }

            ReservationOutcome outcome;
            try
            {
                outcome = await _store.ReserveAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (StoreUnavailableException exception) when (!enforced)
            {
                Log.StoreUnavailable(_logger, exception.Message);
                return Admitted(null);
            }
            catch (OperationCanceledException)
            {
                // What was accepted is written although nobody waits for it; without this the hold would stay until it is booked in full.
                _ = VoidAsync(id).AsTask();
                throw;
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

            // Every enforced hold is looked at, not only the first that refused: a shorter answer must fit all of them.
            var balances = outcome.Balances;
            var left = new List<BudgetAmount>(balances.Length);
            var leftNow = new List<BudgetAmount>(balances.Length);
            var blocking = outcome.RefusedBy;
            for (var i = 0; i < balances.Length; i++)
            {
                var hold = request.Holds[i];
                if (!hold.Enforced)
                {
                    continue;
                }

                var unspent = balances[i].Limit - balances[i].Spent;
                if (hold.Amount.Count > 0 && hold.Amount > unspent && (!IsSpent(blocking) || (MayWait(blocking) && !MayWait(i))))
                {
                    // Of several that have nothing left, one that does not wait decides.
                    blocking = i;
                }

                if (hold.Window.Budget.Mode == BudgetMode.Strict && hold.Amount.Count > 0)
                {
                    left.Add(unspent);
                    leftNow.Add(unspent - balances[i].Reserved);
                }
            }

            var balance = balances[blocking];
            var budget = request.Holds[blocking].Window.Budget;
            var isSpent = IsSpent(blocking);
            var patience = budget.LongestWait is { } longest && longest > _options.ReservationWait ? longest : _options.ReservationWait;
            var mayStillFit = !isSpent && now < began + patience;
            if (mayCap && budget.Mode == BudgetMode.Strict && !mayStillFit && quote.LargestAnswerWithin(isSpent ? left : leftNow) is { } answer && quote.IsShorter(answer, cap))
            {
                (cap, cappedBy) = (answer, budget);
                continue;
            }

            if (!mayStillFit)
            {
                var window = request.Holds[blocking].Window;
                if (isSpent && MayWait(blocking))
                {
                    // Looked at once a second meanwhile: a limit may be raised, and other calls may give back what they held.
                    var until = RoomAt(blocking)!.Value;
                    var pause = until - now < s_longWait ? until - now : s_longWait;
                    Log.WaitingForBudget(_logger, budget, until);
                    (cap, cappedBy) = (initialCap, initiallyCappedBy);
                    await WaitAsync(changed, pause > s_shortestPoll ? pause : s_shortestPoll, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                var resetsAt = ResetsAt(blocking);
                var retryAfter = !isSpent ? s_longestPoll : CouldFit(blocking) ? resetsAt - now : null;
                return Refused(budget, balance.Limit, balance.Spent, balance.Reserved, request.Holds[blocking].Amount, resetsAt, retryAfter, window);
            }

            await WaitAsync(changed, poll, cancellationToken).ConfigureAwait(false);
            poll = poll * 2 < s_longestPoll ? poll * 2 : s_longestPoll;

            bool IsSpent(int i) => request.Holds[i].Amount > balances[i].Limit - balances[i].Spent;

            bool CouldFit(int i) => request.Holds[i].Amount <= balances[i].Limit
                || (mayCap && request.Holds[i].Window.Budget.Mode == BudgetMode.Strict && quote.LargestAnswerWithin(balances[i].Limit) is not null);

            DateTimeOffset? ResetsAt(int i) => request.Holds[i].Window is { Budget.Period: not BudgetPeriod.Rolling, EndsAt: var endsAt }
                ? endsAt == DateTimeOffset.MaxValue ? null : endsAt
                : balances[i].FitsAt;

            // When a rolling span has room for a shorter answer is not known, only when it has for the whole one.
            DateTimeOffset? RoomAt(int i) => ResetsAt(i) ?? (request.Holds[i].Window.Budget.Period == BudgetPeriod.Rolling ? began + request.Holds[i].Window.Budget.LongestWait : null);

            bool MayWait(int i) => began + request.Holds[i].Window.Budget.LongestWait is { } deadline && now < deadline && RoomAt(i) <= deadline && CouldFit(i);
        }

        Admission Admitted(string? reservationId)
        {
            if (cap is not null && cap != demand.MaxOutputTokens && cappedBy is not null)
            {
                Log.MaxOutputTokensCapped(_logger, cap.Value, cappedBy);
                return new()
                {
                    ReservationId = reservationId,
                    At = reservationId is null ? null : now,
                    IsEnforced = enforcedInMoney,
                    IsStrict = strict,
                    Held = held,
                    Amount = quote.Ceiling(cap),
                    MaxOutputTokens = cap,
                    Note = $"MaxOutputTokens was set to {cap} to fit budget '{cappedBy.Name}'",
                };
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
            };
        }
    }

    /// <summary>The limits that were set since; null when there are none, or the ledger cannot be asked.</summary>
    private BudgetSettings? Newer(Limits known)
    {
        try
        {
            return _store.SettingsAfter(known.Settings.Revision);
        }
        catch (Exception exception) when (exception is StoreUnavailableException or ObjectDisposedException)
        {
            Log.StoreUnavailable(_logger, exception.Message);
            return null;
        }
    }

    private Limits Adopt(BudgetSettings settings)
    {
        var limits = new Limits(settings, new BudgetMatcher(settings.Over(_inCode)));
        _limits = limits;
        return limits;
    }

    private ReservationRequest Request(string id, BudgetDemand demand, ModelFacts? facts, List<BudgetMatch> matching, IReadOnlyDictionary<string, string> allowed, Amounts amounts, DateTimeOffset now)
    {
        var holds = ImmutableArray.CreateBuilder<Hold>(matching.Count);
        foreach (var (budget, key) in matching)
        {
            if (budget.Period != BudgetPeriod.PerCall)
            {
                var (startsAt, endsAt) = _calendar.WindowOf(budget, now);
                holds.Add(new Hold(new BudgetWindow(budget, key, startsAt, endsAt), amounts.Of(budget), budget.Mode != BudgetMode.Warn && !allowed.ContainsKey(budget.Id)));
            }
        }

        return new ReservationRequest
        {
            Record = new UsageRecord
            {
                Id = id,
                CallId = demand.CallId,
                Attempt = demand.Attempt,
                At = now,
                Operation = demand.Operation,
                Provider = demand.Client.ProviderName ?? facts?.Provider,
                RequestedModel = demand.Model,
                Model = demand.Model,
                ModelKey = facts?.Model,
                Status = CallStatus.Assumed,
                Cost = amounts.IsPriced
                    ? CallCost.Between(Money.Zero, amounts.Ceiling, "The process that made this call ended before the answer was recorded")
                    : CallCost.Unpriced($"The price of '{demand.Model}' is not known"),
                UsageSource = "none",
                Attribution = demand.Attribution,
            },
            Holds = holds.DrainToImmutable(),
            Timeout = _options.ReservationTimeout,
            Durable = _options.ReservationsSurvivePowerLoss,
        };
    }

    private static (Budget Budget, BudgetAmount Limit)? PerCallRefusal(BudgetSettings settings, List<BudgetMatch> matching, IReadOnlyDictionary<string, string> allowed, Amounts amounts, DateTimeOffset now)
    {
        foreach (var (budget, key) in matching)
        {
            if (budget.Period == BudgetPeriod.PerCall && budget.Mode != BudgetMode.Warn && !allowed.ContainsKey(budget.Id) && settings.LimitOf(budget, key, now) is var limit && amounts.Of(budget) > limit)
            {
                return (budget, limit);
            }
        }

        return null;
    }

    private void Refuse(BudgetDemand demand, BudgetExceededException refusal, CallSpan span)
    {
        _telemetry.Rejected(span, refusal.Budget!);
        Log.BudgetRefused(_logger, refusal.Budget!, refusal.Tally.Requested, refusal.Tally.Limit - refusal.Tally.Spent);
        if (refusal.Window is { } refusedIn)
        {
            var now = _options.TimeProvider.GetUtcNow();
            var window = refusedIn.ForNotices(now);
            if (_refused.Add(window, refusal.Tally.Limit))
            {
                _notifier.GiveOnce(window, "refusal", BudgetNotice.Of(BudgetNoticeKind.Refusal, window, refusal.Tally.Limit, refusal.Tally.Spent, refusal.Tally.Reserved, now));
            }
        }

        _store.AppendLater(new UsageRecord
        {
            Id = CallToken.NewId(),
            CallId = demand.CallId,
            Attempt = demand.Attempt,
            At = _options.TimeProvider.GetUtcNow(),
            Operation = demand.Operation,
            Provider = demand.Client.ProviderName,
            RequestedModel = demand.Model,
            Status = CallStatus.Blocked,
            Cost = CallCost.Known(Money.Zero) with { Reason = $"Refused by budget '{refusal.Budget!.Name}'" },
            UsageSource = "none",
            Error = refusal.AsThrown().GetType().Name,
            Attribution = demand.Attribution,
            TraceId = span.TraceId,
            SpanId = span.SpanId,
        });
    }

    private async ValueTask WaitAsync(Task changed, TimeSpan poll, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(changed, Task.Delay(poll, _options.TimeProvider, timeout.Token)).ConfigureAwait(false);
        await timeout.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private UnknownPriceException Unpriced(BudgetDemand demand, ModelFacts? facts, Budget budget, DateTimeOffset at)
    {
        var why = facts is null
            ? $"The price of model '{demand.Model}'{(demand.Client.ProviderName is { } provider ? $" of provider '{provider}'" : "")} is not known, so budget '{budget.Name}' cannot hold the call. "
                + "Add it with options.Prices.Add(new ModelPrice(...)), map a deployment with options.ModelAliases, or use .Warn() on the budget."
            : demand.ServiceTier is { } tier && BudgetQuote.For(_prices, demand with { ServiceTier = null }, facts, at) is not null
            ? $"The price of model '{demand.Model}' in the service tier '{tier}' is not known, so budget '{budget.Name}' cannot hold the call. "
                + "Ask for another tier, add the price of this one with options.Prices, or use .Warn() on the budget."
            : demand.HasOutput && BudgetQuote.For(_prices, demand with { HasOutput = false }, facts, at) is not null
            ? $"The price of model '{demand.Model}' names no rate for answers, so budget '{budget.Name}' cannot hold a chat call to it. "
                + "Ask a model that answers, add the rate with options.Prices, or use .Warn() on the budget."
            : $"What the call can cost cannot be bounded, because {demand.Size.Unbounded ?? "the model's limits are not known"}, so budget '{budget.Name}' cannot hold it. "
                + $"Give the model's ContextWindow and MaxOutputTokens with options.Prices, or use .Warn() on the budget.";
        return new UnknownPriceException(why) { Model = demand.Model, Provider = demand.Client.ProviderName };
    }

    private static Admission Refused(Budget budget, BudgetAmount limit, BudgetAmount spent, BudgetAmount reserved, BudgetAmount requested, DateTimeOffset? resetsAt, TimeSpan? retryAfter, BudgetWindow? window = null)
    {
        var state = budget.Period == BudgetPeriod.PerCall ? $"; this call may need {requested}." : $"; {spent} is spent and {reserved} reserved, and this call may need {requested}.";
        var reset = resetsAt is null ? ""
            : budget.Period == BudgetPeriod.Rolling ? string.Create(CultureInfo.InvariantCulture, $" It may fit from {resetsAt:yyyy-MM-dd HH:mm:ss} UTC.")
            : string.Create(CultureInfo.InvariantCulture, $" The next period begins at {resetsAt:yyyy-MM-dd HH:mm} UTC.");
        var inMoney = budget.Unit == BudgetUnit.Usd;
        return new Admission
        {
            Refusal = new BudgetExceededException($"Budget '{budget.Name}' allows {budget.Sentence(limit)}{state}{reset}")
            {
                Budget = budget,
                Tally = new BudgetTally(limit, spent, reserved, requested),
                Limit = inMoney ? limit.Money : Money.MaxValue,
                Spent = inMoney ? spent.Money : Money.Zero,
                Reserved = inMoney ? reserved.Money : Money.Zero,
                Requested = inMoney ? requested.Money : Money.Zero,
                ResetsAt = resetsAt,
                RetryAfter = retryAfter,
                Window = window,
            },
        };
    }

    private static string? Joined(string first, string? second) => second is null ? first : $"{first}; {second}";

    /// <summary>The budgets that hold: what is set at run time over what is given in code.</summary>
    private sealed record Limits(BudgetSettings Settings, BudgetMatcher Matcher);

    /// <summary>What each kind of budget holds for the call.</summary>
    private readonly record struct Amounts(Money Ceiling, Money Estimate, long Tokens, long LikelyTokens, bool IsPriced)
    {
        public BudgetAmount Of(Budget budget) => budget.Unit switch
        {
            BudgetUnit.Usd => budget.Mode == BudgetMode.Strict ? Ceiling : Estimate,
            BudgetUnit.Tokens => BudgetAmount.Tokens(budget.Mode == BudgetMode.Strict ? Tokens : LikelyTokens),
            _ => BudgetAmount.Requests(1),
        };
    }

    private sealed record Admission
    {
        public string? ReservationId { get; init; }

        /// <summary>When the amount was held, which decides the windows it belongs to; null when nothing is held.</summary>
        public DateTimeOffset? At { get; init; }

        public bool IsEnforced { get; init; }

        public bool IsStrict { get; init; }

        public Money? Held { get; init; }

        public Money Amount { get; init; }

        public int? MaxOutputTokens { get; init; }

        public string? Note { get; init; }

        public BudgetExceededException? Refusal { get; init; }

        /// <summary>Limits were set meanwhile: nothing is held, and the call is to be looked at anew.</summary>
        public BudgetSettings? Newer { get; init; }
    }
}
