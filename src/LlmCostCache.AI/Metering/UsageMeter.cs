using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Turns what a provider reports into one ledger row. The story: an attempt gets an id and a reservation before it is sent; when it ends, its usage is priced,
/// and row, budgets and roll-ups are settled in one transaction. From the moment the provider may have charged, nothing stops the bookkeeping.
/// </summary>
internal sealed class UsageMeter
{
    private const int MaxKnownUnpriced = 1_000;

    private readonly LlmCostsOptions _options;
    private readonly ILedgerStore _store;
    private readonly PriceBook _prices;
    private readonly AttemptPricing _pricing;
    private readonly CostTelemetry _telemetry;
    private readonly BudgetGuard _budgets;
    private readonly Spool _spool;
    private readonly TokenRefiner _refiner;
    private readonly MonthlyRequests _requests;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, bool> _unpricedModels = new(StringComparer.OrdinalIgnoreCase);
    private readonly BackgroundAnswers _background = new();
    private readonly LimitBreakers _limitBreakers;

    public UsageMeter(LlmCostsOptions options, ILedgerStore store, PriceBook prices, CostTelemetry telemetry, BudgetGuard budgets, Spool spool, TokenRefiner refiner, ILogger logger)
    {
        _options = options;
        _store = store;
        _prices = prices;
        _pricing = new(options, prices, logger);
        _telemetry = telemetry;
        _budgets = budgets;
        _spool = spool;
        _refiner = refiner;
        _requests = new(prices, store, options.TimeProvider, logger);
        _logger = logger;
        _limitBreakers = new(logger);
        Usage = new UsageReader(options, logger);
    }

    /// <summary>Takes apart what providers report.</summary>
    public UsageReader Usage { get; }

    /// <summary>Whether a token fetches an answer that was begun and booked here. One that is not known, or that an adapter may pass over, is held like any request.</summary>
    public bool HasBegun(ClientIdentity client, ResponseContinuationToken? continuation) => continuation is not null && _background.Knows(client, continuation);

