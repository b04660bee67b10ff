using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Recomputes everything that can be recomputed: the chain, the windows' counters and the roll-up.</summary>
internal sealed class LedgerVerifier(SqliteConnection connection)
{
    private const int MaxFindings = 1_000;

    private const string DimensionNames = "provider, model, tenant, project, team, user, feature, agent, status, operation, cache_layer";

    private readonly List<LedgerFinding> _findings = [];
    private readonly Dictionary<(LedgerDimensions Names, long Slot), LedgerSums> _sums = [];
    private readonly Dictionary<(string Budget, string Key), List<Window>> _windows = [];
    private readonly Dictionary<long, LedgerEntry> _adjusted = [];
    private readonly Dictionary<string, BudgetUnit> _units = new(StringComparer.Ordinal);
    private BudgetMatcher _budgets = BudgetMatcher.Empty;
    private long _rows;
    private long _wrong;
    private long? _firstBad;

    /// <summary>Whether what is kept beside the rows is made to agree with them; the caller holds the write lock.</summary>
    public bool Repairs { get; init; }

    /// <summary>Where the chain ended at another time, as <c>sequence:hash</c>; null when nobody noted it.</summary>
    public string? EarlierHead { get; init; }

    /// <summary>What is to be known of the file's bytes before SQLite looked at it; null when nothing is wrong with them.</summary>
    public string? Damage { get; init; }

    public LedgerVerification Verify(CancellationToken cancellationToken)
    {
        if (Damage is not null)
        {
            Found(new LedgerFinding(LedgerFindingKind.FileDamaged, Damage));
        }

        string? head = null;
        try
        {
            CheckFile();
            ReadBudgets();
            ReadWindows();
            head = WalkChain(cancellationToken);
            CheckDimensions();
            CompareWindows();
            CompareRollup();
            if (Repairs)
            {
                WriteWindows();
                WriteRollup();
            }
        }
        catch (Exception error) when (error is SqliteException { SqliteErrorCode: 11 or 26 } or FormatException or OverflowException or LlmCostException and not StoreUnavailableException)
        {
            Found(new LedgerFinding(LedgerFindingKind.FileDamaged, $"The ledger cannot be read to its end: {error.Message}"));
        }

        return new LedgerVerification(_rows, _firstBad, [.. _findings.Select(finding => finding.Message)]) { Findings = _findings, Wrong = _wrong, Head = head };
    }

    private void ReadBudgets()
    {
        List<Budget> budgets = [.. LedgerReader.Budgets(connection)];
        _budgets = new BudgetMatcher(budgets);
        budgets.ForEach(budget => _units[budget.Id] = budget.Unit);
    }

    /// <summary>An index that disagrees with its table would answer wrongly while every row is right.</summary>
    private void CheckFile()
    {
        using var check = new SqliteStatement(connection, "PRAGMA integrity_check(20)");
        while (check.Step())
        {
            if (check.Text(0) is var said && said != "ok")
            {
                Found(new LedgerFinding(LedgerFindingKind.FileDamaged, $"The file is damaged: {said}"));
            }
        }

        using var strays = new SqliteStatement(connection, "SELECT \"table\", COUNT(*) FROM pragma_foreign_key_check GROUP BY 1");
        while (strays.Step())
        {
            Found(new LedgerFinding(LedgerFindingKind.CounterWrong, $"{strays.Int64(1)} rows of the table '{strays.Text(0)}' belong to something that is gone."));
        }
    }

    /// <returns>The end of the chain; null when there are no rows.</returns>
    private string? WalkChain(CancellationToken cancellationToken)
    {
        var adjusted = new HashSet<long>();
        using (var select = new SqliteStatement(connection, "SELECT DISTINCT adjusts FROM entry WHERE adjusts IS NOT NULL"))
        {
            while (select.Step())
            {
                adjusted.Add(select.Int64(0));
            }
        }

        var chain = new LedgerChain(connection, Found);
        var (earlierSequence, earlierHash, earlierStored) = (0L, Array.Empty<byte>(), Array.Empty<byte>());
        if (EarlierHead is not null && !LedgerChain.TryReadHead(EarlierHead, out earlierSequence, out earlierHash))
        {
            throw new ArgumentException($"'{EarlierHead}' is no end of a chain; one looks like 42:0123...cdef, with 64 hexadecimal digits.");
        }

        using var rows = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry ORDER BY seq");
        while (rows.Step())
        {
            if (++_rows % 4096 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            var sequence = rows.Int64(0);
            if (!chain.Check(rows))
            {
                continue;
            }

            if (sequence == earlierSequence)
            {
                earlierStored = chain.LastHash.ToArray();
            }

            Count(rows, sequence, adjusted);
        }

        chain.CompareWith(LedgerReader.Meta(connection, "head"));
        if (EarlierHead is not null && earlierSequence > 0)
        {
            chain.CompareWithEarlier(earlierSequence, earlierHash, earlierStored);
        }

        return chain.LastSequence == 0 ? null : chain.Head;
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
            Found(new LedgerFinding(LedgerFindingKind.RowChanged, $"Row {sequence} cannot be read: {error.Message}") { Sequence = sequence });
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
                Found(new LedgerFinding(LedgerFindingKind.RowMissing, $"Row {sequence} ('{entry.Id}') adjusts row {entry.Adjusts}, which is not there before it.") { Sequence = sequence, Id = entry.Id });
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
            _adjusted[sequence] = entry;
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
                    Wrong($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Posted)} posted, its rows add up to {BudgetAmount.Of(unit, (long)window.Sum)}.");
                }

