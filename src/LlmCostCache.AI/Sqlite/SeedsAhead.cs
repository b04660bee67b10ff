using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>
/// Adds up what the ledger holds for windows that are about to be opened, before the write lock is taken, where only rows can answer: for a budget by model or tag these are all rows of its window,
/// which take seconds in a large ledger, and every other writer would wait for them.
/// </summary>
/// <param name="read">Reads on a connection of its own, in one snapshot.</param>
internal sealed class SeedsAhead(Func<Func<SqliteConnection, EarlierSums?>, EarlierSums?> read)
{
    private const int MaxKnown = 10_000;

    // Rows of a shorter span are read in a moment, and by session an index finds them.
    private static readonly TimeSpan s_short = TimeSpan.FromHours(1);

    private static readonly Lazy<Task<EarlierSums?>> s_opened = new(Task.FromResult<EarlierSums?>(null));

    private readonly ConcurrentDictionary<(string Budget, string Key, long StartsAt), Lazy<Task<EarlierSums?>>> _sums = new();

    /// <summary>Whether any of the windows may be a new one that takes long to add up.</summary>
    public bool Wants(ImmutableArray<Hold> holds)
    {
        foreach (var hold in holds)
        {
            if (IsLong(hold.Window) && (!_sums.TryGetValue(NameOf(hold.Window), out var known) || known != s_opened))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads what can be known of them already; many callers that ask for the same window wait for one.</summary>
    public async ValueTask<ImmutableArray<EarlierSums>> ReadAsync(IEnumerable<BudgetWindow> windows, CancellationToken cancellationToken)
    {
        var found = ImmutableArray.CreateBuilder<EarlierSums>();
        foreach (var window in windows.Where(IsLong))
        {
            if (_sums.Count >= MaxKnown)
            {
                _sums.Clear();
            }

            // Rows are not read on the thread of a caller who may have none to spare.
            var sums = _sums.GetOrAdd(NameOf(window), static (_, asked) => new(() => Task.Run(() => asked.Ahead.Read(asked.Window))), (Ahead: this, Window: window)).Value;
            if (await sums.WaitAsync(cancellationToken).ConfigureAwait(false) is { } earlier)
            {
                found.Add(earlier);
            }
        }

        return found.ToImmutable();
    }

    /// <summary>They are in the file now: nobody has to add them up again.</summary>
    public void Opened(IEnumerable<BudgetWindow> windows)
    {
        foreach (var window in windows.Where(IsLong))
        {
            _sums[NameOf(window)] = s_opened;
        }
    }

    private static bool IsLong(BudgetWindow window)
    {
        var scope = window.Budget.Scope;
        return scope.Session is null
            && (window.Budget.Span is { } span ? span > s_short : (scope.Model ?? scope.Tag) is not null && window.EndsAt - window.StartsAt > s_short);
    }

    // A rolling budget reads the rows of its span once; then there is a slice for each that has any.
    private static (string Budget, string Key, long StartsAt) NameOf(BudgetWindow window) =>
        (window.Budget.Id, window.Key, window.Budget.Span is null ? LedgerTime.Micros(window.StartsAt) : 0);

    private EarlierSums? Read(BudgetWindow window)
    {
        try
        {
            return read(connection => IsOpen(connection, window) ? null : Sum(connection, window));
        }
        catch (Exception error) when (error is LlmCostException or OverflowException)
        {
            // Whoever opens the window meets the same, and says so to the one who asked.
            return null;
        }
    }

    private static bool IsOpen(SqliteConnection connection, BudgetWindow window)
    {
        using var open = new SqliteStatement(connection, window.Budget.Span is null
            ? "SELECT 1 FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3"
            : "SELECT 1 FROM rolling_window WHERE budget_id = ?1 AND window_key = ?2 AND ?3 IS NOT NULL");
        return open.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, LedgerTime.Micros(window.StartsAt)).Step();
    }

    private static EarlierSums Sum(SqliteConnection connection, BudgetWindow window)
    {
        RollingSlices? slices = window.Budget.Span is { } span ? RollingSlices.Of(span) : null;
        var asked = slices is null ? window : window with { StartsAt = slices.Value.FirstBeside(window.StartsAt), EndsAt = DateTimeOffset.MaxValue };
        var statements = new List<SqliteStatement>();
        try
        {
            var seed = new WindowSeed(sql =>
            {
                statements.Add(new SqliteStatement(connection, sql));
                return statements[^1];
            });
            var through = SqliteFile.Scalar(connection, "SELECT MAX((SELECT COALESCE(MAX(seq), 0) FROM entry), (SELECT COALESCE(MAX(moved_through), 0) FROM archive))");
            return new(window.Budget.Id, window.Key, LedgerTime.Micros(asked.StartsAt), LedgerTime.Micros(asked.EndsAt), slices?.Length, through, seed.Sums(asked, slices?.Length));
        }
        finally
        {
            statements.ForEach(static statement => statement.Dispose());
        }
    }
}
