namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Cuts the sum of many requests into requests too short for any price that depends on the length of a prompt. Prices are linear below their first step, so the pieces add up
/// to exactly what many short requests cost, whatever their real number is.
/// </summary>
internal static class ShortPrompts
{
    /// <summary>Shorter than any prompt for which a provider begins to charge more.</summary>
    public const long MaxTokens = 30_000;

    /// <summary>Each piece and how many of it there are.</summary>
    public static IEnumerable<(TokenUsage Usage, long Times)> Of(TokenUsage usage)
    {
        while (usage.TotalInputTokens > MaxTokens)
        {
            var times = (usage.TotalInputTokens / MaxTokens) + 1;
            var (piece, left) = Divide(usage, times);
            yield return (piece, times);
            usage = left;
        }

        if (usage != TokenUsage.None)
        {
            yield return (usage, 1);
        }
    }

    private static (TokenUsage Piece, TokenUsage Left) Divide(TokenUsage usage, long times)
    {
        Span<long> piece = stackalloc long[TokenBuckets.Count];
        Span<long> left = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(usage, piece);
        for (var i = 0; i < piece.Length; i++)
        {
            (piece[i], left[i]) = Math.DivRem(piece[i], times);
        }

        return (TokenBuckets.Read(piece), TokenBuckets.Read(left));
    }
}
