namespace LlmCostCache.AI.Tests;

/// <summary>
/// A bug that could be in the protocol, most of them seen in other products: planted as a trigger into the ledger file, where it acts inside the product's own transactions,
/// or between the simulation and the store.
/// </summary>
/// <param name="Name">What goes wrong.</param>
/// <param name="Sql">The trigger.</param>
/// <param name="Wrap">The store that does it wrong.</param>
internal sealed record PlantedFault(string Name, string? Sql = null, Func<ILedgerStore, LedgerHome, ILedgerStore>? Wrap = null)
{
    private const string SameWindow = "budget_id = NEW.budget_id AND window_key = NEW.window_key AND starts_at = NEW.starts_at";

    // The amount that the reservation NEW holds in the window at hand; the view shows it in its own row.
    private const string HeldHere = $"(SELECT amount_nanos FROM hold WHERE reservation_id = NEW.id AND hold.{AnyHold})";

    private const string AnyHold = "budget_id = budget_window.budget_id AND hold.window_key = budget_window.window_key AND hold.starts_at = budget_window.starts_at";

    // The same of one whose row is gone already.
    private const string HeldThere = """
        (SELECT json_extract(held.value, '$[3]') FROM json_each(OLD.holds) AS held WHERE json_extract(held.value, '$[0]') = budget_window.budget_id
            AND json_extract(held.value, '$[1]') = budget_window.window_key AND json_extract(held.value, '$[2]') = budget_window.starts_at)
        """;

