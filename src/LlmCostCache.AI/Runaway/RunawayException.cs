namespace LlmCostCache.AI;

/// <summary>A call was refused because its run has gone on for too long, cost too much, or goes round in circles. Nothing was sent and nothing was charged.</summary>
public sealed class RunawayException : LlmCostException
{
    /// <summary>Creates the exception without a message.</summary>
    public RunawayException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public RunawayException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public RunawayException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Which rule stopped the run.</summary>
    public RunawayRule Rule { get; init; }

    /// <summary>What the run has cost so far, as far as it is known.</summary>
    public Money Spent { get; init; }

    /// <summary>How many requests the run has made.</summary>
    public int Calls { get; init; }

    /// <summary>How often in a row the model asked for the same; zero when another rule stopped the run.</summary>
    public int RepeatedRounds { get; init; }

    /// <summary>The tools that were asked for again and again, separated by commas; null when another rule stopped the run.</summary>
    public string? Tools { get; init; }
}
