using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>One random history of the store beside a model that is too simple to be wrong: after every step all counters must agree.</summary>
/// <param name="seed">Decides everything.</param>
/// <param name="fault">A bug to be planted into the protocol; null for the product as it is.</param>
internal sealed class LedgerSimulation(int seed, PlantedFault? fault = null) : IAsyncDisposable
{
    private static readonly string[] s_users = ["alice", "bob", "carol"];
    private static readonly string[] s_models = ["small", "large"];

    private readonly LedgerHome _home = new(fast: true);
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Reservation> _reservations = [];
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Dictionary<WindowId, Window> _windows = [];
    private readonly Rule[] _rules =
    [
        new(Budget.Daily(0.00002m), 0, _ => ""),
        new(Budget.Daily(0.00001m).ForUser("alice"), 0, who => who.User == "alice" ? "" : null),
        new(Budget.Monthly(0.0001m).ForEachUser(), 300, who => $"user={who.User}"),
        new(Budget.Hourly(0.000005m).ForModel("LARGE"), 600, who => who.Model == "large" ? "" : null),
        new(Budget.Daily(0.000001m).ForTag("beta").Warn(), 900, who => who.Beta ? "" : null),
        new(Budget.Total(0.001m).ForEachSession(), 1_200, who => $"session={who.Session}"),
        new(Budget.Daily(BudgetAmount.Tokens(15_000)).ForUser("carol"), 150, who => who.User == "carol" ? "" : null),
        new(Budget.Hourly(BudgetAmount.Requests(3)).ForEachUser(), 1_000, who => $"user={who.User}"),
        new(Budget.Rolling(BudgetAmount.Tokens(8_000), TimeSpan.FromHours(3)).ForUser("bob"), 200, who => who.User == "bob" ? "" : null),
        new(Budget.Rolling(BudgetAmount.Requests(30), TimeSpan.FromHours(12)).ForEachSession(), 500, who => $"session={who.Session}"),
        new(Budget.Rolling(0.00002m, TimeSpan.FromHours(5)), 700, _ => ""),
    ];

    // Two processes, as far as the file is concerned: each keeps in memory what it believes of it.
    private readonly ILedgerStore[] _stores = new ILedgerStore[2];
    private readonly Dictionary<string, BudgetUnit> _units = [];
    private SqliteConnection _check = null!;
    private SqliteStatement _readWindows = null!;
    private int _step;
    private int _nextId;

    private ILedgerStore Store => _stores[_random.Next(2)];

    public async Task RunAsync(int steps)
    {
        foreach (var rule in _rules)
        {
            _units.Add(rule.Budget.Id, rule.Budget.Unit);
        }

        Open();
        for (_step = 0; _step < steps; _step++)
        {
            await StepAsync();
            CompareWindows();
            if (_step % 500 == 499)
            {
                var found = await Store.VerifyAsync();
                Assert.True(found.IsIntact, $"seed {seed}, step {_step}: {string.Join(' ', found.Problems)}");
            }
        }

        await CompareRowsAsync();
        await DrainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _readWindows.Dispose();
        await _check.DisposeAsync();
        await _home.DisposeAsync();
    }

    private void Open()
    {
        var first = _check is null;
        var (one, two) = (_home.Open(), _home.Open());
        _check ??= _home.Connect();
        _readWindows ??= new SqliteStatement(_check, """
            SELECT budget_id, window_key, starts_at, posted_nanos, pending_nanos FROM budget_window
             WHERE budget_id NOT IN (SELECT id FROM budget WHERE span_ms IS NOT NULL)
            """);
        if (first)
        {
            // While it is armed, whatever an operation writes last fails, so that all it had written before must vanish again.
            _home.Execute("""
                CREATE TABLE failing (armed INTEGER NOT NULL);
                INSERT INTO failing VALUES (0);
                CREATE TRIGGER failing_hold AFTER INSERT ON reservation WHEN (SELECT armed FROM failing) BEGIN SELECT RAISE(ABORT, 'the disk'); END;
                CREATE TRIGGER failing_sum AFTER UPDATE ON rollup_slot WHEN (SELECT armed FROM failing) BEGIN SELECT RAISE(ABORT, 'the disk'); END;
                CREATE TRIGGER failing_first_sum AFTER INSERT ON rollup_slot WHEN (SELECT armed FROM failing) BEGIN SELECT RAISE(ABORT, 'the disk'); END;
                CREATE TRIGGER failing_void AFTER UPDATE OF state ON reservation WHEN (SELECT armed FROM failing) BEGIN SELECT RAISE(ABORT, 'the disk'); END;
                """);
            if (fault?.Sql is { } sql)
            {
                _home.Execute(sql);
            }
        }

        _stores[0] = fault?.Wrap?.Invoke(one, _home) ?? one;
        _stores[1] = fault?.Wrap?.Invoke(two, _home) ?? two;
    }

