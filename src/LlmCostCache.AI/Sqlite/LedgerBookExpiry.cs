using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What becomes of reservations whose call never came back.</summary>
internal sealed partial class LedgerBook
{
    private const int MaxExpiredAtOnce = 1_000;

    private static readonly TimeSpan s_putOff = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Books what died: each reservation past its deadline becomes a row at the amount that was held. One that cannot be booked fails alone: without the words that were
    /// written down for it, it is booked at its amount all the same, and what even then the ledger does not take is tried again later.
    /// </summary>
    /// <returns>How many ended, and how many of those that were due could not be booked as they were written down.</returns>
    public (int Ended, int Unreadable) ExpireDue()
    {
        var (ended, unreadable) = (0, 0);
        foreach (var reservation in _reservations.Due(Now, MaxExpiredAtOnce))
        {
            if (TryExpire(reservation, static (_, due, _) => ReservationRecord.Expired(due.Id, due.Record!)))
            {
                ended++;
                continue;
            }

            unreadable++;
            if (TryExpire(reservation, static (book, due, holds) => book.ExpiredWithoutWords(due, holds)))
            {
                ended++;
            }
            else
            {
                _reservations.Extend(reservation.Id, LedgerTime.Micros(_time.GetUtcNow() + s_putOff));
            }
        }

        return (ended, unreadable);
    }

    private bool TryExpire(DueReservation due, Func<LedgerBook, DueReservation, List<StoredHold>, LedgerEntry> row)
    {
        try
        {
            return AttemptAlone(book =>
            {
                var holds = book._reservations.Expire(due.Id) ?? [];
                var entry = book.Held(row(book, due, holds), holds);
                book._windows.Release(holds);
                book.PostCall(book._windows.Overruns(entry, holds) ? entry.WithFlag("overrun") : entry);
                return true;
            });
        }
        catch (Exception error) when (error is not OutOfMemoryException and not SqliteException || (error is SqliteException sqlite && SqliteFailure.ConcernsOneStatement(sqlite)))
        {
            return false;
        }
    }

    // The budgets that hold for it say who it was for: the row counts in the windows that held it, and verify finds the sums right.
    private LedgerEntry ExpiredWithoutWords(DueReservation due, List<StoredHold> holds)
    {
        var (who, model) = (Attribution.None, (string?)null);
        var at = due.CreatedAt;
        foreach (var hold in holds)
        {
            if (_budgets.Find(hold.Budget) is { } budget)
            {
                who = budget.Scope.Caller(hold.Key, who);
                model ??= budget.Scope.Model;
            }

            _windowEnd.Bind(1, hold.Budget).Bind(2, hold.Key).Bind(3, hold.StartsAt);
            if (_windowEnd.Step())
            {
                at = Math.Clamp(at, hold.StartsAt, _windowEnd.Int64(0) - 1);
                _windowEnd.Reset();
            }
        }

        return ReservationRecord.WithoutWords(due.Id, due.CallId, due.Attempt, at, due.Amount, who, model);
    }
}
