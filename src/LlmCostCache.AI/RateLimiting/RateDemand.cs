namespace LlmCostCache.AI;

/// <summary>What a request asks of the rate limits.</summary>
internal sealed record RateDemand
{
    // What an answer takes as a rule, where nothing says that it is shorter: a limit that counted the longest possible answer would let a tenth of the requests
    // pass that fit. What an answer takes in truth is counted when it is known.
    private const int UsualAnswer = 1_024;
    private const int BytesPerToken = 4;

    public required string Operation { get; init; }

    public required ClientIdentity Client { get; init; }

    public required string? Model { get; init; }

    public required Attribution Attribution { get; init; }

    /// <summary>Asked for only when tokens or money are limited.</summary>
    public required Func<RequestSize> Measure { get; init; }

    public int? MaxOutputTokens { get; init; }

    public bool HasOutput { get; init; } = true;

    public string? ServiceTier { get; init; }

    public static long Input(RequestSize size) => size.Bytes / BytesPerToken + 1;

    public long Output(RequestSize size) => HasOutput ? (long)Math.Min(MaxOutputTokens is > 0 and var most ? most : UsualAnswer, UsualAnswer) * size.Choices : 0;
}
