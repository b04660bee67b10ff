using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Looks, a minute after something was spent, whether budgets will cross their limit before their period ends, and says so once in each period.</summary>
internal sealed class BudgetWatch : IAsyncDisposable
{
    // The fullest first; a template can have a window for each of very many users.
    private const int MaxWindows = 100;

    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_day = TimeSpan.FromHours(25);

    private readonly ILedgerStore _store;
    private readonly BudgetStatusReader _status;
    private readonly BudgetNotifier _notifier;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly CountedWindows _said = new();
    private Task _looking = Task.CompletedTask;
    private int _armed;
    private bool _closed;

    public BudgetWatch(ILedgerStore store, BudgetStatusReader status, BudgetNotifier notifier, TimeProvider time, ILogger logger)
    {
        (_store, _status, _notifier, _time, _logger) = (store, status, notifier, time, logger);
        _timer = time.CreateTimer(static watch => ((BudgetWatch)watch!).Begin(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something was spent. Costs a look at a number unless a minute has passed.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _armed) == 0 && Interlocked.Exchange(ref _armed, 1) == 0)
        {
            _timer.Change(s_interval, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task looking;
        lock (_gate)
        {
            _closed = true;
            looking = _looking;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await looking.ConfigureAwait(false);
    }

    /// <summary>What will cross its limit is announced.</summary>
    public async Task LookAsync()
    {
        try
        {
            var now = _time.GetUtcNow();
            var balances = await _store.ReadBalancesAsync().ConfigureAwait(false);
            foreach (var balance in balances.Where(IsOpen).OrderByDescending(balance => BudgetStatus.Share(balance.Spent, balance.Limit)).Take(MaxWindows))
            {
                var status = _status.WithProjection(balance, CancellationToken.None);
                if (status.Projected > status.Limit && IsWellFounded(status) && _said.Add(balance.Window, balance.Limit))
                {
                    var notice = BudgetNotice.Of(BudgetNoticeKind.Projection, balance.Window, balance.Limit, balance.Spent, balance.Reserved, now);
                    _notifier.GiveOnce(balance.Window, "projection", notice with { Projected = status.Projected }, () => _said.Remove(balance.Window, balance.Limit));
                }
            }
        }
        catch (Exception exception) when (exception is LlmCostException or ObjectDisposedException or OverflowException)
        {
            Log.StoreUnavailable(_logger, exception.Message);
        }
    }

    private void Begin()
    {
        Volatile.Write(ref _armed, 0);
        lock (_gate)
        {
            if (!_closed && _looking.IsCompleted)
            {
                _looking = Task.Run(LookAsync);
            }
        }
    }

    // What is over its limit needs no projection, and a limit of zero is over it with the first call.
    private static bool IsOpen(WindowBalance balance) =>
        balance.Window.EndsAt != DateTimeOffset.MaxValue && balance.Window.Budget.Period != BudgetPeriod.Rolling
        && balance.Spent.Count > 0 && balance.Spent < balance.Limit;

    // One busy hour says little about a week.
    private static bool IsWellFounded(BudgetStatus status) =>
        status.ProjectionBasis is ProjectionBasis.LastDay or ProjectionBasis.HourOfWeek || status.ResetsAt - status.StartsAt <= s_day;
}
