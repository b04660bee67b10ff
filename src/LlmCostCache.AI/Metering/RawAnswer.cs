using System.ClientModel.Primitives;

namespace LlmCostCache.AI;

/// <summary>Reads from a provider's own answer what decides the price and the adapters leave out.</summary>
internal static class RawAnswer
{
    /// <summary>Never throws: the answer is paid for, whatever its SDK does when it is looked at.</summary>
    /// <param name="raw">What the adapter made its answer, or a piece of a stream, from; null when it does not say.</param>
    /// <param name="whole">Whether to look at all of it: for an answer whose adapter reported no usage.</param>
    public static RawFacts Read(object? raw, bool whole = false)
    {
        if (raw is null)
        {
            return RawFacts.None;
        }

        try
        {
            // OpenAI's SDK, Azure's, and whatever else is built on System.ClientModel: their models keep what they do not know and write it back.
            return raw is IPersistableModel<object> model ? RawOpenAI.Read(model, whole)
                : IsOf(raw, "Anthropic.Models.") ? RawAnthropic.Read(raw)
                : RawGemini.Read(raw) ?? RawUsage.OfProperties(raw) ?? (IsOf(raw, "Google.") || IsOf(raw, "Mscc.") || IsOf(raw, "Anthropic.SDK.") ? RawFacts.Unread : RawFacts.None);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return RawFacts.Unread;
        }
    }

    private static bool IsOf(object raw, string beginning) => raw.GetType().FullName?.StartsWith(beginning, StringComparison.Ordinal) == true;
}
