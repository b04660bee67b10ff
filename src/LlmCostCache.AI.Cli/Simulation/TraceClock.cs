namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>The time of the trace. It stands still until somebody sets it; timers, which only background work has here, run by the real clock.</summary>
/// <param name="start">When it begins.</param>
internal sealed class TraceClock(DateTimeOffset start) : TimeProvider
{
    private long _ticks = start.UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public DateTimeOffset Now
    {
        get => new(Volatile.Read(ref _ticks), TimeSpan.Zero);
        set => Volatile.Write(ref _ticks, value.UtcTicks);
    }

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);
}
