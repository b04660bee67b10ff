namespace StockCacheExample;

/// <summary>Something that is asked of both caches.</summary>
/// <param name="Asked">What is asked.</param>
/// <param name="Wanted">What one would want to see; ours must show it.</param>
/// <param name="Stock">What the stock cache shows in the version this example is built with.</param>
/// <param name="Observe">Asks and says what was seen.</param>
internal sealed record Trap(string Asked, string Wanted, string Stock, Func<Candidate, Task<string>> Observe)
{
    /// <summary>Whether it is about the backend, so that ours has to use nothing else.</summary>
    public bool IsAboutBackend { get; init; }
}
