namespace LlmCostCache.AI;

/// <summary>Finds what a ledger and its archives hold under the id of a row that comes from elsewhere, and says whether the two are the same.</summary>
internal sealed class LedgerCounterpart(Func<string, SqliteStatement> prepare, LedgerArchiveBook archive)
{
    private readonly SqliteStatement _entry = prepare($"SELECT {LedgerBook.Columns} FROM entry WHERE id = ?1");
    private readonly SqliteStatement _adjustments = prepare($"SELECT {LedgerBook.Columns} FROM entry WHERE adjusts = ?1 ORDER BY seq");

    /// <param name="id">The id.</param>
    /// <param name="at">When the call was made, if that is known.</param>
    public LedgerEntry? Find(string id, long? at = null)
    {
        _entry.Bind(1, id);
        if (!_entry.Step())
        {
            return archive.Row(id, at);
        }

        var entry = LedgerEntry.Read(_entry);
        _entry.Reset();
        return entry;
    }

    public List<LedgerEntry> AdjustmentsOf(LedgerEntry call)
    {
        var adjustments = archive.Holds(call.Id) ? archive.AdjustmentsOf(call) : [];
        _adjustments.Bind(1, call.Sequence);
        while (_adjustments.Step())
        {
            adjustments.Add(LedgerEntry.Read(_adjustments));
        }

        return adjustments;
    }

    /// <summary>What to do with the row of a call. An export shows a call as it stood when it was written, so every state that the call ever had counts as the same.</summary>
    public IntakeOutcome Judge(LedgerEntry given, bool hasOwnCost)
    {
        if (Find(given.Id, given.At) is not { } call)
        {
            return IntakeOutcome.New;
        }

        if (call.IsAdjustment)
        {
            return IntakeOutcome.Differs;
        }

        if (IsSame(call, given, hasOwnCost))
        {
            return IntakeOutcome.Known;
        }

        foreach (var adjustment in AdjustmentsOf(call))
        {
            call = call.Plus(adjustment);
            if (IsSame(call, given, hasOwnCost))
            {
                return IntakeOutcome.Known;
            }
        }

        return IntakeOutcome.Differs;
    }

    /// <summary>What to do with a row of another ledger.</summary>
    /// <param name="row">The row.</param>
    /// <param name="willHaveCall">Whether the call that it corrects is about to be taken over, although it is not here yet.</param>
    public IntakeOutcome Judge(ForeignRow row, bool willHaveCall = false)
    {
        var found = Find(row.Entry.Id, row.Entry.At);
        if (found is not null)
        {
            return IsSame(found, row.Entry) ? IntakeOutcome.Known : IntakeOutcome.Differs;
        }

        if (row.CallId is null || willHaveCall)
        {
            return IntakeOutcome.New;
        }

        // A correction is a difference from the state that it was made on. On another state it would correct twice, or what nobody meant.
        return Find(row.CallId) is { IsAdjustment: false } call && AdjustmentsOf(call).LastOrDefault()?.Id == row.PreviousAdjustmentId ? IntakeOutcome.New : IntakeOutcome.Unfit;
    }

    /// <summary>Everything but the place in the ledger, the time of writing, and the name in the price book, which follows from the model and which exports do not carry.</summary>
    private static bool IsSame(LedgerEntry stored, LedgerEntry given) => Placeless(stored) == Placeless(given);

    private static bool IsSame(LedgerEntry stored, LedgerEntry given, bool hasOwnCost)
    {
        (stored, given) = (Placeless(stored), Placeless(given));
        return hasOwnCost ? stored == given : Costless(stored) == Costless(given);
    }

    private static LedgerEntry Placeless(LedgerEntry entry) => entry with { Sequence = 0, RecordedAt = 0, ModelKey = null, Adjusts = entry.Adjusts is null ? null : 0 };

    private static LedgerEntry Costless(LedgerEntry entry) => entry with
    {
        Certainty = CostCertainty.Unknown,
        CostNanos = null,
        LowNanos = null,
        HighNanos = null,
        BookedNanos = 0,
        Unpriced = 0,
        Currency = "",
        NativeCost = null,
        FxRate = null,
        FxDate = null,
        PriceRevision = null,
        Reason = null,
        Region = null,
    };
}
