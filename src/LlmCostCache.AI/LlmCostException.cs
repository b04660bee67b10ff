namespace LlmCostCache.AI;

/// <summary>The base of every error that LlmCostCache.AI raises on purpose; wrong arguments stay <see cref="ArgumentException"/>.</summary>
public class LlmCostException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public LlmCostException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public LlmCostException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public LlmCostException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
