using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>An operation whose caller waits for its result.</summary>
internal sealed class AwaitedOperation<T>(string path, Func<LedgerBook, bool, T> work) : LedgerOperation
{
    // Without this option the caller's continuation would run on the writer thread, between two transactions.
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;
    private Exception? _error;

    public Task<T> Task => _completion.Task;

    public override void Apply(LedgerBook book, bool repeated)
    {
        HasFailed = false;
        try
        {
            _result = book.Attempt(attempt => work(attempt, repeated));
        }
        catch (SqliteException error) when (book.IsCareful && SqliteFailure.ConcernsOneStatement(error))
        {
            HasFailed = true;
            _error = error.SqliteExtendedErrorCode == SqliteFailure.WrongType
                ? new OverflowException("A sum in the ledger would no longer fit into 64 bits.", error)
                : SqliteFailure.Unavailable(path, error);
        }
        catch (Exception error) when (book.IsCareful && error is not SqliteException)
        {
            HasFailed = true;
            _error = error;
        }
    }

    public override void Acknowledge()
    {
        if (HasFailed)
        {
            _completion.TrySetException(_error!);
        }
        else
        {
            _completion.TrySetResult(_result!);
        }
    }

    public override void Fail(Exception error) => _completion.TrySetException(HasFailed ? _error! : error);
}
