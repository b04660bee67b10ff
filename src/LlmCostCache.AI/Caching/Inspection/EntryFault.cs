namespace LlmCostCache.AI;

/// <summary>Says in words why an answer could not be opened.</summary>
internal static class EntryFault
{
    public static string Of(SealResult result, byte[]? frame, AnswerSeal seal) =>
        frame is null ? "there is no answer in it"
        : result == SealResult.UnknownKey ? "it is encrypted with a key that was not given"
        : seal.LacksSecretOf(frame) ? "it was stored with a secret, and none was given"
        : seal.HasSecret || seal.Encrypts ? "it was changed, or it was stored without the secret or key that was given"
        : "it was changed";

    /// <summary>Whether it may be a good entry that only somebody else can open.</summary>
    public static bool IsSomebodyElses(SealResult result, byte[] frame, AnswerSeal seal) => result == SealResult.UnknownKey || (result == SealResult.Broken && seal.LacksSecretOf(frame));
}
