using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Leaves a layer alone that fails, for a growing while, and lets one caller at a time look whether it is back.</summary>
/// <remarks>
/// Says so twice: a warning when the layer is left alone, an information when it is back; never per call. The pause begins at ten seconds and
/// doubles up to five minutes, each a fifth shorter or longer so that many processes do not return at once. A layer that fails again soon
/// after it came back is left alone for longer than before.
/// </remarks>
/// <param name="layer">The layer, for the log.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="logger">Where the two messages go.</param>
/// <param name="failuresInARow">How many failures in a row make it leave the layer alone.</param>
/// <param name="random">Numbers from 0 to 1; null takes <see cref="Random.Shared"/>.</param>
internal sealed class LayerBreaker(CacheLayer layer, TimeProvider time, ILogger logger, int failuresInARow = 3, Func<double>? random = null)
{
    public static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Func<double> _random = random ?? Random.Shared.NextDouble;
    private TimeSpan _pause;
    private long _probeAt;
    private long _since;
    private long _backSince;
    private int _failures;
    private bool _isProbing;
    private volatile bool _isLeftAlone;

    /// <summary>Whether callers go on without the layer.</summary>
    public bool IsLeftAlone => _isLeftAlone;

    /// <summary>Whether the caller may use the layer, be it to look whether it is back. Whoever may says how it went, with
    /// <see cref="Succeeded"/>, <see cref="Failed"/> or <see cref="LeaveAlone"/>.</summary>
    public bool TryEnter() => !_isLeftAlone || TryProbe();

    /// <summary>Whether the pause is over and this caller is the one to look whether the layer is back. A look that never ends is followed by
    /// another one after the next pause.</summary>
    public bool TryProbe()
    {
        // The number is only written under the lock; read here so that callers who stay away do not queue for it.
        if (!_isLeftAlone || time.GetTimestamp() < Interlocked.Read(ref _probeAt))
            return false;

        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (!_isLeftAlone || now < _probeAt)
                return false;

            _isProbing = true;
            ProbeAfterPause_NeedsLock(now);
            return true;
        }
    }

    /// <summary>The layer answered in time.</summary>
    public void Succeeded()
    {
        if (!_isLeftAlone && Volatile.Read(ref _failures) == 0)
            return;

        TimeSpan away;
        lock (_lock)
        {
            _failures = 0;
            if (!_isLeftAlone)
                return;

            _backSince = time.GetTimestamp();
            away = time.GetElapsedTime(_since, _backSince);
            _isProbing = false;
            _isLeftAlone = false;
        }

        Log.CacheLayerBack(logger, layer, Whole(away));
    }

    /// <summary>The layer failed; a few times in a row, and it is left alone.</summary>
    /// <param name="reason">A word or the type of an exception, for the log.</param>
    /// <returns>Whether it is left alone from now on for the first time in a long time. The trouble may be over in a moment, as when a
    /// connection is made, and is then worth a look before the pause is over.</returns>
    public bool Failed(string reason) => Fail(reason, failuresInARow);

    /// <summary>The layer kept a caller waiting, which must not happen to the next one: it is left alone at once.</summary>
    /// <inheritdoc cref="Failed"/>
    public bool LeaveAlone(string reason) => Fail(reason, failuresAllowed: 1);

    private bool Fail(string reason, int failuresAllowed)
    {
        bool isFirst;
        TimeSpan pause;
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_isLeftAlone)
            {
                // Whoever was inside when it was left alone says nothing new; whoever looked does.
                if (_isProbing)
                {
                    _isProbing = false;
                    _pause = Longer(_pause);
                    ProbeAfterPause_NeedsLock(now);
                }

                return false;
            }

            if (++_failures < failuresAllowed)
                return false;

            isFirst = _pause == TimeSpan.Zero || time.GetElapsedTime(_backSince, now) > LongestPause;
            _pause = pause = isFirst ? ShortestPause : Longer(_pause);
            _since = now;
            ProbeAfterPause_NeedsLock(now);
            _isLeftAlone = true;
        }

        Log.CacheLayerFailed(logger, layer, reason, pause);
        return isFirst;
    }

    private void ProbeAfterPause_NeedsLock(long now)
    {
        var pause = _pause.TotalSeconds * (0.8 + (0.4 * _random()));
        Interlocked.Exchange(ref _probeAt, now + (long)(pause * time.TimestampFrequency));
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    private static TimeSpan Whole(TimeSpan time) => TimeSpan.FromSeconds(Math.Ceiling(time.TotalSeconds));
}
