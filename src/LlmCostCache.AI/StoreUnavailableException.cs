namespace LlmCostCache.AI;

/// <summary>The ledger cannot be read or written, so a strict budget cannot be checked or a question about money cannot be answered.</summary>
public sealed class StoreUnavailableException : LlmCostException
{
    /// <summary>Creates the exception without a message.</summary>
    public StoreUnavailableException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public StoreUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public StoreUnavailableException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The file or address that cannot be used, when known.</summary>
    public string? Store { get; init; }
}
