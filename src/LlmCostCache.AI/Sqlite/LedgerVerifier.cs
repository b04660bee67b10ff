using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>Recomputes everything that can be recomputed: the chain, the windows' counters and the roll-up.</summary>
internal sealed class LedgerVerifier(SqliteConnection connection)
{
    private const int MaxProblems = 20;

    private readonly List<string> _problems = [];
    private readonly Dictionary<(LedgerDimensions Names, long Slot), LedgerSums> _sums = [];
    private readonly Dictionary<(string Budget, string Key), List<Window>> _windows = [];
    private readonly Dictionary<long, LedgerEntry> _adjusted = [];
    private readonly BudgetMatcher _budgets = new(LedgerReader.Budgets(connection));
    private readonly Dictionary<string, BudgetUnit> _units = LedgerReader.Budgets(connection).ToDictionary(budget => budget.Id, budget => budget.Unit, StringComparer.Ordinal);
    private long _rows;
    private long? _firstBad;

    public LedgerVerification Verify(CancellationToken cancellationToken)
    {
        ReadWindows();
        WalkChain(cancellationToken);
        CompareWindows();
        CompareRollup();
        return new LedgerVerification(_rows, _firstBad, _problems);
    }

    private void WalkChain(CancellationToken cancellationToken)
    {
        var adjusted = new HashSet<long>();
        using (var select = new SqliteStatement(connection, "SELECT DISTINCT adjusts FROM entry WHERE adjusts IS NOT NULL"))
        {
            while (select.Step())
            {
                adjusted.Add(select.Int64(0));
            }
        }

        var hasher = new RowHasher();
        var (lastSequence, lastHash) = (0L, new byte[32]);
        using var rows = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry ORDER BY seq");
        while (rows.Step())
        {
            if (++_rows % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            var sequence = rows.Int64(0);
            if (sequence != lastSequence + 1)
            {
                Bad(lastSequence + 1, $"Row {lastSequence + 1} is missing; the next one is {sequence}.");
            }

            var columns = rows.Columns;
            for (var i = 0; i < LedgerBook.FirstColumns; i++)
            {
                Hash(rows, i, hasher);
            }

            for (var i = 0; i < LedgerBook.LaterColumns.Length; i++)
            {
                HashLater(rows, LedgerBook.FirstColumns + i, LedgerBook.LaterColumns[i], hasher);
            }

            Hash(rows, columns - 2, hasher);

            var hash = hasher.Finish();
            var stored = rows.Bytes(columns - 1);
            if (!rows.Bytes(columns - 2).SequenceEqual(lastHash))
            {
                Bad(sequence, $"Row {sequence} does not continue the row before it: a row was changed, removed or moved.");
            }
            else if (!stored.SequenceEqual(hash))
            {
                Bad(sequence, $"Row {sequence} was changed after it was written.");
            }

            // The chain goes on from what is stored, so that one broken row is reported once.
            (lastSequence, lastHash) = (sequence, stored.ToArray());
            Count(rows, sequence, adjusted);
        }

        CompareHead(lastSequence, lastHash);
    }

    private static void Hash(SqliteStatement row, int column, RowHasher hasher)
    {
        var type = row.TypeOf(column);
        if (type == raw.SQLITE_NULL)
        {
            hasher.AddNull();
        }
        else if (type == raw.SQLITE_INTEGER)
        {
            hasher.Add(row.Int64(column));
        }
        else
        {
            hasher.Add(row.Bytes(column), type == raw.SQLITE_TEXT ? (byte)2 : (byte)3);
        }
    }

    private static void HashLater(SqliteStatement row, int column, string name, RowHasher hasher)
    {
        var type = row.TypeOf(column);
        if (type != raw.SQLITE_NULL && (type != raw.SQLITE_INTEGER || row.Int64(column) != 0))
        {
            hasher.Add(name);
            Hash(row, column, hasher);
        }
    }

    private void Count(SqliteStatement row, long sequence, HashSet<long> adjusted)
    {
        LedgerEntry entry;
        try
        {
            entry = LedgerEntry.Read(row);
        }
        catch (Exception error) when (error is FormatException or LlmCostException or OverflowException or System.Text.Json.JsonException or InvalidOperationException)
        {
            Bad(sequence, $"Row {sequence} cannot be read: {error.Message}");
            return;
        }

        foreach (var (budget, key) in _budgets.Match(entry.Attribution, entry.RequestedModel, entry.ModelKey))
        {
            if (_windows.TryGetValue((budget.Id, key), out var windows))
            {
                foreach (var window in windows.Where(window => window.StartsAt <= entry.At && entry.At < window.EndsAt))
                {
                    window.Sum += entry.CountOf(budget.Unit);
                }
            }
        }

        if (entry.IsAdjustment)
        {
            if (!_adjusted.TryGetValue(entry.Adjusts!.Value, out var before))
            {
                Bad(sequence, $"Row {sequence} adjusts row {entry.Adjusts}, which is not there.");
                return;
            }

            var after = before.Plus(entry);
            _adjusted[before.Sequence] = after;
            Roll(before, -1);
            Roll(after, 1);
            return;
        }

        if (adjusted.Contains(sequence))
        {
            _adjusted.Add(sequence, entry);
        }

        Roll(entry, 1);
    }

    private void Roll(LedgerEntry folded, int sign)
    {
        var key = (LedgerDimensions.Of(folded), LedgerTime.Slot(folded.At));
        if (!_sums.TryGetValue(key, out var sums))
        {
            _sums.Add(key, sums = new LedgerSums());
        }

        sums.Add(folded, sign);
    }

    private void CompareHead(long lastSequence, byte[] lastHash)
    {
        var head = LedgerReader.Meta(connection, "head");
        var expected = string.Create(CultureInfo.InvariantCulture, $"{lastSequence}:{(lastSequence == 0 ? "" : Convert.ToHexStringLower(lastHash))}");
        if (head == expected)
        {
            return;
        }

        var last = head?.Split(':')[0];
        if (long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) && wanted > lastSequence)
        {
            Bad(lastSequence + 1, $"Row {lastSequence + 1} is missing; the ledger once ended at row {wanted}.");
        }
        else
        {
            Bad(lastSequence, $"The ledger ends at row {lastSequence} otherwise than it was closed.");
        }
    }

