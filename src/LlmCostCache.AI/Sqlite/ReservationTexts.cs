namespace LlmCostCache.AI;

/// <summary>What stands in the row of a reservation, made by the caller so that the one thread that writes need not.</summary>
/// <param name="Stored">What is held, the most for each window.</param>
/// <param name="Dearest">The most that is held in dollars.</param>
/// <param name="Holds">The holds as text.</param>
/// <param name="Record">The row that is booked should it expire, as text.</param>
internal sealed record ReservationTexts(List<StoredHold> Stored, Money Dearest, byte[] Holds, byte[] Record)
{
    public static ReservationTexts Of(ReservationRequest request)
    {
        var dearest = 0L;
        foreach (var hold in request.Holds)
        {
            if (hold.Window.Budget.Unit == BudgetUnit.Usd)
            {
                dearest = Math.Max(dearest, hold.Amount.Count);
            }
        }

        var stored = StoredHold.Of(request.Holds);
        return new ReservationTexts(stored, Money.FromNanos(dearest), StoredHold.Write(stored), ReservationRecord.Write(request.Record, Money.FromNanos(dearest)));
    }
}