    private Task StepAsync() => _random.Next(1_000) switch
    {
        < 370 => ReserveAsync(),
        < 380 => FailAsync(),
        < 400 => RepeatAsync(),
        < 660 => PostAsync(),
        < 740 => VoidAsync(),
        < 770 => ExtendAsync(),
        < 820 => AppendUnreservedAsync(),
        < 850 => AppendAgainAsync(),
        < 910 => SettleLateAsync(),
        < 930 => AdjustAsync(),
        < 993 => AdvanceAsync(),
        < 998 => GoneAsync(),
        _ => RestartAsync(),
    };

    private async Task ReserveAsync()
    {
        var id = $"{_nextId++}";
        var who = NewCaller();
        ExpireDue();
        var holds = new List<(Hold Hold, WindowId Window)>();
        foreach (var rule in _rules.Where(rule => rule.FromStep <= _step))
        {
            if (rule.KeyOf(who) is { } key)
            {
                var hold = _home.Hold(rule.Budget, rule.Budget.Unit == BudgetUnit.Requests ? 1 : _random.Next(1, 2_000), key);
                if (_random.Next(8) == 0)
                {
                    // What is just enough is enough, and a nano-dollar more is not.
                    var (posted, pending) = Standing(hold);
                    var left = hold.Window.Budget.Amount.Count - posted - pending + _random.Next(2);
                    hold = left is > 0 and < 20_000 ? hold with { Amount = BudgetAmount.Of(rule.Budget.Unit, left) } : hold;
                }

                holds.Add((hold, WindowId.Of(hold)));
            }
        }

        var request = new ReservationRequest { Record = Record(id, who, 0), Holds = [.. holds.Select(hold => hold.Hold)], Timeout = TimeSpan.FromMinutes(_random.Next(1, 20)) };
        var fits = true;
        var standings = holds.ConvertAll(hold => Standing(hold.Hold));
        for (var i = 0; i < holds.Count; i++)
        {
            var hold = holds[i].Hold;
            fits &= !hold.Enforced || hold.Amount.Count == 0 || standings[i].Posted + standings[i].Pending + hold.Amount.Count <= hold.Window.Budget.Amount.Count;
        }

        var outcome = await Store.ReserveAsync(request);

        Assert.True(fits == outcome.Accepted, $"seed {seed}, step {_step}: accepted is {outcome.Accepted}");
        Assert.Equal(standings, outcome.Balances.Select(balance => (balance.Spent.Count, balance.Reserved.Count)));
        if (fits)
        {
            var reservation = new Reservation(who, request, _home.Clock.GetUtcNow() + request.Timeout, holds.ToDictionary(hold => hold.Window, hold => hold.Hold.Amount.Count));
            _reservations.Add(id, reservation);
            foreach (var (window, amount) in reservation.Holds)
            {
                if (_windows.TryGetValue(window, out var calendar))
                {
                    calendar.Pending += amount;
                }
            }
        }
    }

    private async Task RepeatAsync()
    {
        if (Pick(State.Pending) is not { } picked)
        {
            return;
        }

        ExpireDue();
        if (picked.Value.State == State.Pending)
        {
            Assert.True((await Store.ReserveAsync(picked.Value.Request)).Accepted);
        }
        else
        {
            await Assert.ThrowsAsync<LlmCostException>(async () => await Store.ReserveAsync(picked.Value.Request));
        }
    }

    private async Task PostAsync()
    {
        if (Pick(State.Pending) is not { } picked)
        {
            return;
        }

        var (id, reservation) = (picked.Key, picked.Value);
        var largest = reservation.Most(BudgetUnit.Usd);
        var least = reservation.Holds.Where(hold => hold.Key.Unit != BudgetUnit.Requests).Min(hold => hold.Value);
        var cost = _random.Next(20) == 0 ? largest * 2 : _random.NextInt64(least + 1);
        Assert.True(await Store.AppendAsync(reservation.Request.Record with { Cost = Known(cost) }));
        Leave(reservation, State.Posted);
        Book(id, reservation.Who, reservation.Request.Record.At, Counts.Of(cost), reservation.Holds);
    }

