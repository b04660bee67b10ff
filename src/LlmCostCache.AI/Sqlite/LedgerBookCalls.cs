using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>The life of a call: reserved, then given back or posted, and corrected when more becomes known.</summary>
internal sealed partial class LedgerBook
{
    /// <param name="request">What to hold.</param>
    /// <param name="texts">What stands in the reservation's row, when the caller has written it already, on another thread than this busy one.</param>
    public ReservationOutcome Reserve(ReservationRequest request, ReservationTexts? texts = null)
    {
        texts ??= ReservationTexts.Of(request);
        var id = request.Record.Id;
        var state = _reservations.StateOf(id);
        if (state == "pending")
        {
            return RepeatReservation(request, texts.Stored);
        }

        if (state is not null || _rows.Exists(id))
        {
            throw new LlmCostException($"Conflict: the attempt '{id}' was {state ?? "posted"} before; a new attempt needs a new id.");
        }

        if (request.SettingsRevision is { } revision && revision != _budgets.Settings.Revision)
        {
            return new ReservationOutcome(false, []) { Newer = _budgets.Settings };
        }

        var balances = ImmutableArray.CreateBuilder<WindowBalance>(request.Holds.Length);
        var refusedBy = -1;
        foreach (var hold in request.Holds)
        {
            var balance = _windows.Find(hold.Window, _owner, request.Earlier);
            // What takes nothing fits, also where a limit was lowered or exceeded.
            if (hold.Enforced && hold.Amount.Count > 0 && (Int128)balance.Spent.Count + balance.Reserved.Count + hold.Amount.Count > balance.Limit.Count)
            {
                refusedBy = refusedBy < 0 ? balances.Count : refusedBy;
                balance = balance with { FitsAt = _windows.FitsAt(hold, balance.Limit) };
            }

            balances.Add(balance);
        }

        if (refusedBy >= 0)
        {
            return new ReservationOutcome(false, balances.MoveToImmutable(), refusedBy);
        }

        _reservations.Insert(request.Record, texts, Now, LedgerTime.Micros(_time.GetUtcNow() + request.Timeout));
        _windows.Hold(texts.Stored);
        return new ReservationOutcome(true, balances.MoveToImmutable());
    }

    public bool Void(string id)
    {
        if (_reservations.Void(id) is not { } holds)
        {
            return false;
        }

        _windows.Release(holds);
        return true;
    }

    public bool Extend(string id, TimeSpan timeout) => _reservations.Extend(id, LedgerTime.Micros(_time.GetUtcNow() + timeout));

    /// <param name="record">The row.</param>
    /// <param name="repeated">Whether an earlier try of this very operation may have been committed: finding its row is then success.</param>
    public bool Append(UsageRecord record, bool repeated)
    {
        var entry = LedgerEntry.Of(record);
        if (_reservations.Post(record.Id) is { } holds)
        {
            _windows.Release(holds);
            entry = IsUncounted(record) ? Held(entry, holds) : entry;
            entry = _windows.Overruns(entry, holds) ? entry.WithFlag("overrun") : entry;
        }
        else if (_reservations.StateOf(record.Id) == "expired" && _rows.Find(record.Id) is { } call)
        {
            return SettleLate(call, record, repeated);
        }

        // Whether the row is there already, its index says while it is written.
        return PostCall(entry) || repeated;
    }

    public bool Adjust(string adjustmentId, string recordId, CallCost cost, string usageSource)
    {
        if (_rows.Exists(adjustmentId))
        {
            return false;
        }

        var call = _rows.Find(recordId) ?? throw new LlmCostException($"The ledger holds no attempt '{recordId}' that could be adjusted.");
        var before = _rows.Folded(call);
        var priced = LedgerEntry.Of(before.ToRecord() with { Cost = cost, UsageSource = usageSource });
        var native = cost.Amount is not { } amount ? null : before.Currency == "USD" ? amount.Usd : before.FxRate is { } rate ? amount.Usd * rate : (decimal?)null;
        PostAdjustment(before, before.AdjustmentTo(priced with { NativeCost = native }, adjustmentId));
        return true;
    }

    private ReservationOutcome RepeatReservation(ReservationRequest request, List<StoredHold> wanted)
    {
        var held = _reservations.HoldsOf(request.Record.Id);
        if (held.Count != wanted.Count || wanted.Except(held).Any())
        {
            throw new LlmCostException($"Conflict: the attempt '{request.Record.Id}' is reserved already, with other amounts or for other budgets.");
        }

        var balances = request.Holds.Select(hold =>
        {
            var own = held.First(other => other.Budget == hold.Window.Budget.Id && other.Key == hold.Window.Key && other.StartsAt == LedgerTime.Micros(hold.Window.StartsAt));
            var balance = _windows.Find(hold.Window, _owner);
            return balance with { Reserved = BudgetAmount.Of(balance.Reserved.Unit, balance.Reserved.Count - own.Amount) };
        });
        return new ReservationOutcome(true, [.. balances]);
    }

    private bool SettleLate(LedgerEntry call, UsageRecord record, bool repeated)
    {
        var lateId = $"{record.Id}/late";
        if (_rows.Exists(lateId))
        {
            return repeated;
        }

        if (Counterpart.Judge(LedgerEntry.Of(record), hasOwnCost: true) == IntakeOutcome.Known)
        {
            // Taken over from elsewhere as it is, or as it was before a correction.
            return repeated;
        }

        var holds = _reservations.HoldsOf(record.Id);
        var truth = LedgerEntry.Of(record).WithFlag("late");
        truth = IsUncounted(record) ? Held(truth, holds) : truth;
        truth = _windows.Overruns(truth, holds) ? truth.WithFlag("overrun") : truth;
        var before = _rows.Folded(call);
        PostAdjustment(before, before.AdjustmentTo(truth, lateId));
        return true;
    }

    /// <returns>False when there is a row with this id: then nothing was posted.</returns>
    private bool PostCall(LedgerEntry entry)
    {
        if (!_rows.Insert(entry, Now))
        {
            return false;
        }

        _windows.Post(entry);
        _rollup.Add(entry, 1);
        return true;
    }

    private void PostAdjustment(LedgerEntry before, LedgerEntry adjustment)
    {
        if (!_rows.Insert(adjustment, Now))
        {
            throw new LlmCostException($"Conflict: the ledger has a row '{adjustment.Id}' already.");
        }

        _windows.Post(adjustment);
        _rollup.Add(before, -1);
        _rollup.Add(before.Plus(adjustment), 1);
    }

    /// <summary>Whether nobody knows what an attempt took, so that what was held for it is booked in every unit.</summary>
    private static bool IsUncounted(UsageRecord record) => record.Cost.Certainty != CostCertainty.Known
        && (record.UsageSource == "none"
            || (record.UsageSource == "estimate" && (record.Cost.Certainty == CostCertainty.Unknown || UsageFlags.Has(record.Flags, UsageFlags.HeldAmount))));

    /// <summary>A row of an attempt with what was held for it in tokens and requests, where that is more than it says.</summary>
    private LedgerEntry Held(LedgerEntry entry, List<StoredHold> holds)
    {
        var tokens = _windows.Most(holds, BudgetUnit.Tokens) ?? 0;
        var requests = _windows.Most(holds, BudgetUnit.Requests) ?? 0;
        return entry with
        {
            Usage = entry.Usage with
            {
                UncachedInputTokens = entry.Usage.UncachedInputTokens + Math.Max(0, tokens - entry.Usage.TotalTokens),
                Requests = Math.Max(entry.Usage.Requests, requests),
            },
        };
    }
}
