namespace LlmCostCache.AI.Cli.Traces;

/// <summary>A prompt that grows at its end: full blocks keep their names, the last one that is not full gets a new name whenever it changes.</summary>
internal sealed class GeneratedPrompt(GeneratedPrompts names, IEnumerable<long> shared)
{
    private readonly List<long> _full = [.. shared];
    private long? _rest;

    public int Tokens { get; private set; } = shared.Count() * TraceCall.BlockTokens;

    /// <summary>The blocks as they are now.</summary>
    public long[] Blocks() => _rest is { } rest ? [.. _full, rest] : [.. _full];

    public void Grow(int tokens)
    {
        Tokens += tokens;
        while (_full.Count < Tokens / TraceCall.BlockTokens)
        {
            _full.Add(names.Next());
        }

        _rest = Tokens % TraceCall.BlockTokens > 0 ? names.Next() : null;
    }

    /// <summary>Grows to a length with names that are given and not new.</summary>
    public void GrowTo(int tokens, long firstName)
    {
        Tokens = tokens;
        while (_full.Count < Tokens / TraceCall.BlockTokens)
        {
            _full.Add(firstName--);
        }

        _rest = Tokens % TraceCall.BlockTokens > 0 ? firstName : null;
    }
}
