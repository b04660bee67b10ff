using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Answers a question that was answered before from the cache, and lets identical calls that are under way share one request.</summary>
/// <remarks>
/// Everything that shapes an answer is part of the key; what cannot be keyed bypasses the cache. Only finished answers are stored. A hit is a fresh copy without
/// billable usage; <see cref="CostResponseExtensions.GetCost(ChatResponse)"/> says what it saved. A broken cache is a miss, never an error.
/// </remarks>
public sealed partial class CostCachingChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringChatClient? _meter;
    private readonly CacheEndpoint _endpoint;
    private readonly RememberedErrors _errors;

    /// <summary>Puts the cache of <paramref name="costs"/> in front of a client.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Whose cache.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public CostCachingChatClient(IChatClient innerClient, LlmCosts costs)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerClient);
        _meter = InnerClient.GetService<UsageMeteringChatClient>();
        _endpoint = new CacheEndpoint(_client.Provider ?? ClientIdentity.TypeOf(innerClient), _client.Uri, _client.DefaultModel);
        _errors = new RememberedErrors(costs.Options.TimeProvider);
        if (innerClient.GetService<FunctionInvokingChatClient>() is not null)
        {
            Log.CacheOutsideFunctionInvocation(costs.Logger);
        }
    }

    // What is answered from here is filed under the same name as what is asked.
    private ClientIdentity Client => _client.Called(_meter?.ProviderName);

    private string? ProviderName => _meter?.ProviderName ?? _client.ProviderName;

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    /// <exception cref="RememberedErrorException">The provider failed on this question a moment ago; see <see cref="RememberErrorsFor"/>.</exception>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        using var question = Ask(ChatMessages.AsList(messages), options);
        var (hit, _) = await FindAsync(question, readsAlong: false, cancellationToken);
        if (hit is not null)
            return Deliver(question, hit);

        // The call has its own life: it goes on without this caller when others wait for its answer.
        return question.Flight is { } flight
            ? await LeadAsync(question, flight, cancellationToken)
            : await AskAsync(question.Borrow(), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="RememberedErrorException">The provider failed on this question a moment ago; see <see cref="RememberErrorsFor"/>.</exception>
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    private CacheQuestion Ask(IReadOnlyList<ChatMessage> messages, ChatOptions? options) => new(_costs, messages, options, _client, _endpoint, _policy);

    private Task<ChatResponse> LeadAsync(CacheQuestion question, CacheFlight flight, CancellationToken cancellationToken) =>
        flight.LeadAsync(stop => AskAsync(question.Borrow(), stop), cancellationToken);

    private async Task<ChatResponse> AskAsync(CacheQuestion question, CancellationToken cancellationToken)
    {
        using (question)
        {
            ChatResponse response;
            try
            {
                response = await InnerClient.GetResponseAsync(question.Messages, question.Token.Carry(question.Options), cancellationToken);
            }
            catch (Exception exception)
            {
                if (Failed(question, exception, cancellationToken) is { } stale)
                    return Deliver(question, stale);

                throw;
            }

            question.WhyNotStored = Keep(question, response, response.GetCost());
            return question.WhyNotStored is { } whyNot ? ChatMessages.WithBypass(response, question.Token.Id, whyNot) : response;
        }
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        using var question = Ask(ChatMessages.AsList(messages), options);
        var (hit, live) = await FindAsync(question, readsAlong: _policy.IsLive(options), cancellationToken);
        while (live is not null)
        {
            ChatResponseUpdate? last = null;
            UsageRecord? row = null;
            await using (live)
            {
                try
                {
                    while (await live.MoveNextAsync(cancellationToken))
                        yield return last = live.Current;
                }
                finally
                {
                    // Also when the reader leaves early: it had what it had for nothing.
                    if (live.HasRead)
                        row = ServeLive(question, live.Stream, last);
                }
            }

            if (row is not null)
            {
                yield return ChatMessages.TrailingUpdate(row.Id, row.Cost, last);
                yield break;
            }

            hit = question.InsteadOf(live.Stream) ?? question.Heard(live.Stream.Error?.SourceException, cancellationToken);
            if (hit is not null)
                break;

            question.AsksAlone |= live.IsTurnedAway;
            (hit, live) = await FindAsync(question, readsAlong: true, cancellationToken);
        }

        if (hit is null)
        {
            var asked = question.Plan.BypassReason is { } bypass ? PassAsync(question, bypass, cancellationToken) : LeadAsync(question, cancellationToken);
            await foreach (var update in asked)
                yield return update;

            hit = question.Stale;
        }

        if (hit is null)
            yield break;

        var served = Serve(question, hit);
        ChatResponseUpdate? before = null;
        foreach (var update in ReplayOf(hit))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_pace is { } pace && before is not null)
                await Task.Delay(TimeSpan.FromSeconds((double)Replay.LengthOf(before) / pace), _costs.Options.TimeProvider, cancellationToken);

            before = update;
            yield return update;
        }

        yield return ChatMessages.TrailingUpdate(served.Id, TextOf(hit, served.Cost), before);
    }

    /// <summary>The provider's stream, past the cache.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> PassAsync(CacheQuestion question, string bypass, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in InnerClient.GetStreamingResponseAsync(question.Messages, question.Token.Carry(question.Options), cancellationToken))
        {
            yield return CostCarrier.IsIn(update.AdditionalProperties) ? ChatMessages.WithBypass(update, question.Token.Id, bypass) : update;
        }
    }

    /// <summary>The provider's stream, which others may read along and which is stored when it has ended. Ends early when a stale answer is to be served instead.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> LeadAsync(CacheQuestion question, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        question.Borrow();
        var stream = new LiveStream(stop => InnerClient.GetStreamingResponseAsync(question.Messages, question.Token.Carry(question.Options), stop), _policy, _costs.Options.TimeProvider)
        {
            Plan = question.Plan,
            Flight = question.Flight,
            IsLive = _policy.IsLive(question.Options),
            IsAnswer = () => !question.Token.FellBack,
            Ended = ended => Ended(question, ended),
        };
        question.Flight?.Show(stream);
        await using var reader = stream.Leader;

        // The update with the cost is the last one, and whether the answer is stored is known only after it.
        ChatResponseUpdate? held = null;
        while (await MoveNextAsync(reader, question, cancellationToken))
        {
            if (held is not null)
                yield return held;

            held = CostCarrier.IsIn(reader.Current.AdditionalProperties) ? reader.Current : null;
            if (held is null)
                yield return reader.Current;
        }

        if (held is not null)
            yield return question.WhyNotStored is { } whyNot ? ChatMessages.WithBypass(held, question.Token.Id, whyNot) : held;
    }

    private static async ValueTask<bool> MoveNextAsync(LiveStream.Reader reader, CacheQuestion question, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.MoveNextAsync(cancellationToken);
        }
        catch (Exception exception) when (question.Stale is not null && exception is not OperationCanceledException { CancellationToken.IsCancellationRequested: true })
        {
            return false;
        }
    }

    private void Ended(CacheQuestion question, LiveStream stream)
    {
        using (question)
        {
            var cost = stream.Cost;
            if (stream.IsComplete)
            {
                var whole = stream.Whole();
                stream.Bill = StoredAnswer.Bill(question.Plan, whole?.ModelId, cost, _costs.Options.TimeProvider.GetUtcNow(), question.Token.Purchase);
                question.WhyNotStored = Keep(question, whole, cost);
            }
            else if (stream.Error is { } error && !stream.IsAbandoned)
            {
                // What has been shown cannot be taken back: a stale answer stands in only for one that has not begun.
                question.Stale = Failed(question, error.SourceException, CancellationToken.None, mayBeStale: !stream.HasBegun);
            }
            else
            {
                question.Flight?.Abandon();
            }
        }
    }

    /// <summary>The stored answer, the one that an identical call is about to get, or its stream; neither when this call has to ask.</summary>
    private async ValueTask<(CacheHit? Hit, LiveStream.Reader? Live)> FindAsync(CacheQuestion question, bool readsAlong, CancellationToken cancellationToken)
    {
        var plan = question.Plan;
        var (hit, live) = await question.FindAsync(readsAlong, _rememberErrorsFor > TimeSpan.Zero ? () => FindRemembered(question, cancellationToken) : null, cancellationToken);
        if (hit is { Layer: not CacheLayer.Coalesced, StaleReason: null } && _policy.RefreshAhead > 0)
            RefreshWhenLate(question, hit);

        if (hit is not null || live is not null)
            return (hit, live);

        Report(question, plan.BypassReason is null ? CacheOutcome.Miss : CacheOutcome.Bypass, plan.BypassReason);
        return default;
    }

    /// <summary>The expired answer that stands in while an error of the provider is remembered; null when none is.</summary>
    private CacheHit? FindRemembered(CacheQuestion question, CancellationToken cancellationToken) =>
        _errors.Find(question.Plan.Key) is { } remembered ? Stale(question, remembered.InnerException!, cancellationToken) ?? throw remembered : null;

    private ChatResponse Deliver(CacheQuestion question, CacheHit hit)
    {
        var served = Serve(question, hit);
        return ChatMessages.PutCost(UsageOf(hit), served.Id, TextOf(hit, served.Cost));
    }

    private static string TextOf(CacheHit hit, CallCost cost) =>
        hit.Answer.Worth.Served is { } served && ReferenceEquals(served.Cost, cost) ? served.Text : CostCarrier.Write(cost);

    private ChatResponse UsageOf(CacheHit hit)
    {
        var response = hit.Response;
        if (HitUsage == HitUsage.Zero)
            response.Usage = new UsageDetails { InputTokenCount = 0, OutputTokenCount = 0, TotalTokenCount = 0 };
        else if (HitUsage == HitUsage.Original)
            response.Usage = hit.Original.Usage.ToDetails();

        return response;
    }

    private IReadOnlyList<ChatResponseUpdate> ReplayOf(CacheHit hit) =>
        (_pace is null && HitUsage == HitUsage.Omit ? Replay.OfText(hit.Answer) : null) ?? (IReadOnlyList<ChatResponseUpdate>)Replay.Of(UsageOf(hit), _pace is not null);

    private UsageRecord Serve(CacheQuestion question, CacheHit hit)
    {
        var now = _costs.Options.TimeProvider.GetUtcNow();
        var (saved, avoided) = _costs.Savings.Of(hit.Key, hit.Answer, Client, now);
        var reason = hit.StaleReason is { } stale ? avoided.Reason is { } other ? $"{stale}; {other}" : stale : avoided.Reason;
        var worth = hit.Answer.Worth;
        if (worth.Served is not { } served || !served.Says(saved, hit.Layer, avoided.PriceRevision, reason))
        {
            worth.Served = served = new ServedCost(new CallCost
            {
                Certainty = CostCertainty.Known,
                Amount = Money.Zero,
                Saved = saved,
                CacheLayer = hit.Layer,
                Usage = hit.Original.Usage,
                PriceRevision = avoided.PriceRevision,
                Reason = reason,
            });
        }

        var record = Row(question, now, hit.Layer, hit.Answer.ResponseModel, hit.Answer.FinishReason, served.Cost);
        _costs.Cache.Used(hit, saved);
        var outcome = hit.StaleReason is not null ? CacheOutcome.Stale : hit.Layer == CacheLayer.Coalesced ? CacheOutcome.Coalesced : CacheOutcome.Hit;
        _costs.Telemetry.Cache(question.Span, outcome, hit.Layer, saved, "chat", ProviderName, question.Model);
        return record;
    }

    /// <summary>The row of a caller that read another's stream along; one that left before the end, or saw it break, has saved nothing that anybody knows.</summary>
    private UsageRecord ServeLive(CacheQuestion question, LiveStream stream, ChatResponseUpdate? last)
    {
        var now = _costs.Options.TimeProvider.GetUtcNow();
        var cost = CallCost.Known(Money.Zero) with { CacheLayer = CacheLayer.Coalesced };
        if (stream.Bill is { } bill)
        {
            var (saved, avoided) = _costs.Savings.Of(question.Plan.Key, bill, Client, now);
            cost = cost with { Saved = saved, Usage = bill.Original.Usage, PriceRevision = avoided.PriceRevision, Reason = avoided.Reason };
        }
        else
        {
            cost = cost with { Reason = "Nothing is counted as saved: the stream was left, or broke, before its end" };
        }

        var record = Row(question, now, CacheLayer.Coalesced, last?.ModelId, last?.FinishReason?.Value, cost);
        _costs.Telemetry.Cache(question.Span, CacheOutcome.Coalesced, CacheLayer.Coalesced, cost.Saved, "chat", ProviderName, question.Model);
        return record;
    }

    private UsageRecord Row(CacheQuestion question, DateTimeOffset now, CacheLayer layer, string? model, string? finishReason, CallCost cost)
    {
        var record = new UsageRecord
        {
            Id = CallToken.NewId(),
            At = now,
            Operation = "chat",
            Provider = ProviderName,
            RequestedModel = question.Model,
            Model = model ?? question.Model,
            Status = layer == CacheLayer.Coalesced ? CallStatus.Coalesced : CallStatus.Cached,
            Cost = cost,
            FinishReason = finishReason,
            Latency = _costs.Options.TimeProvider.GetElapsedTime(question.StartedAt),
            Attribution = question.Attribution,
            TraceId = question.Span.TraceId,
            SpanId = question.Span.SpanId,
        };
        question.Served();
        _costs.Store.AppendLater(record);
        MeterWatch.Current?.End(record.Cost, record.FinishReason);
        return record;
    }

    /// <summary>Stores an answer if it deserves it, and gives it to those who wait.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    private string? Keep(CacheQuestion question, ChatResponse? response, CallCost cost)
    {
        _errors.Forget(question.Plan);
        if (question.Plan.BypassReason is { } bypass)
            return bypass;

        string? whyNot;
        if (question.Token.FellBack)
        {
            // A cheaper model's answer is not the answer to what was asked of the dearer one.
            whyNot = "a cheaper model answered, because of a budget";
            question.Flight?.CompleteUnshareable();
        }
        else if (response is null)
        {
            whyNot = "the answer is too large, or cannot be copied";
            question.Flight?.CompleteUnshareable();
        }
        else
        {
            var purchase = question.Token.Purchase;
            whyNot = _costs.Cache.Store(question.Plan, response, cost, purchase, out var stored);
            question.Flight?.Complete(question.Plan, response, cost, purchase, stored);
        }

        if (whyNot is not null)
        {
            Log.AnswerNotStored(_costs.Logger, whyNot);
            _costs.Telemetry.NotStored(question.Span, whyNot);
        }

        return whyNot;
    }

    /// <summary>Tells those who wait that the call failed.</summary>
    /// <returns>The expired answer that is served instead; null when the caller has to hear of the failure.</returns>
    private CacheHit? Failed(CacheQuestion question, Exception exception, CancellationToken cancellationToken, bool mayBeStale = true)
    {
        // Of its own making: its wish to stop, its budget. Those who wait have their own.
        if (cancellationToken.IsCancellationRequested || exception is LlmCostException)
        {
            question.Flight?.Abandon();
            return null;
        }

        if (_rememberErrorsFor > TimeSpan.Zero && question.Plan.BypassReason is null)
            _errors.Add(question.Plan.Key, exception, _rememberErrorsFor);

        if (mayBeStale && Stale(question, exception, cancellationToken) is { } stale)
        {
            question.Flight?.Complete(stale);
            return stale;
        }

        question.Flight?.Fail(exception);
        return null;
    }

    private CacheHit? Stale(CacheQuestion question, Exception exception, CancellationToken cancellationToken) =>
        question.IsRefresh || question.Plan.StaleFor <= TimeSpan.Zero || !ProviderFailure.IsProviders(exception, cancellationToken)
            ? null
            : _costs.Cache.FindStale(question.Plan, exception.GetType().Name);

    private void Report(CacheQuestion question, CacheOutcome outcome, string? reason)
    {
        if (reason is not null)
            Log.CacheBypassed(_costs.Logger, reason);

        _costs.Telemetry.Cache(question.Span, outcome, CacheLayer.None, Money.Zero, "chat", ProviderName, question.Model, reason);
    }
}
