namespace LlmCostCache.AI;

/// <summary>The runs of a process, as long as they are in use.</summary>
internal sealed class Runs(TimeProvider time)
{
    private const int FewRuns = 1_024;
    private const int MostRuns = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<RunKey, Run> _runs = [];
    private int _sweepAt = FewRuns;

    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _runs.Count;
            }
        }
    }

    /// <summary>The run under this key; a new one when there is none or it was forgotten. Without a key the run is nobody else's.</summary>
    public Run Of(RunKey? key, TimeSpan idleTimeout)
    {
        if (key is null)
        {
            return new Run();
        }

        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (!_runs.TryGetValue(key, out var run) || IsOver(run))
            {
                if (run is null && _runs.Count >= _sweepAt)
                {
                    Sweep_NeedsLock();
                }

                _runs[key] = run = new Run();
            }

            run.UsedAt = now;
            run.IdleTimeout = idleTimeout;
            return run;
        }
    }

    private bool IsOver(Run run) => time.GetElapsedTime(run.UsedAt) >= run.IdleTimeout;

    private void Sweep_NeedsLock()
    {
        foreach (var (key, run) in _runs)
        {
            if (IsOver(run))
            {
                _runs.Remove(key);
            }
        }

        if (_runs.Count >= MostRuns)
        {
            // Memory that cannot grow is worth more than the caps of runs that have been silent for the longest time.
            foreach (var (key, _) in _runs.OrderBy(entry => entry.Value.UsedAt).Take(MostRuns / 10).ToList())
            {
                _runs.Remove(key);
            }
        }

        _sweepAt = Math.Clamp(2 * _runs.Count, FewRuns, MostRuns);
    }
}
