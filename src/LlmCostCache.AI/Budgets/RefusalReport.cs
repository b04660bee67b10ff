using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Tells everybody that a budget refused a call: telemetry, the log, whoever wants notices, and a row of the ledger.</summary>
internal sealed class RefusalReport(ILedgerStore store, CostTelemetry telemetry, BudgetNotifier notifier, TimeProvider time, ILogger logger)
{
    private readonly CountedWindows _told = new();

    public void Write(BudgetDemand demand, BudgetExceededException refusal, CallSpan span)
    {
        telemetry.Rejected(span, refusal.Budget!);
        Log.BudgetRefused(logger, refusal.Budget!, refusal.Tally.Requested, refusal.Tally.Limit - refusal.Tally.Spent);
        if (refusal.Window is { } refusedIn)
        {
            var now = time.GetUtcNow();
            var window = refusedIn.ForNotices(now);
            if (_told.Add(window, refusal.Tally.Limit))
            {
                var notice = BudgetNotice.Of(BudgetNoticeKind.Refusal, window, refusal.Tally.Limit, refusal.Tally.Spent, refusal.Tally.Reserved, now);
                notifier.GiveOnce(window, "refusal", notice, () => _told.Remove(window, refusal.Tally.Limit));
            }
        }

        store.AppendLater(new UsageRecord
        {
            Id = CallToken.NewId(),
            CallId = demand.CallId,
            Attempt = demand.Attempt,
            At = time.GetUtcNow(),
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
}
