using System.Runtime.InteropServices;

namespace LlmCostCache.AI;

/// <summary>When questions were last asked in this process: for answers that come from a layer which does not remember it.</summary>
/// <remarks>
/// A table of fixed size without locks: a question that is forgotten because another took its place counts as last asked when its answer was stored.
/// </remarks>
internal sealed class AskTimes
{
    private const int Slots = 16_384;

    // Seconds in the upper half, a part of the key in the lower one.
    private readonly ulong[] _slots = new ulong[Slots];

    /// <summary>Notes that a question is asked now.</summary>
    /// <returns>When it was asked before, in ticks; zero when that is not known.</returns>
    public long Ask(CacheKey key, DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        ref var slot = ref _slots[words[0] % Slots];

        // Rounded up: a second too late makes a prompt look warmer and the saving smaller.
        var seconds = (ulong)Math.Clamp((now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond, 0, uint.MaxValue);
        var asked = (seconds << 32) | words[1];

        // Nothing to write when it was asked in this very second: callers of a popular question would take the line from each other.
        var before = Volatile.Read(ref slot);
        if (before != asked)
            before = Interlocked.Exchange(ref slot, asked);

        return (uint)before == words[1] && before >> 32 is var then and not 0
            ? DateTimeOffset.UnixEpoch.UtcTicks + ((long)then * TimeSpan.TicksPerSecond)
            : 0;
    }
}
