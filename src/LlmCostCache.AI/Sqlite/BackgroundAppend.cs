using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>A row that nobody waits for.</summary>
internal sealed class BackgroundAppend(UsageRecord record) : LedgerOperation
{
    public override void Apply(LedgerBook book, bool repeated)
    {
        HasFailed = false;
        try
        {
            book.Attempt(attempt => attempt.Append(record, repeated));
        }
        catch (SqliteException error) when (book.IsCareful && SqliteFailure.ConcernsOneStatement(error))
        {
            HasFailed = true;
        }
        catch (Exception error) when (book.IsCareful && error is not SqliteException)
        {
            HasFailed = true;
        }
    }

    public override void Acknowledge()
    {
    }

    public override void Fail(Exception error)
    {
    }
}
