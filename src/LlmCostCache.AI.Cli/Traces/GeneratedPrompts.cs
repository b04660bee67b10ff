namespace LlmCostCache.AI.Cli.Traces;

/// <summary>Gives out the names of blocks: the same for instructions that a feature always begins with, new ones for everything else.</summary>
internal sealed class GeneratedPrompts
{
    private const int MostShared = 1_000;

    private readonly Dictionary<string, long> _shared = new(StringComparer.Ordinal);
    private long _next = 100_000;

    public long Next() => _next++;

    /// <summary>A prompt that begins with the instructions of a feature.</summary>
    public GeneratedPrompt Begin(string feature, int tokens)
    {
        if (!_shared.TryGetValue(feature, out var first))
        {
            _shared.Add(feature, first = _shared.Count * MostShared);
        }

        return new GeneratedPrompt(this, [.. Enumerable.Range(0, tokens / TraceCall.BlockTokens).Select(block => first + block)]);
    }
}
