namespace LlmCostCache.AI;

/// <summary>Where the memory layer looks for a question: a fast hash of its canonical bytes, which means nothing outside this process.</summary>
internal readonly record struct RequestPrint(ulong Low, ulong High)
{
    // The halves are as good as any other hash of them.
    public override int GetHashCode() => (int)Low;
}
