namespace LlmCostCache.AI.Cli.Traces;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): whole numbers only, so that a seed gives the same trace on every machine and every version of .NET.</summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A number from <paramref name="least"/> to below <paramref name="end"/>.</summary>
    public int Next(int least, int end) => least + (int)(Draw() % (ulong)(end - least));

    public int Next(int end) => Next(0, end);

    /// <summary>True so many times in a thousand.</summary>
    public bool Happens(int perMille) => Next(1_000) < perMille;

    /// <summary>Mostly small, sometimes large: the smaller of two draws.</summary>
    public int Skewed(int least, int end) => Math.Min(Next(least, end), Next(least, end));

    private ulong Draw()
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
