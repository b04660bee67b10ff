namespace LlmCostCache.AI;

/// <summary>Instants as the ledger stores them: microseconds since 1970, rounded towards the past.</summary>
internal static class LedgerTime
{
    private const long MicrosPerSlot = 900_000_000;

    public static long Micros(DateTimeOffset instant) => FloorDivide(instant.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks, 10);

    /// <summary>The first stored instant that is not before this one; the way to compare with a bound.</summary>
    public static long Ceiling(DateTimeOffset instant) => -FloorDivide(DateTimeOffset.UnixEpoch.UtcTicks - instant.UtcTicks, 10);

    public static DateTimeOffset Instant(long micros) => new((micros * 10) + DateTimeOffset.UnixEpoch.UtcTicks, TimeSpan.Zero);

    /// <summary>The end of a window; one that never ends is the last instant there is.</summary>
    public static DateTimeOffset Bound(long micros) => micros == Micros(DateTimeOffset.MaxValue) ? DateTimeOffset.MaxValue : Instant(micros);

    /// <summary>The quarter-hour that the instant lies in.</summary>
    public static long Slot(long micros) => FloorDivide(micros, MicrosPerSlot);

    public static long SlotStart(long slot) => slot * MicrosPerSlot;

    private static long FloorDivide(long value, long by) => (value / by) - (value % by < 0 ? 1 : 0);
}
