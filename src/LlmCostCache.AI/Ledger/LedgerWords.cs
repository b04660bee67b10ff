namespace LlmCostCache.AI;

/// <summary>The words that stand for enumerations in the file and in exports. Once released they do not change.</summary>
internal static class LedgerWords
{
    private static readonly string[] s_status = ["ok", "cached", "coalesced", "blocked", "failed", "incomplete", "assumed"];
    private static readonly string[] s_certainty = ["known", "bounded", "unknown"];
    private static readonly string[] s_layer = ["none", "memory", "disk", "distributed", "semantic", "coalesced"];

    public static string Word(CallStatus status) => s_status[(int)status];

    public static string Word(CostCertainty certainty) => s_certainty[(int)certainty];

    public static string Word(CacheLayer layer) => s_layer[(int)layer];

    public static CallStatus Status(string word) => (CallStatus)IndexOf(s_status, word);

    public static CostCertainty Certainty(string word) => (CostCertainty)IndexOf(s_certainty, word);

    public static CacheLayer Layer(string word) => (CacheLayer)IndexOf(s_layer, word);

    private static int IndexOf(string[] words, string word)
    {
        var index = Array.IndexOf(words, word);
        return index >= 0 ? index : throw new LlmCostException($"The ledger holds the word '{word}', which this version does not know. Run 'llmcost ledger verify'.");
    }
}
