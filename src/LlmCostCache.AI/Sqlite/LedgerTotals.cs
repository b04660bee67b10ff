using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Sums by up to two dimensions: from the roll-up where it can answer exactly, from the rows where it cannot.</summary>
internal sealed class LedgerTotals(SqliteConnection connection, LedgerCalendar calendar, LedgerDimension? by, LedgerDimension? thenBy)
{
    private readonly Dictionary<(string? Key, string? ThenKey), TotalBuilder> _totals = [];

    /// <summary>Hears how many rows were read, page by page.</summary>
    public Action<int>? RowsRead { get; init; }

    private bool Ungrouped => by is null && thenBy is null;

    /// <summary>The totals in the ordinal order of their keys, calls without a value last. Ungrouped: always exactly one.</summary>
    public IReadOnlyList<LedgerTotal> Sum(LedgerFilter filter, CancellationToken cancellationToken, bool fromRows = false)
    {
        if (fromRows || !IsRolledUp(by) || !IsRolledUp(thenBy) || filter.Session is not null || filter.Tag is not null)
        {
            AddRows(filter, cancellationToken);
        }
        else
        {
            AddWhatIsRolledUp(filter, cancellationToken);
        }

        if (Ungrouped && _totals.Count == 0)
        {
            _totals.Add((null, null), new TotalBuilder());
        }

        return [.. _totals
            .OrderBy(static total => total.Key.Key is null).ThenBy(static total => total.Key.Key, StringComparer.Ordinal)
            .ThenBy(static total => total.Key.ThenKey is null).ThenBy(static total => total.Key.ThenKey, StringComparer.Ordinal)
            .Select(static total => total.Value.Build(total.Key.Key, total.Key.ThenKey))];
    }

    private static bool IsRolledUp(LedgerDimension? dimension) => dimension is not (LedgerDimension.Session or LedgerDimension.Tag or LedgerDimension.Trace);

    /// <summary>Whether callers have to be told apart; where not, a few thousand sums answer instead of millions.</summary>
    private bool NamesCallers(LedgerFilter filter) => IsCaller(by) || IsCaller(thenBy)
        || (filter.Tenant ?? filter.Project ?? filter.Team ?? filter.User ?? filter.Feature ?? filter.Agent) is not null;

    private static bool IsCaller(LedgerDimension? dimension) => dimension
        is LedgerDimension.Tenant or LedgerDimension.Project or LedgerDimension.Team or LedgerDimension.User or LedgerDimension.Feature or LedgerDimension.Agent;

    private static bool IsPeriod(LedgerDimension? dimension) =>
        dimension is LedgerDimension.Hour or LedgerDimension.Day or LedgerDimension.Week or LedgerDimension.Month;

    /// <summary>Whole quarter-hours from the roll-up, what sticks out at both ends from the rows.</summary>
    private void AddWhatIsRolledUp(LedgerFilter filter, CancellationToken cancellationToken)
    {
        var (since, until) = (LedgerReader.Since(filter), LedgerReader.Until(filter));
        var first = since == long.MinValue ? long.MinValue : LedgerTime.Slot(since) + (LedgerTime.SlotStart(LedgerTime.Slot(since)) == since ? 0 : 1);
        var end = until == long.MaxValue ? long.MaxValue : LedgerTime.Slot(until);
        if (first > end || !AddRollup(filter, first, end))
        {
            _totals.Clear();
            AddRows(filter, cancellationToken);
            return;
        }

        if (first != long.MinValue && since < LedgerTime.SlotStart(first))
        {
            AddRows(filter with { Until = LedgerTime.Instant(LedgerTime.SlotStart(first)) }, cancellationToken);
        }

        if (end != long.MaxValue && LedgerTime.SlotStart(end) < until)
        {
            AddRows(filter with { Since = LedgerTime.Instant(LedgerTime.SlotStart(end)) }, cancellationToken);
        }
    }

