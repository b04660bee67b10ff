namespace LlmCostCache.AI;

/// <summary>Rows that were made elsewhere: imported, or of another ledger.</summary>
internal sealed partial class LedgerBook
{
    private LedgerCounterpart? _counterpart;

    private LedgerCounterpart Counterpart => _counterpart ??= new LedgerCounterpart(Prepare, _rows.Archive);

    /// <summary>Writes the rows of calls that are not here yet. They enter chain, roll-up and the windows of budgets like every row; what they cross is announced with the next call.</summary>
    public IntakeOutcome[] TakeIn(IReadOnlyList<IntakeRow> rows) => Quietly(rows, static (book, row) =>
    {
        var entry = LedgerEntry.Of(row.Record);
        return book.TakeIn(entry) ? IntakeOutcome.New : book.Counterpart.Judge(entry, row.HasOwnCost);
    });

    /// <summary>Writes the rows of another ledger that are not here yet, in its order.</summary>
    public IntakeOutcome[] TakeIn(IReadOnlyList<ForeignRow> rows) => Quietly(rows, static (book, row) =>
    {
        if (row.CallId is null)
        {
            return book.TakeIn(row.Entry) ? IntakeOutcome.New : book.Counterpart.Judge(row);
        }

        var outcome = book.Counterpart.Judge(row);
        if (outcome == IntakeOutcome.New)
        {
            var call = book._rows.Find(row.CallId)!;
            book.PostAdjustment(book._rows.Folded(call), row.Entry with { Adjusts = call.Sequence });
        }

        return outcome;
    });

    private bool TakeIn(LedgerEntry entry)
    {
        // Another ledger may know the end of an attempt that is still held here: what is known from elsewhere is booked instead of the hold, and what its own process says later corrects that.
        if (_reservations.StateOf(entry.Id) == "pending" && _reservations.Expire(entry.Id) is { } holds)
        {
            _windows.Release(holds);
        }

        return PostCall(entry with { Adjusts = null });
    }

    private IntakeOutcome[] Quietly<T>(IReadOnlyList<T> rows, Func<LedgerBook, T, IntakeOutcome> takeIn)
    {
        _windows.IsQuiet = true;
        try
        {
            var outcomes = new IntakeOutcome[rows.Count];
            for (var i = 0; i < outcomes.Length; i++)
            {
                outcomes[i] = takeIn(this, rows[i]);
            }

            return outcomes;
        }
        finally
        {
            _windows.IsQuiet = false;
        }
    }
}
