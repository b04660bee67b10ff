namespace LlmCostCache.AI;

/// <summary>A clock whose day stands still while its stopwatch runs.</summary>
public sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}
