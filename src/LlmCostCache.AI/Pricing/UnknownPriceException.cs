namespace LlmCostCache.AI;

/// <summary>A strict budget cannot hold a call whose price is not known.</summary>
public sealed class UnknownPriceException : LlmCostException
{
    /// <summary>Creates the exception without a message.</summary>
    public UnknownPriceException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public UnknownPriceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public UnknownPriceException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The model that has no price, as it was asked for.</summary>
    public string? Model { get; init; }

    /// <summary>The provider that was asked, when known.</summary>
    public string? Provider { get; init; }
}
