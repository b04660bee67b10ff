namespace LlmCostCache.AI;

/// <summary>
/// What the rows of a ledger added up to for a window, when they were last read. Rows are never changed, so that whoever opens the window has to add those behind the last one that was read.
/// </summary>
/// <param name="Budget">The budget's id.</param>
/// <param name="Key">The value of a template.</param>
/// <param name="From">Where the window begins, in microseconds.</param>
/// <param name="Until">Where it ends.</param>
/// <param name="Slice">How long each slice of it is; null for one sum.</param>
/// <param name="Through">The last row that was read.</param>
/// <param name="Sums">The sums, by the beginning of their slices.</param>
internal sealed record EarlierSums(string Budget, string Key, long From, long Until, TimeSpan? Slice, long Through, IReadOnlyList<(long StartsAt, long Count)> Sums)
{
    public bool Answers(BudgetWindow window, TimeSpan? slice) =>
        Budget == window.Budget.Id && Key == window.Key && From == LedgerTime.Micros(window.StartsAt) && Until == LedgerTime.Micros(window.EndsAt) && Slice == slice;
}