    private async Task VoidAsync()
    {
        if (Pick((State)_random.Next(4)) is not { } picked)
        {
            return;
        }

        await Store.VoidAsync(picked.Key);
        if (picked.Value.State == State.Pending)
        {
            Leave(picked.Value, State.Voided);
        }
    }

    private async Task ExtendAsync()
    {
        if (Pick(State.Pending) is not { } picked)
        {
            return;
        }

        var timeout = TimeSpan.FromMinutes(_random.Next(1, 30));
        await Store.ExtendAsync(picked.Key, timeout);
        var deadline = _home.Clock.GetUtcNow() + timeout;
        picked.Value.Deadline = deadline > picked.Value.Deadline ? deadline : picked.Value.Deadline;
    }

    private async Task AppendUnreservedAsync()
    {
        var id = Pick(State.Voided) is { } picked && !_entries.ContainsKey(picked.Key) ? picked.Key : $"{_nextId++}";
        var who = NewCaller();
        var cost = _random.Next(100);
        var record = Record(id, who, cost) with { At = _home.Clock.GetUtcNow().AddHours(-_random.Next(30)) };
        Assert.True(await Store.AppendAsync(record));
        Book(id, who, record.At, Counts.Of(cost), []);
    }

    private async Task AppendAgainAsync()
    {
        if (Pick(State.Posted) is { } picked)
        {
            Assert.False(await Store.AppendAsync(picked.Value.Request.Record with { Cost = Known(77) }));
        }
    }

    private async Task SettleLateAsync()
    {
        if (Pick(State.Expired) is not { } picked)
        {
            return;
        }

        var cost = _random.Next(3_000);
        var first = !picked.Value.SettledLate;
        Assert.Equal(first, await Store.AppendAsync(picked.Value.Request.Record with { Cost = Known(cost) }));
        picked.Value.SettledLate = true;
        if (first)
        {
            Change(picked.Key, cost);
        }
    }

    private async Task AdjustAsync()
    {
        if (_entries.Count == 0)
        {
            return;
        }

        var id = _entries.Keys.ElementAt(_random.Next(_entries.Count));
        var cost = _random.Next(200);
        await Store.AdjustAsync(id, Known(cost), "tokenizer");
        Change(id, cost);
    }

    private Task AdvanceAsync()
    {
        var step = _random.Next(20);
        if (step == 0)
        {
            // Somebody sets the clock back, or an adjustment had gone too far.
            _home.Clock.AdjustTime(_home.Clock.GetUtcNow().AddMinutes(-_random.Next(1, 150)));
        }
        else
        {
            _home.Clock.Advance(step < 3 ? TimeSpan.FromHours(_random.Next(1, 9)) : TimeSpan.FromSeconds(_random.Next(1, 300)));
        }

        return Task.CompletedTask;
    }

    /// <summary>An operation fails at its last write: it has happened wholly or not at all, and the same again succeeds.</summary>
    private async Task FailAsync()
    {
        if (Pick(State.Pending) is not { } picked || _reservations.Values.Any(reservation => reservation.State == State.Pending && reservation.Deadline <= _home.Clock.GetUtcNow()))
        {
            return;
        }

        Arm(1);
        var record = picked.Value.Request.Record with { Cost = Known(1) };
        var kind = _random.Next(3);
        Task Operation() => kind switch
        {
            0 => Store.AppendAsync(record).AsTask(),
            1 => Store.AppendAsync(record with { Id = $"{_nextId++}" }).AsTask(),
            _ => picked.Value.Holds.Count == 0 ? Store.AppendAsync(record).AsTask() : Store.VoidAsync(picked.Key).AsTask(),
        };
        await Assert.ThrowsAsync<StoreUnavailableException>(Operation);
        CompareWindows();
        Arm(0);
        if (kind == 0)
        {
            Assert.True(await Store.AppendAsync(record));
            Leave(picked.Value, State.Posted);
            Book(picked.Key, picked.Value.Who, record.At, Counts.Of(1), picked.Value.Holds);
        }
    }