    /// <returns>False when a quarter-hour lies in two periods of the zone, as with the offsets of the nineteenth century: only the rows know then.</returns>
    private bool AddRollup(LedgerFilter filter, long first, long end)
    {
        var slots = IsPeriod(by) || IsPeriod(thenBy);
        var (names, thenNames) = (new SlotNames(calendar, by), new SlotNames(calendar, thenBy));
        using var sums = new SqliteStatement(connection, $"""
            SELECT {(slots ? "slot" : "NULL")}, status, {Column(by)}, {Column(thenBy)},
                   SUM(calls), SUM(unpriced), SUM(booked_nanos), SUM(low_nanos), SUM(high_nanos), SUM(saved_nanos),
                   SUM(uncached_input_tokens), SUM(cached_input_tokens), SUM(cache_write_5m_tokens), SUM(cache_write_1h_tokens),
                   SUM(input_audio_tokens), SUM(cached_audio_tokens), SUM(input_image_tokens), SUM(output_tokens), SUM(reasoning_tokens),
                   SUM(output_audio_tokens), SUM(output_image_tokens), SUM(requests), SUM(web_searches), SUM(milliseconds), SUM(characters),
                   SUM(cached_image_tokens), SUM(input_video_tokens), SUM(output_video_tokens), SUM(citation_tokens), SUM(images),
                   SUM(video_milliseconds), SUM(compute_milliseconds), SUM(storage_byte_hours)
              FROM dimension CROSS JOIN rollup_slot ON rollup_slot.dimension = dimension.id
             WHERE whole = {(NamesCallers(filter) ? 0 : 1)} AND slot >= ?1 AND slot < ?2
               AND (?3 IS NULL OR tenant = ?3) AND (?4 IS NULL OR project = ?4) AND (?5 IS NULL OR team = ?5) AND (?6 IS NULL OR user = ?6)
               AND (?7 IS NULL OR feature = ?7) AND (?8 IS NULL OR agent = ?8) AND (?9 IS NULL OR provider = ?9) AND (?10 IS NULL OR model = ?10)
               AND (?11 IS NULL OR status = ?11)
             GROUP BY {(slots ? "1, 2, 3, 4" : "dimension.id")}
            """);
        sums.Bind(1, first).Bind(2, end).Bind(3, filter.Tenant).Bind(4, filter.Project).Bind(5, filter.Team).Bind(6, filter.User)
            .Bind(7, filter.Feature).Bind(8, filter.Agent).Bind(9, filter.Provider).Bind(10, filter.Model)
            .Bind(11, filter.Status is { } status ? LedgerWords.Word(status) : null);
        Span<long> row = stackalloc long[LedgerSums.Count];

        // Where no period is asked for, the sums of each dimension lie behind one another and need no sorting; what belongs together is added up here.
        while (sums.Step())
        {
            if (slots && !(names.MoveTo(sums.Int64(0)) && thenNames.MoveTo(sums.Int64(0))))
            {
                sums.Reset();
                return false;
            }

            for (var i = 0; i < row.Length; i++)
            {
                row[i] = sums.Int64(4 + i);
            }

            // A group whose calls have all moved elsewhere, when an adjustment changed their model or status, leaves a row of zeros.
            if (row.IndexOfAnyExcept(0L) >= 0)
            {
                Total(names.Name ?? sums.NullableText(2), thenNames.Name ?? sums.NullableText(3)).Add(row, LedgerWords.Status(sums.Text(1)));
            }
        }

        return true;
    }

    private void AddRows(LedgerFilter filter, CancellationToken cancellationToken)
    {
        LedgerPage? page = null;
        while (page is not { IsLast: true })
        {
            cancellationToken.ThrowIfCancellationRequested();
            page = LedgerReader.Page(connection, filter, page);
            RowsRead?.Invoke(page.Read);
            foreach (var entry in page.Entries)
            {
                foreach (var key in Keys(by, entry, calendar))
                {
                    foreach (var thenKey in Keys(thenBy, entry, calendar))
                    {
                        Total(key, thenKey).Add(entry);
                    }
                }
            }
        }
    }

    private TotalBuilder Total(string? key, string? thenKey)
    {
        if (!_totals.TryGetValue((key, thenKey), out var total))
        {
            total = new TotalBuilder();
            _totals.Add((key, thenKey), total);
        }

        return total;
    }

    private static string Column(LedgerDimension? dimension) => dimension switch
    {
        LedgerDimension.Model => "model",
        LedgerDimension.Provider => "provider",
        LedgerDimension.Tenant => "tenant",
        LedgerDimension.Project => "project",
        LedgerDimension.Team => "team",
        LedgerDimension.User => "user",
        LedgerDimension.Feature => "feature",
        LedgerDimension.Agent => "agent",
        LedgerDimension.Status => "status",
        LedgerDimension.CacheLayer => "cache_layer",
        LedgerDimension.Operation => "operation",
        _ => "NULL",
    };