    /// <summary>Makes the attempt: its id is its reservation's, so that the two settle together.</summary>
    /// <exception cref="BudgetExceededException">A further attempt of the same call does not fit.</exception>
    public async ValueTask<MeteredAttempt> BeginAsync(CallToken token, ClientIdentity client, string operation, string? model, int? maxOutputTokens, bool hasOutput,
        string? serviceTier, bool streamed, bool aggregated, Func<RequestSize> measure, RunWatch? countedBy, CancellationToken cancellationToken, ResponseContinuationToken? continuation = null)
    {
        MeterWatch.Of(operation)?.Begin(heldBudget: token.Budget is not null, token.FellBack);
        var outer = token.OuterOf(operation);
        var takenOver = outer?.TryEnd() == true ? outer : null;
        var number = takenOver?.Number ?? token.NextAttempt();
        AttemptHold? hold = null;
        if (token.Budget is { IsWatched: true } pass && (takenOver?.Hold is not null || !HasBegun(client, continuation)))
        {
            var demand = new BudgetDemand
            {
                CallId = token.Id,
                Operation = operation,
                Attribution = token.Attribution,
                Client = client,
                Model = model,
                Size = measure(),
                MaxOutputTokens = maxOutputTokens,
                HasOutput = hasOutput,
                ServiceTier = serviceTier,
                IsAggregated = aggregated,
                Attempt = number,
            };
            try
            {
                hold = await pass.TakeAsync(demand, takenOver?.Hold, token.Span, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                countedBy?.TakeBack();
                throw;
            }
        }

        // One whose reservation was given back is over.
        var id = hold?.ReservationId ?? (takenOver?.Hold is null || ReferenceEquals(takenOver.Hold, hold) ? takenOver?.Id : null) ?? CallToken.NewId();

        // A row belongs to the window that held it, however long the call was on its way here.
        var attempt = new MeteredAttempt(id, token, number, hold, client, operation, model, hold is null ? maxOutputTokens : hold.Demand.MaxOutputTokens, streamed, aggregated,
            hold?.At ?? takenOver?.At ?? _options.TimeProvider.GetUtcNow(), _options.TimeProvider.GetTimestamp(), measure)
        {
            // Telemetry between the cache and here has made a chat span that states its tokens itself.
            Span = token.Span.IsOwn ? _telemetry.Begin(operation, model, token.Span) : token.Span,
            IsInner = outer is not null,
            ServiceTier = serviceTier,
            HasOutput = hasOutput,
            CountedBy = countedBy,
            IsContinuation = continuation is not null,
        };
        attempt.Limit = streamed && hold is { IsStrict: true } && _pricing.LimitOf(attempt) is { } longest ? new AnswerLimit(longest, !_limitBreakers.Has(attempt)) : null;
        return attempt;
    }

    /// <summary>
    /// Records an answer although a meter further in took the attempt over, if it is not the one that was counted there: a client in between, a guard for
    /// instance, may ask another metered client before it asks the provider. Null when it is that one, or nobody can tell.
    /// </summary>
    public async ValueTask<(string Id, CallCost Cost)?> CompleteOtherAsync(MeteredAttempt attempt, AnswerFacts facts)
    {
        if (facts.Usage is not { } usage || attempt.Token.HasCounted(facts.ResponseId, usage.Usage))
        {
            return null;
        }

        var other = new MeteredAttempt(CallToken.NewId(), attempt.Token, attempt.Token.NextAttempt(), attempt.Hold is null ? null : attempt.Hold with { ReservationId = null, At = null }, attempt.Client, attempt.Operation, attempt.RequestedModel,
            attempt.MaxOutputTokens, attempt.Streamed, attempt.IsAggregated, attempt.At, attempt.StartedAt, () => attempt.Size)
        {
            Span = attempt.Span,
            IsInner = attempt.IsInner,
            ServiceTier = attempt.ServiceTier,
            HasOutput = attempt.HasOutput,
        };
        return await CompleteAsync(other, facts).ConfigureAwait(false) is { } cost ? (other.Id, cost) : null;
    }

    /// <summary>Tells the ledger that a long stream is still alive, well before its reservation's deadline; costs a look at the clock otherwise.</summary>
    public ValueTask KeepAliveAsync(MeteredAttempt attempt)
    {
        if (attempt.Hold is not { At: not null } || _options.TimeProvider.GetElapsedTime(attempt.ExtendedAt) < _options.ReservationTimeout / 3)
        {
            return ValueTask.CompletedTask;
        }

        attempt.ExtendedAt = _options.TimeProvider.GetTimestamp();
        return ExtendAsync();

        async ValueTask ExtendAsync()
        {
            try
            {
                await _store.ExtendAsync(attempt.Id, _options.ReservationTimeout, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StoreUnavailableException exception)
            {
                // If it stays away the reservation expires, is booked in full, and the end of the stream corrects it.
                Log.StoreUnavailable(_logger, exception.Message);
            }
        }
    }

    /// <summary>Records an answer, whole or cut. Returns what it cost; null when the attempt had ended already.</summary>
    public async ValueTask<CallCost?> CompleteAsync(MeteredAttempt attempt, AnswerFacts facts)
    {
        if (!attempt.TryEnd())
        {
            return null;
        }

        if (attempt.IsContinuation && await ContinuedAsync(attempt, facts).ConfigureAwait(false) is { } continued)
        {
            return continued;
        }

        var tier = facts.ServiceTier ?? attempt.Span.ServiceTier ?? facts.RequestedTier;
        var model = facts.Model ?? attempt.RequestedModel;
        var record = Record(attempt) with
        {
            Model = model,
            Status = facts.IsIncomplete || facts.IsUnderWay ? CallStatus.Incomplete : CallStatus.Ok,
            ServiceTier = tier,
            Region = facts.Region,
            FinishReason = facts.FinishReason,
            ResponseId = facts.ResponseId,
            TimeToFirstChunk = facts.TimeToFirstChunk,
            Error = facts.Error,
        };
        try
        {
            record = record with { RequestsBefore = await _requests.BeforeAsync(record.Provider, model, attempt.At, attempt.Client.Host).ConfigureAwait(false) };
            record = facts.Usage is { } usage ? _pricing.Priced(attempt, record, usage, facts, tier) : _pricing.Estimated(attempt, record, facts, tier);
            if (AttemptPricing.HasBrokenLimit(attempt, facts))
            {
                _limitBreakers.Add(attempt);
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Nothing that goes wrong in counting may cost the caller an answer that was paid for.
            record = record with { Cost = CallCost.Unpriced($"The cost could not be computed ({exception.GetType().Name})"), UsageSource = "none" };
        }

        if (facts.Usage is null && !facts.IsUnderWay)
        {
            Log.UsageMissing(_logger, model ?? "", record.Provider ?? "");
        }

        if (attempt.IsInner)
        {
            attempt.Token.Counted(facts.ResponseId, facts.Usage?.Usage);
        }

        var cost = await PostAsync(attempt, record).ConfigureAwait(false);
        _requests.Add(record.Provider, model, attempt.At, attempt.Client.Host, record.Cost.Usage.Requests);
        var purchase = Purchase.Of(record, attempt.Client.Host);
        attempt.Token.Bought(purchase);
        MeterWatch.Of(attempt.Operation)?.End(cost, facts.FinishReason, purchase);
        Refine(attempt, record, facts);
        if (facts.Usage is null || attempt.IsContinuation)
        {
            _background.Add(attempt.Client, facts.ResponseId, record, isSettled: facts.Usage is not null);
        }

        return cost;
    }

    // Fetching an answer is not billed: what is learned settles the row of the request that began it. Null when that row is not known here and there is something to record.
    private async ValueTask<CallCost?> ContinuedAsync(MeteredAttempt attempt, AnswerFacts facts)
    {
        var begun = _background.Find(attempt.Client, facts.ResponseId);
        if (begun is null && facts.Usage is not null)
        {
            return null;
        }

        await GiveBackAsync(attempt).ConfigureAwait(false);
        if (begun is null || facts.Usage is not { } usage)
        {
            return CallCost.Unpriced("The answer is still under way; the request that began it is recorded");
        }

        if (!begun.TrySettle())
        {
            return CallCost.Known(Money.Zero) with { Reason = "The answer was fetched and recorded before" };
        }

        var tier = facts.ServiceTier ?? begun.Record.ServiceTier;
        var cost = CallCost.Unknown;
        try
        {
            cost = _pricing.Priced(attempt, begun.Record with { Model = facts.Model ?? begun.Record.Model, ServiceTier = tier, Region = facts.Region ?? begun.Record.Region }, usage, facts, tier).Cost;
            await _store.AdjustAsync(begun.Record.Id, cost, "provider").ConfigureAwait(false);
            _budgets.Changed();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The row keeps what was booked for it, which is the most that it can be; it may also wait beside the ledger still. The next fetch tries again.
            begun.Reopen();
            Log.StoreUnavailable(_logger, exception.Message);
        }

        return cost;
    }

    /// <summary>Ends an attempt of which nothing was sent, because a cache further in had the answer; false when that is not so.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="carriesCost">Whether the answer says itself what it cost; one that does not is of somebody else, such as the answer that a guard lets pass.</param>
    public async ValueTask<bool> TryGiveBackAsync(MeteredAttempt attempt, bool carriesCost)
    {
        if (!attempt.IsServed || !carriesCost || !attempt.TryEnd())
        {
            return false;
        }

        attempt.CountedBy?.TakeBack();
        await GiveBackAsync(attempt).ConfigureAwait(false);
        return true;
    }

    private async ValueTask GiveBackAsync(MeteredAttempt attempt)
    {
        if (attempt.Token.Budget is null)
        {
            return;
        }

        try
        {
            await _store.VoidAsync(attempt.Id).ConfigureAwait(false);
            _budgets.Changed();
        }
        catch (StoreUnavailableException exception)
        {
            Log.StoreUnavailable(_logger, exception.Message);
        }
    }

    /// <summary>Records an attempt that ended without an answer.</summary>
    public async ValueTask FailAsync(MeteredAttempt attempt, Exception exception)
    {
        if (!attempt.TryEnd())
        {
            return;
        }

        if (attempt.IsContinuation)
        {
            await GiveBackAsync(attempt).ConfigureAwait(false);
            return;
        }

        var record = Record(attempt) with { Error = exception.GetType().Name, UsageSource = "none" };

        // Where several requests hide behind one, the failure of the last, or of a tool between them, says nothing about those that were answered.
        if (!attempt.IsAggregated && UnbilledFailure.IsCertain(exception, attempt.Client))
        {
            record = record with { Status = CallStatus.Failed, Cost = CallCost.Known(Money.Zero) };
        }
        else
        {
            var most = _pricing.TryMostOf(attempt);
            var cost = most is null
                ? CallCost.Unpriced($"The outcome is not known, and neither is {_pricing.WhyUnbounded(attempt)}")
                : CallCost.Between(Money.Zero, most.Value, "The outcome is not known; the provider may have billed the call");
            record = record with { Status = CallStatus.Assumed, Cost = cost };
        }

        await PostAsync(attempt, record).ConfigureAwait(false);
    }

    /// <summary>Prices and writes a call that was made elsewhere.</summary>
    public async ValueTask<CallCost> RecordAsync(UsageRecord record, CancellationToken cancellationToken)
    {
        if (record.Cost.Certainty == CostCertainty.Unknown && record.Cost.Usage != TokenUsage.None)
        {
            record = record with { RequestsBefore = await _requests.BeforeRecordedAsync(record.Provider, record.Model, record.At).ConfigureAwait(false) };
            record = _pricing.Price(record, record.Cost.Usage, record.ServiceTier, host: null);
        }

        // Budgets for a model count it by any of its names, as they do what is metered here.
        record = record with { ModelKey = record.ModelKey ?? _prices.Find(record.Provider, record.RequestedModel ?? record.Model, record.At)?.Model };
        await _store.AppendAsync(record, cancellationToken).ConfigureAwait(false);
        _budgets.Recorded(record);
        return record.Cost;
    }

    private UsageRecord Record(MeteredAttempt attempt) => new()
    {
        Id = attempt.Id,
        CallId = attempt.Token.Id,
        Attempt = attempt.Number,
        At = attempt.At,
        Operation = attempt.Operation,
        Provider = attempt.Client.ProviderName,
        RequestedModel = attempt.RequestedModel,
        Model = attempt.RequestedModel,
        ModelKey = _prices.Find(attempt.Client.ProviderName, attempt.RequestedModel, attempt.At, attempt.Client.Host)?.Model,
        Latency = _options.TimeProvider.GetElapsedTime(attempt.StartedAt),
        Streamed = attempt.Streamed,
        Attribution = attempt.Token.Attribution,
        TraceId = attempt.Span.TraceId,
        SpanId = attempt.Span.SpanId,
    };

    private void Refine(MeteredAttempt attempt, UsageRecord record, AnswerFacts facts)
    {
        if (record.UsageSource == "estimate" && record.Cost.Certainty == CostCertainty.Bounded && facts.PartialUsage is null && !facts.IsUnderWay && !AttemptPricing.MayBeLonger(attempt, facts, record.Model) && facts.Text is { } read
            && _prices.Find(record.Provider, record.Model, record.At, attempt.Client.Host)?.Encoding is { } encoding && read() is { } text)
        {
            _refiner.Refine(record, encoding, text, facts.IsIncomplete ? AttemptPricing.TokensInFlight : 0, attempt.Client.Host);
        }
    }

    private async ValueTask<CallCost> PostAsync(MeteredAttempt attempt, UsageRecord record)
    {
        if (attempt.Token.Budget?.Note is { } note)
        {
            record = record with { Cost = record.Cost with { Reason = record.Cost.Reason is { } reason ? $"{note}; {reason}" : note } };
        }

        if (record.Cost.Certainty == CostCertainty.Unknown && attempt.Hold is { IsEnforced: true } hold)
        {
            // Booking nothing would let a budget that refuses leak for as long as such a model answers.
            var why = $"What was held is booked: {record.Cost.Reason ?? "the cost is not known"}";
            record = record with
            {
                Flags = UsageFlags.Add(record.Flags, UsageFlags.HeldAmount),
                Cost = CallCost.Between(Money.Zero, hold.Reserved, why) with { Usage = record.Cost.Usage },
            };
            if (_unpricedModels.Count < MaxKnownUnpriced && _unpricedModels.TryAdd(record.Model ?? "", true))
            {
                Log.UnknownPrice(_logger, record.Model ?? "", record.Provider ?? "");
            }
        }

        if (record.Cost.Certainty == CostCertainty.Unknown && _unpricedModels.Count < MaxKnownUnpriced && _unpricedModels.TryAdd(record.Model ?? "", true))
        {
            Log.UnknownPrice(_logger, record.Model ?? "", record.Provider ?? "");
        }

        try
        {
            if (!await _store.AppendAsync(record, CancellationToken.None).ConfigureAwait(false))
            {
                Log.RecordKnown(_logger, record.Id, record.Cost.Amount);
            }

            _spool.ReplayInBackground();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The answer is paid for and belongs to the caller; the row waits beside the ledger until it can be written.
            Log.StoreUnavailable(_logger, exception.Message);
            _spool.Add(record);
        }

        if (attempt.Hold is not { At: not null })
        {
            _budgets.Recorded(record);
        }
        else if (attempt.Hold is { Held: { } held } && record.Cost.Amount > held)
        {
            Log.BudgetOverrun(_logger, record.Cost.Amount.Value, held);
        }

        _budgets.Changed();
        attempt.Run?.Spend(record.Cost);
        try
        {
            _telemetry.Attempt(attempt.Span, record, attempt.Token.Span);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Who listens to metrics runs in here, and what he throws must not cost the caller the answer.
            Log.ListenerFailed(_logger, exception.GetType().Name);
        }

        return record.Cost;
    }
}