    private void ReadWindows()
    {
        using var select = new SqliteStatement(connection, """
            SELECT budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos,
                   (SELECT COALESCE(SUM(hold.amount_nanos), 0)
                      FROM hold JOIN reservation ON reservation.id = hold.reservation_id
                     WHERE reservation.state = 'pending' AND hold.budget_id = budget_window.budget_id
                       AND hold.window_key = budget_window.window_key AND hold.starts_at = budget_window.starts_at)
              FROM budget_window
            """);
        while (select.Step())
        {
            var key = (select.Text(0), select.Text(1));
            if (!_windows.TryGetValue(key, out var windows))
            {
                _windows.Add(key, windows = []);
            }

            windows.Add(new Window(select.Int64(2), select.Int64(3), select.Int64(4), select.Int64(5), select.Int64(6)));
        }
    }

    private void CompareWindows()
    {
        foreach (var ((budget, _), windows) in _windows)
        {
            var unit = _units.GetValueOrDefault(budget);
            foreach (var window in windows)
            {
                if ((Int128)window.Posted != window.Sum)
                {
                    Problem($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Posted)} posted, its rows add up to {BudgetAmount.Of(unit, (long)window.Sum)}.");
                }

                if (window.Pending != window.Held)
                {
                    Problem($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Pending)} pending, its holds add up to {BudgetAmount.Of(unit, window.Held)}.");
                }
            }
        }
    }

    private void CompareRollup()
    {
        using var select = new SqliteStatement(connection, """
            SELECT provider, model, tenant, project, team, user, feature, agent, status, operation, cache_layer, slot,
                   calls, unpriced, booked_nanos, low_nanos, high_nanos, saved_nanos,
                   uncached_input_tokens, cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens,
                   input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens, requests, web_searches, milliseconds, characters,
                   cached_image_tokens, input_video_tokens, output_video_tokens, citation_tokens, images, video_milliseconds, compute_milliseconds, storage_byte_hours
              FROM rollup JOIN dimension ON dimension.id = rollup.dimension
            """);
        Span<long> row = stackalloc long[LedgerSums.Count];
        while (select.Step())
        {
            var names = new LedgerDimensions(
                select.NullableText(0), select.NullableText(1), select.NullableText(2), select.NullableText(3), select.NullableText(4), select.NullableText(5),
                select.NullableText(6), select.NullableText(7), LedgerWords.Status(select.Text(8)), select.Text(9), LedgerWords.Layer(select.Text(10)));
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = select.Int64(12 + i);
            }

            var slot = select.Int64(11);
            if (!_sums.Remove((names, slot), out var sums))
            {
                sums = new LedgerSums();
            }

            if (!sums.Values.SequenceEqual(row))
            {
                Problem($"The sums of the quarter-hour from {LedgerTime.Instant(LedgerTime.SlotStart(slot)):u} are not those of its rows.");
            }
        }

        foreach (var (key, sums) in _sums)
        {
            if (!sums.IsZero)
            {
                Problem($"The quarter-hour from {LedgerTime.Instant(LedgerTime.SlotStart(key.Slot)):u} has rows that are in no sum.");
            }
        }
    }

    private void Bad(long sequence, string problem)
    {
        _firstBad = _firstBad is { } first ? Math.Min(first, sequence) : sequence;
        Problem(problem);
    }

    private void Problem(string problem)
    {
        if (_problems.Count < MaxProblems)
        {
            _problems.Add(problem);
        }
    }

    private sealed class Window(long startsAt, long endsAt, long posted, long pending, long held)
    {
        public long StartsAt { get; } = startsAt;

        public long EndsAt { get; } = endsAt;

        public long Posted { get; } = posted;

        public long Pending { get; } = pending;

        public long Held { get; } = held;

        public Int128 Sum { get; set; }
    }
}
