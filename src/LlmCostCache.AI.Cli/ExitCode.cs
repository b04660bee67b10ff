namespace LlmCostCache.AI.Cli;

/// <summary>What the number that <c>llmcost</c> ends with means. Released numbers are API.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The command did its work and found something: a line without an answer, a model without a price, a price that looks wrong, a ledger that was changed.</summary>
    public const int Found = 1;

    /// <summary>Wrong arguments, or a price file that cannot be read.</summary>
    public const int WrongUsage = 2;

    public const int StoreUnusable = 3;

    /// <summary>A fault of ours.</summary>
    public const int Fault = 70;

    /// <summary>Ended by Ctrl+C.</summary>
    public const int Cancelled = 130;

    /// <summary>The reader of standard output went before everything was written, as in <c>llmcost export | head</c>: what a shell reports of other programs that a broken pipe ended.</summary>
    public const int ReaderGone = 141;
}