    /// <summary>The file is away for a moment: nothing is accepted, and nothing of it happens later.</summary>
    private async Task GoneAsync()
    {
        if (Pick(State.Pending) is not { } picked || OperatingSystem.IsWindows())
        {
            return;
        }

        File.Move(_home.File, _home.File + ".away");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.AppendAsync(picked.Value.Request.Record with { Cost = Known(7) }).AsTask());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.ReserveAsync(picked.Value.Request with { Record = Record($"{_nextId++}", picked.Value.Who, 0) }).AsTask());
        File.Move(_home.File + ".away", _home.File);
    }

    private void Arm(int armed)
    {
        using var command = new SqliteCommand($"UPDATE failing SET armed = {armed}", _check);
        command.ExecuteNonQuery();
    }

    private async Task RestartAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        Open();
    }

    private void ExpireDue()
    {
        var now = _home.Clock.GetUtcNow();
        foreach (var (id, reservation) in _reservations)
        {
            if (reservation.State == State.Pending && reservation.Deadline <= now)
            {
                Leave(reservation, State.Expired);
                var held = new Counts(reservation.Most(BudgetUnit.Usd), reservation.Most(BudgetUnit.Tokens), reservation.Most(BudgetUnit.Requests));
                Book(id, reservation.Who, reservation.Request.Record.At, held, reservation.Holds);
            }
        }
    }

    private void Leave(Reservation reservation, State state)
    {
        reservation.State = state;
        foreach (var (window, amount) in reservation.Holds)
        {
            if (_windows.TryGetValue(window, out var calendar))
            {
                calendar.Pending -= amount;
            }
        }
    }

    private void Book(string id, Caller who, DateTimeOffset at, Counts counts, Dictionary<WindowId, long> holds)
    {
        _entries.Add(id, new Entry(who, at) { Counts = counts });
        foreach (var (key, window) in _windows.Where(window => window.Value.Counts(who, at)))
        {
            window.Posted += counts[key.Unit];
            window.Overrun += Math.Max(0, counts[key.Unit] - holds.GetValueOrDefault(key));
        }
    }

    private void Change(string id, long cost)
    {
        var entry = _entries[id];
        var now = Counts.Of(cost);
        foreach (var (key, window) in _windows.Where(window => window.Value.Counts(entry.Who, entry.At)))
        {
            var more = now[key.Unit] - entry.Counts[key.Unit];
            window.Posted += more;
            window.Overrun += Math.Max(0, more);
        }

        entry.Counts = now;
    }

    private (long Posted, long Pending) Standing(Hold hold)
    {
        var id = WindowId.Of(hold);
        if (hold.Window.Budget.Span is { } span)
        {
            return Beside(hold, id, RollingSlices.Of(span));
        }

        var window = FindOrSeed(id, hold);
        return (window.Posted, window.Pending);
    }

    /// <summary>A rolling budget is told from the calls alone, without slices that are kept.</summary>
    private (long Posted, long Pending) Beside(Hold hold, WindowId id, RollingSlices slices)
    {
        var rule = _rules.First(rule => rule.Budget == hold.Window.Budget);
        var (first, last) = (slices.FirstBeside(hold.Window.StartsAt), slices.LastBeside(hold.Window.StartsAt));
        var posted = _entries.Values.Where(entry => entry.At >= first && entry.At < last + slices.Length && rule.KeyOf(entry.Who) == id.Key).Sum(entry => entry.Counts[id.Unit]);
        var pending = _reservations.Values.Where(reservation => reservation.State == State.Pending).SelectMany(reservation => reservation.Holds)
            .Where(other => other.Key.Budget == id.Budget && other.Key.Key == id.Key && other.Key.StartsAt >= LedgerTime.Micros(first) && other.Key.StartsAt <= LedgerTime.Micros(last))
            .Sum(other => other.Value);
        return (posted, pending);
    }

    private Window FindOrSeed(WindowId id, Hold hold)
    {
        if (!_windows.TryGetValue(id, out var window))
        {
            window = new Window(hold, _rules.First(rule => rule.Budget == hold.Window.Budget));
            window.Posted = window.Overrun = _entries.Values.Where(entry => window.Counts(entry.Who, entry.At)).Sum(entry => entry.Counts[id.Unit]);
            _windows.Add(id, window);
        }

        return window;
    }

    private void CompareWindows()
    {
        var count = 0;
        while (_readWindows.Step())
        {
            count++;
            var id = _readWindows.Text(0);
            var window = _windows[new WindowId(id, _readWindows.Text(1), _readWindows.Int64(2), _units[id])];
            var (posted, pending) = (_readWindows.Int64(3), _readWindows.Int64(4));

            // Sentences are made where something is wrong only: this is asked a million times.
            if (window.Posted != posted || window.Pending != pending)
            {
                Assert.Fail($"seed {seed}, step {_step}: {id} has {posted} + {pending}, the model {window.Posted} + {window.Pending}");
            }

            if (pending < 0 || (window.Enforced && posted + pending > window.Limit + window.Overrun))
            {
                Assert.Fail($"seed {seed}, step {_step}: {id} has {posted} + {pending} and exceeds {window.Limit} by more than {window.Overrun}");
            }
        }

        Assert.Equal(_windows.Count, count);
    }

    private async Task CompareRowsAsync()
    {
        var rows = await Store.ReadAsync(LedgerFilter.All).ToListAsync();
        Assert.Equal(_entries.OrderBy(entry => entry.Key).Select(entry => (entry.Key, entry.Value.Counts.Nanos)), rows.OrderBy(row => row.Id).Select(row => (row.Id, row.Cost.Amount!.Value.Nanos)));
        Assert.Equal(_entries.Values.Sum(entry => entry.Counts.Nanos), (await Store.TotalsAsync(null, null, LedgerFilter.All))[0].Spent.Nanos);
    }

    /// <summary>No hold outlives its deadline and the next reservation.</summary>
    private async Task DrainAsync()
    {
        // Beyond every deadline, also of what was held before the clock was set back.
        _home.Clock.Advance(TimeSpan.FromHours(12));
        await Store.ReserveAsync(new ReservationRequest { Record = Record("last", NewCaller(), 0), Holds = [], Timeout = TimeSpan.FromMinutes(1) });
        var left = _home.Scalar("SELECT SUM(pending_nanos) FROM budget_window");
        Assert.True(left == 0, $"seed {seed}: {left} nano-dollars, tokens or requests are held for ever.");
        Assert.Empty((await Store.VerifyAsync()).Problems);
    }

    private KeyValuePair<string, Reservation>? Pick(State state)
    {
        var candidates = _reservations.Where(reservation => reservation.Value.State == state).ToList();
        return candidates.Count == 0 ? null : candidates[_random.Next(candidates.Count)];
    }

    private Caller NewCaller() => new(s_users[_random.Next(3)], s_models[_random.Next(2)], _random.Next(3) == 0, $"s{_random.Next(4)}");

    private UsageRecord Record(string id, Caller who, long cost) => _home.Row(id, cost, new Attribution { User = who.User, Session = who.Session, Tags = who.Beta ? ["alpha", "beta"] : [] }, who.Model) with { Cost = Known(cost) };

    // A token for each nano-dollar.
    private static CallCost Known(long nanos) => CallCost.Known(Money.FromNanos(nanos)) with { Usage = new TokenUsage { UncachedInputTokens = nanos, Requests = 1 } };

    private enum State
    {
        Pending,
        Posted,
        Voided,
        Expired,
    }

    private sealed record Caller(string User, string Model, bool Beta, string Session);

    private sealed record Rule(Budget Budget, int FromStep, Func<Caller, string?> KeyOf);

    private sealed record Counts(long Nanos, long Tokens, long Requests)
    {
        public long this[BudgetUnit unit] => unit switch
        {
            BudgetUnit.Usd => Nanos,
            BudgetUnit.Tokens => Tokens,
            _ => Requests,
        };

        public static Counts Of(long cost) => new(cost, cost, 1);
    }

    private sealed record WindowId(string Budget, string Key, long StartsAt, BudgetUnit Unit)
    {
        public static WindowId Of(Hold hold) => new(hold.Window.Budget.Id, hold.Window.Key, LedgerTime.Micros(hold.Window.StartsAt), hold.Window.Budget.Unit);
    }

    private sealed record Entry(Caller Who, DateTimeOffset At)
    {
        public required Counts Counts { get; set; }
    }

    private sealed class Window(Hold hold, Rule rule)
    {
        public bool Enforced { get; } = hold.Enforced;

        public long Limit { get; } = hold.Window.Budget.Amount.Count;

        public long Posted { get; set; }

        public long Pending { get; set; }

        /// <summary>What was booked without having been held; only by this much may the limit be exceeded.</summary>
        public long Overrun { get; set; }

        public bool Counts(Caller who, DateTimeOffset at) => rule.KeyOf(who) == hold.Window.Key && hold.Window.StartsAt <= at && at < hold.Window.EndsAt;
    }

    private sealed class Reservation(Caller who, ReservationRequest request, DateTimeOffset deadline, Dictionary<WindowId, long> holds)
    {
        public Caller Who { get; } = who;

        public ReservationRequest Request { get; } = request;

        public DateTimeOffset Deadline { get; set; } = deadline;

        public Dictionary<WindowId, long> Holds { get; } = holds;

        public State State { get; set; }

        public long Most(BudgetUnit unit) => Holds.Where(hold => hold.Key.Unit == unit).Select(hold => hold.Value).DefaultIfEmpty(0).Max();

        public bool SettledLate { get; set; }
    }
}
