using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Live;

/// <summary>Follows a ledger: reads only what was written since the last look, and the sums of today only when something was written.</summary>
internal sealed class LedgerWatch : IAsyncDisposable
{
    private readonly LedgerPulse _pulse;
    private readonly LedgerTail _tail;
    private readonly LedgerView _view;
    private readonly LedgerCalendar _configured;
    private readonly LedgerCalendar _shown;
    private readonly TimeProvider _time;
    private readonly MinuteMeter _meter = new();
    private (long Version, DateTimeOffset Day)? _seen;
    private LedgerTotal _today = new();
    private (long Calls, Money Amount) _pending;

    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public LedgerWatch(string home, TimeZoneInfo? zone, TimeProvider time)
    {
        _time = time;
        var path = LedgerFile.PathIn(home);
        _pulse = new(path);
        var rows = _pulse.RowsSince(time.GetUtcNow() - TimeSpan.FromMinutes(MinuteMeter.Minutes));
        _tail = new(path, checked((int)Math.Min(int.MaxValue, rows)));
        _view = LedgerView.Open(home, time);
        _configured = _view.Calendar;
        _shown = zone is null ? _configured : _configured.In(zone);
    }

    public async Task<WatchFrame> LookAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        for (var rows = _tail.Next(); rows.Count > 0; rows = _tail.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var row in rows)
            {
                _meter.Add(row);
            }
        }

        _meter.Forget(now);
        var (since, until) = _shown.WindowOf(BudgetPeriod.Day, now);
        var version = _pulse.Version;
        if (_seen != (version, since))
        {
            _view.Calendar = _shown;
            _today = (await _view.Ledger.TotalsAsync(null, null, new() { Since = since, Until = until }, cancellationToken).ConfigureAwait(false))[0];
            _pending = _pulse.Pending;
            _seen = (version, since);
        }

        // Windows end without anybody writing, so budgets are read each time; they follow the zone of the application.
        _view.Calendar = _configured;
        var balances = await _view.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
        return new()
        {
            At = TimeZoneInfo.ConvertTime(now, _shown.Zone),
            Minute = _meter.Last(now, 1),
            FiveMinutes = _meter.Last(now, WatchFrame.RateMinutes),
            Spends = [.. _meter.Each(now, MinuteMeter.Minutes).Select(minute => minute.Spent)],
            Latency = _meter.Latency(),
            Today = _today,
            Pending = _pending,
            Budgets = balances,
        };
    }

    public async ValueTask DisposeAsync()
    {
        _pulse.Dispose();
        _tail.Dispose();
        await _view.DisposeAsync().ConfigureAwait(false);
    }
}
