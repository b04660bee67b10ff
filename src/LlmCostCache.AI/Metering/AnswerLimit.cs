namespace LlmCostCache.AI;

/// <summary>
/// How long the answer may be that a strict budget held for a stream, and when the stream is cut. A provider is believed to keep the limit that it was sent until it is seen to
/// break it: what arrives is cut once it is certainly longer. Of a provider that has broken one before, it is cut as soon as it may be longer.
/// </summary>
/// <param name="tokens">The most tokens that were held, all choices together.</param>
/// <param name="isBelieved">Whether the provider has kept every limit so far.</param>
internal sealed class AnswerLimit(long tokens, bool isBelieved)
{
    private readonly LeastTokens _least = new();
    private int _counted;

    public long Tokens => tokens;

    public bool IsBelieved => isBelieved;

    /// <summary>Whether what has arrived was cut off here.</summary>
    public bool WasPassed { get; private set; }

    public bool IsPassedBy(StreamReading reading) => WasPassed = IsBeyond(reading);

    private bool IsBeyond(StreamReading reading)
    {
        // A token has at least one byte: this much certainly fits, and nothing has to be counted.
        if (reading.OutputBytes <= tokens && isBelieved)
        {
            return false;
        }

        if (!isBelieved)
        {
            // Room for what the provider has produced and we have not received yet.
            return reading.OutputBytes > Math.Max(tokens - AttemptPricing.TokensInFlight, tokens / 2);
        }

        for (; _counted < reading.Contents.Count; _counted++)
        {
            _least.Add(reading.Contents[_counted]);
        }

        return _least.Count > tokens;
    }
}
