using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The sums of the quarter-hours as a check finds them, and what the rows add up to in each.</summary>
internal sealed class RollupCheck(SqliteConnection connection)
{
    private const string DimensionNames = "provider, model, tenant, project, team, user, feature, agent, status, operation, cache_layer, whole";

    private readonly Dictionary<(LedgerDimensions Names, long Slot), LedgerSums> _sums = [];

    /// <summary>Adds a call as its corrections leave it, or takes it away again.</summary>
    public void Add(LedgerEntry folded, int sign)
    {
        var (names, slot) = (LedgerDimensions.Of(folded), LedgerTime.Slot(folded.At));
        SumsOf((names, slot)).Add(folded, sign);
        SumsOf((names.Whole, slot)).Add(folded, sign);
    }

    /// <summary>The writer finds the names of a sum by their digest.</summary>
    public void CheckNames(Action<string> wrong)
    {
        var hasher = new RowHasher();
        using var select = new SqliteStatement(connection, $"SELECT {DimensionNames}, digest FROM dimension");
        while (select.Step())
        {
            if (!select.Bytes(12).SequenceEqual(ReadNames(select).Digest(hasher)))
            {
                wrong("A combination of names that rows are summed under was changed.");
            }
        }
    }

    /// <summary>Says what differs, but for quarter-hours of which rows could not be read.</summary>
    public void Compare(LedgerArchiveCheck archives, Action<string> wrong)
    {
        using var select = new SqliteStatement(connection, """
            SELECT provider, model, tenant, project, team, user, feature, agent, status, operation, cache_layer, whole, slot,
                   calls, unpriced, booked_nanos, low_nanos, high_nanos, saved_nanos,
                   uncached_input_tokens, cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens,
                   input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens, requests, web_searches, milliseconds, characters,
                   cached_image_tokens, input_video_tokens, output_video_tokens, citation_tokens, images, video_milliseconds, compute_milliseconds, storage_byte_hours
              FROM rollup_slot JOIN dimension ON dimension.id = rollup_slot.dimension
            """);
        Span<long> row = stackalloc long[LedgerSums.Count];
        while (select.Step())
        {
            var names = ReadNames(select);
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = select.Int64(13 + i);
            }

            var slot = select.Int64(12);
            var sums = _sums.GetValueOrDefault((names, slot)) ?? new LedgerSums();
            sums.IsSeen = true;

            if (!sums.Values.SequenceEqual(row) && !archives.Misses(LedgerTime.SlotStart(slot), LedgerTime.SlotStart(slot + 1)))
            {
                wrong($"The sums of the quarter-hour from {StartOf(slot)} are not those of its rows.");
            }
        }

        foreach (var (key, sums) in _sums)
        {
            if (!sums.IsZero && !sums.IsSeen && !archives.Misses(LedgerTime.SlotStart(key.Slot), LedgerTime.SlotStart(key.Slot + 1)))
            {
                wrong($"The quarter-hour from {StartOf(key.Slot)} has rows that are in no sum.");
            }
        }
    }

    /// <summary>Makes the sums those of the rows. Names keep their numbers: writers remember those.</summary>
    public void Write()
    {
        SqliteFile.Execute(connection, "DELETE FROM rollup_slot");
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
            UPDATE dimension SET provider = ?2, model = ?3, tenant = ?4, project = ?5, team = ?6, user = ?7, feature = ?8, agent = ?9, status = ?10, operation = ?11, cache_layer = ?12, whole = ?13
             WHERE digest = ?1
            """);
        foreach (var (digest, names) in digests)
        {
            update.Bind(1, Convert.FromHexString(digest).AsSpan()).Bind(2, names.Provider).Bind(3, names.Model).Bind(4, names.Tenant).Bind(5, names.Project).Bind(6, names.Team)
                .Bind(7, names.User).Bind(8, names.Feature).Bind(9, names.Agent).Bind(10, LedgerWords.Word(names.Status)).Bind(11, names.Operation).Bind(12, LedgerWords.Word(names.CacheLayer))
                .Bind(13, names.IsWhole ? 1 : 0).Run();
        }

        // A digest that was changed belongs to no names.
        var strays = new List<long>();
        using (var select = new SqliteStatement(connection, $"SELECT {DimensionNames}, digest, id FROM dimension"))
        {
            while (select.Step())
            {
                if (!select.Bytes(12).SequenceEqual(ReadNames(select).Digest(hasher)))
                {
                    strays.Add(select.Int64(13));
                }
            }
        }

        using var delete = new SqliteStatement(connection, "DELETE FROM dimension WHERE id = ?1");
        strays.ForEach(id => delete.Bind(1, id).Run());

        // A writer may remember a row that is gone now: the revision, which each transaction reads, has it look again.
        SqliteFile.Execute(connection, "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'budget_revision'");
    }

    private LedgerSums SumsOf((LedgerDimensions Names, long Slot) key)
    {
        if (!_sums.TryGetValue(key, out var sums))
        {
            _sums.Add(key, sums = new LedgerSums());
        }

        return sums;
    }

    private static LedgerDimensions ReadNames(SqliteStatement select) => new(
        select.NullableText(0), select.NullableText(1), select.NullableText(2), select.NullableText(3), select.NullableText(4), select.NullableText(5),
        select.NullableText(6), select.NullableText(7), LedgerWords.Status(select.Text(8)), select.Text(9), LedgerWords.Layer(select.Text(10)))
    {
        IsWhole = select.Int64(11) != 0,
    };

    /// <summary>When a quarter-hour begins; its number where damage made one of it that no calendar has.</summary>
    private static string StartOf(long slot) =>
        slot >= LedgerTime.Slot(LedgerTime.Micros(DateTimeOffset.MinValue)) && slot <= LedgerTime.Slot(LedgerTime.Micros(DateTimeOffset.MaxValue))
            ? LedgerTime.Instant(LedgerTime.SlotStart(slot)).ToString("u", CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"number {slot}");
}