    /// <summary>The groups that a row belongs to: one, but as many as it has tags.</summary>
    public static ImmutableArray<string?> Keys(LedgerDimension? dimension, LedgerEntry entry, LedgerCalendar calendar) =>
        dimension == LedgerDimension.Tag && !entry.Attribution.Tags.IsEmpty ? entry.Attribution.Tags.CastArray<string?>() : [Key(dimension, entry, calendar)];

    private static string? Key(LedgerDimension? dimension, LedgerEntry entry, LedgerCalendar calendar) => dimension switch
    {
        null or LedgerDimension.Tag => null,
        LedgerDimension.Model => entry.Model,
        LedgerDimension.Provider => entry.Provider,
        LedgerDimension.Tenant => entry.Attribution.Tenant,
        LedgerDimension.Project => entry.Attribution.Project,
        LedgerDimension.Team => entry.Attribution.Team,
        LedgerDimension.User => entry.Attribution.User,
        LedgerDimension.Feature => entry.Attribution.Feature,
        LedgerDimension.Session => entry.Attribution.Session,
        LedgerDimension.Agent => entry.Attribution.Agent,
        LedgerDimension.Status => LedgerWords.Word(entry.Status),
        LedgerDimension.CacheLayer => LedgerWords.Word(entry.CacheLayer),
        LedgerDimension.Operation => entry.Operation,
        LedgerDimension.Trace => entry.TraceId,
        _ => calendar.NameOf(dimension.Value, entry.At),
    };

    /// <summary>The period that a quarter-hour lies in. Rows come in the order of their quarter-hours, many of each, and a zone's clock is dear to ask.</summary>
    private sealed class SlotNames(LedgerCalendar calendar, LedgerDimension? dimension)
    {
        private long? _slot;
        private bool _isWhole = true;

        /// <summary>Null when the dimension is no period.</summary>
        public string? Name { get; private set; }

        /// <returns>False when the quarter-hour lies in two periods.</returns>
        public bool MoveTo(long slot)
        {
            if (IsPeriod(dimension) && slot != _slot)
            {
                Name = calendar.NameOf(dimension!.Value, LedgerTime.SlotStart(slot));
                (_slot, _isWhole) = (slot, Name == calendar.NameOf(dimension.Value, LedgerTime.SlotStart(slot + 1) - 1));
            }

            return _isWhole;
        }
    }

    private sealed class TotalBuilder
    {
        private readonly long[] _tokens = new long[TokenBuckets.Count];
        private long _calls, _hits, _blocked, _failed, _unpriced, _booked, _low, _high, _saved;

        public void Add(LedgerEntry entry)
        {
            var sums = new LedgerSums();
            sums.Add(entry, 1);
            Add(sums.Values, entry.Status);
        }

        public void Add(ReadOnlySpan<long> row, CallStatus status)
        {
            checked
            {
                _calls += row[0];
                _hits += status is CallStatus.Cached or CallStatus.Coalesced ? row[0] : 0;
                _blocked += status == CallStatus.Blocked ? row[0] : 0;
                _failed += status == CallStatus.Failed ? row[0] : 0;
                _unpriced += row[1];
                _booked += row[2];
                _low += row[3];
                _high += row[4];
                _saved += row[5];
                if (status is CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked)
                {
                    // The usage of a hit is that of the stored answer, which was counted when it was bought.
                    return;
                }

                for (var i = 0; i < _tokens.Length; i++)
                {
                    _tokens[i] += row[6 + i];
                }
            }
        }

        public LedgerTotal Build(string? key, string? thenKey) => new()
        {
            Key = key,
            ThenKey = thenKey,
            Calls = _calls,
            Hits = _hits,
            Blocked = _blocked,
            Failed = _failed,
            Unpriced = _unpriced,
            Spent = Money.FromNanos(_booked),
            Low = Money.FromNanos(_low),
            High = Money.FromNanos(_high),
            Saved = Money.FromNanos(_saved),
            Usage = TokenBuckets.Read(_tokens),
        };
    }
}