                if (window.Pending != window.Held)
                {
                    Wrong($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Pending)} pending, its holds add up to {BudgetAmount.Of(unit, window.Held)}.");
                }
            }
        }
    }

    /// <summary>The writer finds the names of a sum by their digest.</summary>
    private void CheckDimensions()
    {
        var hasher = new RowHasher();
        using var select = new SqliteStatement(connection, $"SELECT {DimensionNames}, digest FROM dimension");
        while (select.Step())
        {
            if (!select.Bytes(11).SequenceEqual(ReadNames(select).Digest(hasher)))
            {
                Wrong("A combination of names that rows are summed under was changed.");
            }
        }
    }

    private static LedgerDimensions ReadNames(SqliteStatement select) => new(
        select.NullableText(0), select.NullableText(1), select.NullableText(2), select.NullableText(3), select.NullableText(4), select.NullableText(5),
        select.NullableText(6), select.NullableText(7), LedgerWords.Status(select.Text(8)), select.Text(9), LedgerWords.Layer(select.Text(10)));

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
            var names = ReadNames(select);
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = select.Int64(12 + i);
            }

            var slot = select.Int64(11);
            var sums = _sums.GetValueOrDefault((names, slot)) ?? new LedgerSums();
            sums.IsSeen = true;

            if (!sums.Values.SequenceEqual(row))
            {
                Wrong($"The sums of the quarter-hour from {LedgerTime.Instant(LedgerTime.SlotStart(slot)):u} are not those of its rows.");
            }
        }

        foreach (var (key, sums) in _sums)
        {
            if (!sums.IsZero && !sums.IsSeen)
            {
                Wrong($"The quarter-hour from {LedgerTime.Instant(LedgerTime.SlotStart(key.Slot)):u} has rows that are in no sum.");
            }
        }
    }

    private void WriteWindows()
    {
        using var update = new SqliteStatement(connection, """
            UPDATE budget_window SET posted_nanos = ?4, pending_nanos = ?5
             WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3 AND (posted_nanos <> ?4 OR pending_nanos <> ?5)
            """);
        foreach (var ((budget, key), windows) in _windows)
        {
            foreach (var window in windows)
            {
                update.Bind(1, budget).Bind(2, key).Bind(3, window.StartsAt).Bind(4, checked((long)window.Sum)).Bind(5, window.Held).Run();
            }
        }
    }

    /// <summary>Names keep their numbers: writers remember those.</summary>
    private void WriteRollup()
    {
        SqliteFile.Execute(connection, "DELETE FROM rollup");
        RightNames();
        using var rollup = new LedgerRollup(connection);
        foreach (var ((names, slot), sums) in _sums)
        {
            if (!sums.IsZero)
            {
                rollup.Add(names, slot, sums.Values);
                rollup.Flush();
            }
        }
    }

    private void RightNames()
    {
        var hasher = new RowHasher();
        var digests = new Dictionary<string, LedgerDimensions>(StringComparer.Ordinal);
        foreach (var (names, _) in _sums.Keys)
        {
            digests[Convert.ToHexString(names.Digest(hasher))] = names;
        }

        using var update = new SqliteStatement(connection, """
            UPDATE dimension SET provider = ?2, model = ?3, tenant = ?4, project = ?5, team = ?6, user = ?7, feature = ?8, agent = ?9, status = ?10, operation = ?11, cache_layer = ?12
             WHERE digest = ?1
            """);
        foreach (var (digest, names) in digests)
        {
            update.Bind(1, Convert.FromHexString(digest).AsSpan()).Bind(2, names.Provider).Bind(3, names.Model).Bind(4, names.Tenant).Bind(5, names.Project).Bind(6, names.Team)
                .Bind(7, names.User).Bind(8, names.Feature).Bind(9, names.Agent).Bind(10, LedgerWords.Word(names.Status)).Bind(11, names.Operation).Bind(12, LedgerWords.Word(names.CacheLayer)).Run();
        }

        // A digest that was changed belongs to no names; no writer can have remembered it.
        var strays = new List<long>();
        using (var select = new SqliteStatement(connection, $"SELECT {DimensionNames}, digest, id FROM dimension"))
        {
            while (select.Step())
            {
                if (!select.Bytes(11).SequenceEqual(ReadNames(select).Digest(hasher)))
                {
                    strays.Add(select.Int64(12));
                }
            }
        }

        using var delete = new SqliteStatement(connection, "DELETE FROM dimension WHERE id = ?1");
        strays.ForEach(id => delete.Bind(1, id).Run());
    }

    private void Wrong(string message) => Found(new LedgerFinding(LedgerFindingKind.CounterWrong, message));

    private void Found(LedgerFinding finding)
    {
        _wrong++;
        if (finding.Sequence is { } sequence)
        {
            _firstBad = _firstBad is { } first ? Math.Min(first, sequence) : sequence;
        }

        if (_findings.Count < MaxFindings)
        {
            _findings.Add(finding);
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
