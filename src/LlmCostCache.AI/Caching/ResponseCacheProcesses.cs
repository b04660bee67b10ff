namespace LlmCostCache.AI;

/// <content>One process of this machine asks a question, the others wait.</content>
public sealed partial class ResponseCache
{
    // A process that dies while it asks keeps the others waiting this long.
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether this process may ask a question, as far as the other processes of this machine are concerned; it tells them until the flight has landed.</summary>
    internal async ValueTask<bool> TryLeadAmongProcessesAsync(CachePlan plan, CacheFlight flight)
    {
        if (_disk is not { } disk || !plan.CanStore)
            return true;

        var key = plan.Key;
        var outcome = await disk.TryLeaseAsync(key, s_lease).ConfigureAwait(false);
        if (outcome == LeaseOutcome.Taken)
        {
            // Not for ever: a reader that stopped reading its stream and never left would keep every other process waiting each time.
            var takenAt = _time.GetTimestamp();
            var renewal = _time.CreateTimer(
                _ =>
                {
                    if (_time.GetElapsedTime(takenAt) < CacheFlight.Patience)
                        _ = disk.TryLeaseAsync(key, s_lease).AsTask();
                },
                null, s_lease / 3, s_lease / 3);
            flight.OnLanding(() =>
            {
                renewal.Dispose();
                disk.ReleaseLease(key);
            });
        }

        return outcome != LeaseOutcome.HeldByOther;
    }

    /// <summary>Waits while another process of this machine asks the same question, as long as it shows that it lives, but not for ever.</summary>
    /// <returns>What the other process stored; null when this one has to ask.</returns>
    internal async ValueTask<CacheHit?> AwaitOtherProcessesAsync(CachePlan plan, CacheFlight flight, CancellationToken cancellationToken)
    {
        var pause = s_firstPause;
        var startedAt = _time.GetTimestamp();
        var waited = false;
        while (!await TryLeadAmongProcessesAsync(plan, flight).ConfigureAwait(false) && _time.GetElapsedTime(startedAt) < CacheFlight.Patience)
        {
            waited = true;
            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
            if (FindOnDisk(plan) is { } hit)
                return hit;

            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }

        // It may have stored its answer between our look and the end of its lease.
        return waited ? FindOnDisk(plan) : null;
    }

    /// <summary>What the file of this machine has for a question, whatever is in memory; then it is in memory, too.</summary>
    internal CacheHit? FindOnDisk(CachePlan plan)
    {
        if (_disk?.Find(plan.Key) is not { Vector: null } answer || !IsServable(answer, CacheLayer.Disk))
            return null;

        Remember(plan, answer);
        return new CacheHit(answer, CacheLayer.Disk, plan.Key);
    }
}
