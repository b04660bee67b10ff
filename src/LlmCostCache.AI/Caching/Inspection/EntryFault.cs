namespace LlmCostCache.AI;

/// <summary>Says in words why an answer could not be opened.</summary>
internal static class EntryFault
{
    // The fifth byte of a frame says how it was sealed; see AnswerSeal.
    private const int HowAt = 4;
    private const byte WithSecret = 1;
    private const byte Encrypted = 2;

    public static string Of(SealResult result, byte[]? frame)
    {
        if (frame is null)
        {
            return "there is no answer in it";
        }

        if (result == SealResult.UnknownKey)
        {
            return "it is encrypted with a key that was not given";
        }

        return frame.Length > HowAt && frame[HowAt] is WithSecret or Encrypted
            ? "it was changed, or it was stored with another secret or key than the one given"
            : "it was changed, or it was stored without the secret or key that was given";
    }
}
