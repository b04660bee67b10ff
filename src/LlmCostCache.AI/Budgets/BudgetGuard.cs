using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Decides whether a call may be sent. The story: which budgets count this call; what is the most it can cost; hold that amount in all of them or in none;
/// if it does not fit, shorten the answer, wait for calls under way, ask the cheaper model, or refuse. Nothing here knows how a call is transported.
/// </summary>
internal sealed class BudgetGuard
{
    /// <summary>Fewer tokens than this are no answer; a call that affords fewer is refused.</summary>
    public const int SmallestAnswer = 256;

    private const int MaxWarned = 10_000;

    private static readonly TimeSpan s_shortestPoll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMilliseconds(250);

    private readonly LlmCostsOptions _options;
    private readonly ImmutableArray<Budget> _inCode;
    private readonly ILedgerStore _store;
    private readonly PriceBook _prices;
    private readonly CostTelemetry _telemetry;
    private readonly ILogger _logger;
    private readonly BudgetCalendar _calendar;
    private readonly ConcurrentDictionary<string, bool> _warned = new(StringComparer.Ordinal);
    private Limits _limits = new(new BudgetSettings(-1, [], []), BudgetMatcher.Empty);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BudgetGuard(LlmCostsOptions options, ILedgerStore store, PriceBook prices, CostTelemetry telemetry, ILogger logger)
    {
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
    /// <exception cref="BudgetExceededException">It does not fit.</exception>
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
        while (true)
        {
            var admission = await ReserveAsync(demand, mayCap: demand.HasOutput, cancellationToken).ConfigureAwait(false);
            if (admission.Refusal is not { } refusal)
            {
                var note = demand.Model == asked ? admission.Note : Joined($"'{demand.Model}' was asked instead of '{asked}'", admission.Note);
                return new BudgetPass(this, demand with { MaxOutputTokens = admission.MaxOutputTokens }, admission.ReservationId, admission.Amount)
                {
                    FallbackModel = demand.Model == asked ? null : demand.Model,
                    ReservedAt = admission.At,
                    IsEnforced = admission.IsEnforced,
                    Note = note,
                };
            }

            if (refusal.Budget?.FallbackModel is { } cheaper && tried.Add(cheaper))
            {
                Log.FallbackModel(_logger, demand.Model ?? "", cheaper, refusal.Budget);
                demand = demand with { Model = cheaper };
                continue;
            }

            Refuse(demand with { Model = asked }, refusal, span);
            throw refusal;
        }
    }

