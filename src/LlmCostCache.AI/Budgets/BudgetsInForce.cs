using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Which budgets hold now. Those in code never change; those that any process sets at run time are found in the ledger by their revision.</summary>
internal sealed class BudgetsInForce
{
    private readonly ImmutableArray<Budget> _inCode;
    private readonly ILedgerStore _store;
    private readonly ILogger _logger;
    private LimitSet _now = new(new BudgetSettings(-1, [], []), BudgetMatcher.Empty);

    public BudgetsInForce(IEnumerable<Budget> inCode, ILedgerStore store, ILogger logger)
    {
        _inCode = [.. inCode];
        _store = store;
        _logger = logger;
        Adopt(store.SettingsAfter(-1) ?? BudgetSettings.None);
    }

    /// <summary>Those that were known last.</summary>
    public LimitSet Known => _now;

    /// <summary>Whether there are any. While there is none, one number is read from the ledger: another process may have set the first.</summary>
    public bool HasBudgets => !_now.Matcher.IsEmpty || (Newer(_now) is { } newer && !Adopt(newer).Matcher.IsEmpty);

    /// <summary>Those that hold now, as far as the ledger can be asked.</summary>
    public LimitSet Read() => Newer(_now) is { } newer ? Adopt(newer) : _now;

    /// <summary>The limits that were set since; null when there are none, or the ledger cannot be asked.</summary>
    public BudgetSettings? Newer(LimitSet known)
    {
        try
        {
            return _store.SettingsAfter(known.Settings.Revision);
        }
        catch (Exception exception) when (exception is StoreUnavailableException or ObjectDisposedException)
        {
            Log.StoreUnavailable(_logger, exception.Message);
            return null;
        }
    }

    public LimitSet Adopt(BudgetSettings settings)
    {
        var limits = new LimitSet(settings, new BudgetMatcher(settings.Over(_inCode)));
        _now = limits;
        return limits;
    }
}