    public static IReadOnlyList<PlantedFault> All { get; } =
    [
        Trigger("a hold is not counted", $"""
            AFTER UPDATE OF pending_nanos ON budget_window WHEN NEW.pending_nanos > OLD.pending_nanos BEGIN UPDATE budget_window SET pending_nanos = OLD.pending_nanos WHERE {SameWindow}; END
            """),
        Trigger("a hold is counted twice", $"AFTER INSERT ON reservation BEGIN UPDATE budget_window SET pending_nanos = pending_nanos + {HeldHere} WHERE {HeldHere} IS NOT NULL; END"),
        Trigger("what is voided stays held", OnState("voided", $"pending_nanos = pending_nanos + {HeldHere}")),
        Trigger("what is posted stays held", $"AFTER DELETE ON reservation BEGIN UPDATE budget_window SET pending_nanos = pending_nanos + {HeldThere} WHERE {HeldThere} IS NOT NULL; END"),
        Trigger("what has expired stays held", OnState("expired", $"pending_nanos = pending_nanos + {HeldHere}")),
        Trigger("a crash gives money back", OnState("expired", $"posted_nanos = posted_nanos - {HeldHere}")),
        Trigger("a new window forgets what the ledger holds for it", $"AFTER INSERT ON budget_window BEGIN UPDATE budget_window SET posted_nanos = 0 WHERE {SameWindow}; END"),
        Trigger("a new window empties the one before", """
            AFTER INSERT ON budget_window BEGIN UPDATE budget_window SET posted_nanos = 0 WHERE budget_id = NEW.budget_id AND starts_at < NEW.starts_at; END
            """),
        Trigger("of several budgets one is not charged", """
            AFTER UPDATE OF posted_nanos ON budget_window WHEN NEW.budget_id LIKE '%alice%' BEGIN UPDATE budget_window SET posted_nanos = OLD.posted_nanos
            WHERE budget_id = NEW.budget_id AND window_key = NEW.window_key AND starts_at = NEW.starts_at; END
            """),
        Trigger("an extension is forgotten", "AFTER UPDATE OF deadline ON reservation BEGIN UPDATE reservation SET deadline = OLD.deadline WHERE id = NEW.id; END"),
        Trigger("a correction is not counted in the budgets", """
            AFTER INSERT ON entry WHEN NEW.kind = 'adjustment' BEGIN UPDATE budget_window SET posted_nanos = posted_nanos - NEW.booked_nanos WHERE starts_at <= NEW.at AND ends_at > NEW.at; END
            """),
        Trigger("a late settlement does not take back what was assumed", """
            AFTER INSERT ON entry WHEN NEW.id LIKE '%/late' BEGIN UPDATE budget_window SET posted_nanos = posted_nanos + 1 WHERE starts_at <= NEW.at AND ends_at > NEW.at; END
            """),
        Trigger("a sum by the hour misses a nano-dollar", "AFTER UPDATE OF calls ON rollup_slot BEGIN UPDATE rollup_slot SET booked_nanos = booked_nanos - 1 WHERE dimension = NEW.dimension AND slot = NEW.slot; END"),
        Store("spend is charged to the moment it is settled in", (inner, home) => new Faulty(inner) { Append = record => inner.AppendAsync(record with { At = home.Clock.GetUtcNow() }) }),
        Store("a call is settled twice", (inner, _) => new Faulty(inner)
        {
            Append = async record => await inner.AppendAsync(record) && await inner.AppendAsync(record with { Id = record.Id + "-again" }),
        }),
        Store("a reservation that is asked for again is held again", (inner, _) =>
        {
            var seen = new HashSet<string>();
            return new Faulty(inner)
            {
                Reserve = request => inner.ReserveAsync(seen.Add(request.Record.Id) ? request : request with { Record = request.Record with { Id = $"{request.Record.Id}#{seen.Count}-{Guid.NewGuid():N}" } }),
            };
        }),
        Store("one budget refuses and the others hold", (inner, _) => new Faulty(inner)
        {
            Reserve = async request =>
            {
                var outcome = await inner.ReserveAsync(request);
                if (!outcome.Accepted && request.Holds.Length > 1)
                {
                    await inner.ReserveAsync(request with { Record = request.Record with { Id = request.Record.Id + "-rest" }, Holds = request.Holds.RemoveAt(outcome.RefusedBy) });
                }

                return outcome;
            },
        }),
        Store("what does not fit is let through", (inner, _) => new Faulty(inner)
        {
            Reserve = async request => await inner.ReserveAsync(request) is { Accepted: false } refused ? refused with { Accepted = true, RefusedBy = -1 } : await inner.ReserveAsync(request),
        }),
        Store("what fits exactly is refused", (inner, _) => new Faulty(inner)
        {
            Reserve = async request =>
            {
                var outcome = await inner.ReserveAsync(request);
                for (var i = 0; outcome.Accepted && i < request.Holds.Length; i++)
                {
                    if (request.Holds[i].Enforced && outcome.Balances[i].Spent + outcome.Balances[i].Reserved + request.Holds[i].Amount == outcome.Balances[i].Limit)
                    {
                        await inner.VoidAsync(request.Record.Id);
                        return outcome with { Accepted = false, RefusedBy = i };
                    }
                }

                return outcome;
            },
        }),
        Store("an overrun is cut to what was held", (inner, _) =>
        {
            var held = new Dictionary<string, Money>();
            return new Faulty(inner)
            {
                Reserve = request =>
                {
                    held[request.Record.Id] = request.Holds.Select(hold => hold.Amount.Money).DefaultIfEmpty(Money.MaxValue).Max();
                    return inner.ReserveAsync(request);
                },
                Append = record => inner.AppendAsync(held.TryGetValue(record.Id, out var most) && record.Cost.Amount > most ? record with { Cost = CallCost.Known(most) } : record),
            };
        }),
        Store("the deadline is that of a caller whose clock is ahead", (inner, _) => new Faulty(inner) { Reserve = request => inner.ReserveAsync(request with { Timeout = request.Timeout + TimeSpan.FromHours(2) }) }),
        Store("amounts are rounded to micro-dollars", (inner, _) => new Faulty(inner)
        {
            Append = record => inner.AppendAsync(record with { Cost = CallCost.Known(Money.FromNanos(record.Cost.Amount!.Value.Nanos / 1_000 * 1_000)) }),
        }),
        Store("a reservation that was posted is given back as well", (inner, _) =>
        {
            var posted = new HashSet<string>();
            return new Faulty(inner)
            {
                Append = async record => await inner.AppendAsync(record) && posted.Add(record.Id),
                Void = async id => await (posted.Contains(id) ? inner.AdjustAsync(id, CallCost.Known(Money.Zero), "void") : inner.VoidAsync(id)),
            };
        }),
        Store("a row is acknowledged and now and then not written", (inner, _) =>
        {
            var count = 0;
            return new Faulty(inner) { Append = record => ++count % 50 == 0 ? ValueTask.FromResult(true) : inner.AppendAsync(record) };
        }),
        Store("a row that could not be written is forgotten", (inner, _) => new Faulty(inner)
        {
            Append = async record =>
            {
                try
                {
                    return await inner.AppendAsync(record);
                }
                catch (StoreUnavailableException)
                {
                    return true;
                }
            },
        }),
        Store("a ledger that is away lets every call through", (inner, _) => new Faulty(inner)
        {
            Reserve = async request =>
            {
                try
                {
                    return await inner.ReserveAsync(request);
                }
                catch (StoreUnavailableException)
                {
                    return new ReservationOutcome(true, []);
                }
            },
        }),
    ];

    public override string ToString() => Name;

    private static PlantedFault Trigger(string name, string rest) => new(name, Sql: $"CREATE TRIGGER planted {rest}");

    private static PlantedFault Store(string name, Func<ILedgerStore, LedgerHome, ILedgerStore> wrap) => new(name, Wrap: wrap);

    private static string OnState(string state, string change) => $"""
        AFTER UPDATE OF state ON reservation WHEN NEW.state = '{state}' BEGIN UPDATE budget_window SET {change} WHERE {HeldHere} IS NOT NULL; END
        """;

    private sealed class Faulty(ILedgerStore inner) : DelegatingLedgerStore(inner)
    {
        public Func<ReservationRequest, ValueTask<ReservationOutcome>>? Reserve { get; init; }

        public Func<UsageRecord, ValueTask<bool>>? Append { get; init; }

        public Func<string, ValueTask>? Void { get; init; }

        public override ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default) =>
            Reserve?.Invoke(request) ?? base.ReserveAsync(request, cancellationToken);

        public override ValueTask<bool> AppendAsync(UsageRecord record, CancellationToken cancellationToken = default) => Append?.Invoke(record) ?? base.AppendAsync(record, cancellationToken);

        public override ValueTask VoidAsync(string reservationId, CancellationToken cancellationToken = default) => Void?.Invoke(reservationId) ?? base.VoidAsync(reservationId, cancellationToken);
    }
}