    /// <summary>Holds what a further attempt can cost, and says since when. No id when no budget counts it.</summary>
    /// <exception cref="BudgetExceededException">It does not fit.</exception>
    public async ValueTask<(string? Id, DateTimeOffset? At)> HoldAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!HasBudgets)
        {
            return default;
        }

        var admission = await ReserveAsync(demand, mayCap: false, cancellationToken).ConfigureAwait(false);
        if (admission.Refusal is not { } refusal)
        {
            return (admission.ReservationId, admission.At);
        }

        Refuse(demand, refusal, span);
        throw refusal;
    }

    /// <summary>
    /// For doors that see a call but cannot hold an amount for it: the refusal when a budget that refuses has nothing left, else null.
    /// It waits, as long as a reservation would, while only calls under way stand in the way.
    /// </summary>
    /// <exception cref="StoreUnavailableException">A budget that refuses cannot be checked.</exception>
    public async ValueTask<BudgetExceededException?> FindSpentAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
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
        if (matching.Count == 0 || (needed == Money.Zero && matching.TrueForAll(match => match.Budget.Unit == BudgetUnit.Usd)))
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
                    balance => balance.Window.Budget.Id == budget.Id && balance.Window.Key == key && balance.Window.StartsAt == startsAt,
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
                return refusal;
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

    /// <summary>Wakes the calls that wait for others' reservations.</summary>
    public void Changed() => Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private async ValueTask<Admission> ReserveAsync(BudgetDemand demand, bool mayCap, CancellationToken cancellationToken)
    {
        var limits = _limits;
        while (true)
        {
            var admission = await ReserveAsync(limits, demand, mayCap, cancellationToken).ConfigureAwait(false);
            if (admission.Newer is null)
            {
                return admission;
            }

            limits = Adopt(admission.Newer);
        }
    }

    private async ValueTask<Admission> ReserveAsync(Limits limits, BudgetDemand demand, bool mayCap, CancellationToken cancellationToken)
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
            return !enforced ? new Admission { MaxOutputTokens = demand.MaxOutputTokens }
                : Newer(limits) is { } meanwhile ? new Admission { Newer = meanwhile }
                : throw Unpriced(demand, facts, matching.First(match => match.Budget.Mode != BudgetMode.Warn && match.Budget.Unit != BudgetUnit.Requests).Budget, now);
        }

        // Only a strict budget needs a bound where nobody gives one; the others leave the call as it is.
        var cappedBy = quote.InitialCap is null ? null : matching.FirstOrDefault(match => match.Budget is { Mode: BudgetMode.Strict, Unit: not BudgetUnit.Requests }).Budget;
        var cap = cappedBy is null ? null : quote.InitialCap;
        var waitUntil = now + _options.ReservationWait;
        var poll = s_shortestPoll;
        var id = CallToken.NewId();
        while (true)
        {
            // The windows are those of this moment: a call may have waited across midnight.
            now = _options.TimeProvider.GetUtcNow();
            var changed = _changed.Task;
            var amounts = new Amounts(quote.Ceiling(cap), quote.Estimate, quote.TokenCeiling(cap), quote.TokenEstimate, quote.IsPriced);
            if (PerCallRefusal(limits.Settings, matching, amounts, now) is var (tooDear, perCall))
            {
                if (mayCap && tooDear.Mode == BudgetMode.Strict && quote.LargestAnswerWithin(perCall) is { } shorter && quote.IsShorter(shorter, cap))
                {
                    (cap, cappedBy) = (shorter, tooDear);
                    continue;
                }

                var none = BudgetAmount.Of(tooDear.Unit, 0);
                return Newer(limits) is { } raised ? new Admission { Newer = raised } : Refused(tooDear, perCall, none, none, amounts.Of(tooDear), null, null);
            }

            var request = Request(id, demand, facts, matching, amounts, now) with { SettingsRevision = limits.Settings.Revision };
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

            WarnIfNear(request, outcome);
            if (outcome.Accepted)
            {
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
                if (hold.Amount > unspent)
                {
                    blocking = i;
                }

                if (hold.Window.Budget.Mode == BudgetMode.Strict)
                {
                    left.Add(unspent);
                    leftNow.Add(unspent - balances[i].Reserved);
                }
            }

            var balance = balances[blocking];
            var budget = request.Holds[blocking].Window.Budget;
            var isSpent = request.Holds[blocking].Amount > balance.Limit - balance.Spent;
            var mayStillFit = !isSpent && now < waitUntil;
            if (mayCap && budget.Mode == BudgetMode.Strict && !mayStillFit && quote.LargestAnswerWithin(isSpent ? left : leftNow) is { } answer && quote.IsShorter(answer, cap))
            {
                (cap, cappedBy) = (answer, budget);
                continue;
            }

            if (!mayStillFit)
            {
                var window = request.Holds[blocking].Window;
                DateTimeOffset? resetsAt = budget.Period == BudgetPeriod.Rolling ? balance.FitsAt : window.EndsAt == DateTimeOffset.MaxValue ? null : window.EndsAt;
                return Refused(budget, balance.Limit, balance.Spent, balance.Reserved, request.Holds[blocking].Amount, resetsAt, isSpent ? resetsAt - now : s_longestPoll);
            }

            await WaitAsync(changed, poll, cancellationToken).ConfigureAwait(false);
            poll = poll * 2 < s_longestPoll ? poll * 2 : s_longestPoll;
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

    private ReservationRequest Request(string id, BudgetDemand demand, ModelFacts? facts, List<BudgetMatch> matching, Amounts amounts, DateTimeOffset now)
    {
        var holds = ImmutableArray.CreateBuilder<Hold>(matching.Count);
        foreach (var (budget, key) in matching)
        {
            if (budget.Period != BudgetPeriod.PerCall)
            {
                var (startsAt, endsAt) = _calendar.WindowOf(budget, now);
                holds.Add(new Hold(new BudgetWindow(budget, key, startsAt, endsAt), amounts.Of(budget), budget.Mode != BudgetMode.Warn));
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

    private static (Budget Budget, BudgetAmount Limit)? PerCallRefusal(BudgetSettings settings, List<BudgetMatch> matching, Amounts amounts, DateTimeOffset now)
    {
        foreach (var (budget, key) in matching)
        {
            if (budget.Period == BudgetPeriod.PerCall && budget.Mode != BudgetMode.Warn && settings.LimitOf(budget, key, now) is var limit && amounts.Of(budget) > limit)
            {
                return (budget, limit);
            }
        }

        return null;
    }

    private void WarnIfNear(ReservationRequest request, ReservationOutcome outcome)
    {
        for (var i = 0; i < outcome.Balances.Length; i++)
        {
            var (window, limit, spent, reserved) = outcome.Balances[i];
            var after = outcome.Accepted ? spent + reserved + request.Holds[i].Amount : spent + reserved;
            var crossed = after > limit ? "100" : after.Count > 0.8m * limit.Count ? "80" : null;
            if (_warned.Count > MaxWarned)
            {
                // Windows of the past, as a rule; a warning said twice is better than memory that grows with every session.
                _warned.Clear();
            }

            if (crossed is not null && _warned.TryAdd($"{window.Budget.Id}/{window.Key}/{window.StartsAt.UtcTicks}/{crossed}", true))
            {
                Log.BudgetWarning(_logger, window.Budget, after, limit);
            }
        }
    }

    private void Refuse(BudgetDemand demand, BudgetExceededException refusal, CallSpan span)
    {
        _telemetry.Rejected(span, refusal.Budget!);
        Log.BudgetRefused(_logger, refusal.Budget!, refusal.Tally.Requested, refusal.Tally.Limit - refusal.Tally.Spent);
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
            Error = nameof(BudgetExceededException),
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
                + $"Give the model's ContextWindow and MaxOutputTokens with options.Prices, or use .Balanced() or .Warn() on the budget.";
        return new UnknownPriceException(why) { Model = demand.Model, Provider = demand.Client.ProviderName };
    }

    private static Admission Refused(Budget budget, BudgetAmount limit, BudgetAmount spent, BudgetAmount reserved, BudgetAmount requested, DateTimeOffset? resetsAt, TimeSpan? retryAfter)
    {
        var state = budget.Period == BudgetPeriod.PerCall ? $"; this call may need {requested}." : $"; {spent} is spent and {reserved} reserved, and this call may need {requested}.";
        var reset = resetsAt is null ? "" : budget.Period == BudgetPeriod.Rolling ? $" It may fit from {resetsAt:yyyy-MM-dd HH:mm:ss} UTC." : $" The next period begins at {resetsAt:yyyy-MM-dd HH:mm} UTC.";
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

        public Money Amount { get; init; }

        public int? MaxOutputTokens { get; init; }

        public string? Note { get; init; }

        public BudgetExceededException? Refusal { get; init; }

        /// <summary>Limits were set meanwhile: nothing is held, and the call is to be looked at anew.</summary>
        public BudgetSettings? Newer { get; init; }
    }
}
