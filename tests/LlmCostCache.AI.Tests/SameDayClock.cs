namespace LlmCostCache.AI.Tests;

/// <summary>The machine's clock, so that no test runs into the next day: just before midnight (UTC) it is half an hour behind. Timers and elapsed time stay real.</summary>
internal sealed class SameDayClock : TimeProvider
{
    private static readonly TimeSpan s_behind = TimeSpan.FromMinutes(30);
    private static readonly SameDayClock s_justBeforeMidnight = new();

    private SameDayClock()
    {
    }

    /// <summary>The clock for a test that begins now and takes less than ten minutes.</summary>
    public static TimeProvider ForATest => System.GetUtcNow().TimeOfDay >= TimeSpan.FromDays(1) - TimeSpan.FromMinutes(10) ? s_justBeforeMidnight : System;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() - s_behind;
}
