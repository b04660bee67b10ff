using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>What the ledger already holds for a window that is opened now: a new budget counts it.</summary>
/// <param name="prepare">Prepares a statement.</param>
/// <param name="before">Brings the sums up to date that the transaction has gathered and not written yet; null when there are none.</param>
internal sealed class WindowSeed(Func<string, SqliteStatement> prepare, Action? before = null)
{
    private const string Names = """
        (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR team = ?3)
           AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR feature = ?5) AND (?6 IS NULL OR agent = ?6)
        """;

    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    /// <summary>The sum of what was booked in the window; the roll-up answers when the window's ends lie on quarter-hours and its names are summed there.</summary>
    /// <param name="window">The window.</param>
    /// <param name="earlier">What was read of it before.</param>
    /// <exception cref="StoreUnavailableException">It needs rows of an archive that is missing.</exception>
    public long Sum(BudgetWindow window, EarlierSums? earlier = null) => Sums(window, null, earlier).Sum(static slice => slice.Count);

    /// <summary>Whether rows have to be read that moved out of the ledger.</summary>
    public bool NeedsFiles(BudgetWindow window)
    {
        var question = new SeedQuestion(window, null);
        return !question.IsSummed && Archived(question).InFiles.Count > 0;
    }

    /// <summary>The same sum for each slice of a span that has anything in it.</summary>
    /// <param name="window">The span.</param>
    /// <param name="slice">How long a slice is, the first one beginning where the window begins; null for the whole window at once.</param>
    /// <param name="earlier">What was read of it before: then only the rows behind that are read.</param>
    public IReadOnlyList<(long StartsAt, long Count)> Sums(BudgetWindow window, TimeSpan? slice, EarlierSums? earlier = null)
    {
        before?.Invoke();
        var question = new SeedQuestion(window, slice);
        var sums = new SortedDictionary<long, long>();
        if (question.IsSummed)
        {
            var slots = question.Bind(Of(FromRollup(question)), LedgerTime.Slot(question.From), LedgerTime.Slot(question.Until) + (question.IsEndless ? 1 : 0));
            while (slots.Step())
            {
                Add(slots.Int64(0), slots.Int64(1));
            }
        }
        else if (earlier is not null && earlier.Answers(window, slice) && MovedThrough() <= earlier.Through)
        {
            foreach (var (startsAt, count) in earlier.Sums)
            {
                sums[startsAt] = count;
            }

            AddRows(question.Bind(Of(FromEntries(question, Rows.Behind))).Bind(10, earlier.Through));
        }
        else
        {
            AddRows(question.Bind(Of(FromEntries(question, Rows.All))));
            AddArchived();
        }

        return [.. sums.Where(static sum => sum.Value != 0).Select(static sum => (sum.Key, sum.Value))];

        void Add(long number, long count)
        {
            var startsAt = question.From + number * question.Length;
            sums[startsAt] = checked(sums.GetValueOrDefault(startsAt) + count);
        }

        void AddRows(SqliteStatement rows)
        {
            while (rows.Step())
            {
                if (question.Matches(rows.NullableText(0), rows.NullableText(1), rows.NullableText(2)))
                {
                    Add(rows.Int64(4), rows.Int64(3));
                }
            }
        }

        void AddArchived()
        {
            var (counts, inFiles) = Archived(question);
            foreach (var (number, count) in counts)
            {
                Add(number, count);
            }

            foreach (var archive in inFiles)
            {
                using var file = LedgerArchiveFile.Open(ArchiveDirectory(), archive);
                using var rows = new SqliteStatement(file, FromEntries(question, Rows.Moved));
                AddRows(question.Bind(rows).Bind(10, archive.MovedThrough));
            }
        }
    }

    /// <summary>What moved out of the ledger: from the sums that were kept of it, but for files in which the window, or a slice, begins or ends in the midst of such a sum.</summary>
    private (List<(long Slice, long Count)> Counts, List<LedgerArchive> InFiles) Archived(SeedQuestion question)
    {
        var archives = LedgerArchive.Read(Of(LedgerArchive.Select)).Where(archive => archive.Overlaps(question.From, question.Until)).ToList();
        var counts = new List<(long Archive, long Slice, long Count)>();
        var split = new HashSet<long>();
        if (archives.Count == 0)
        {
            return ([], []);
        }

        var sums = question.Bind(Of(FromArchives(question)));
        while (sums.Step())
        {
            if (question.Matches(sums.NullableText(0), sums.NullableText(1), sums.NullableText(2)))
            {
                var (archive, first, last) = (sums.Int64(4), sums.Int64(5), sums.Int64(6));
                var slice = question.Length == 0 ? 0 : (first - question.From) / question.Length;
                if (first < question.From || last >= question.Until || (question.Length != 0 && (last - question.From) / question.Length != slice))
                {
                    split.Add(archive);
                }

                counts.Add((archive, slice, sums.Int64(3)));
            }
        }

        return ([.. counts.Where(count => !split.Contains(count.Archive)).Select(static count => (count.Slice, count.Count))], [.. archives.Where(archive => split.Contains(archive.Number))]);
    }

    /// <summary>The last row that is no longer in the ledger itself.</summary>
    private long MovedThrough()
    {
        var moved = Of("SELECT COALESCE(MAX(moved_through), 0) FROM archive");
        moved.Step();
        var through = moved.Int64(0);
        moved.Reset();
        return through;
    }

    private string ArchiveDirectory()
    {
        var database = Of("SELECT file FROM pragma_database_list WHERE name = 'main'");
        database.Step();
        var directory = LedgerArchive.DirectoryOf(database.Text(0));
        database.Reset();
        return directory;
    }

    private SqliteStatement Of(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            _statements.Add(sql, statement = prepare(sql));
        }

        return statement;
    }

    private static string FromRollup(SeedQuestion question)
    {
        var (unit, slots) = (question.Unit, question.Length / LedgerTime.SlotStart(1));
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {(slots == 0 ? "0" : $"(slot - ?7) / {slots}")} AS slice, COALESCE(SUM({Count(unit)}), 0)
              FROM dimension CROSS JOIN rollup_slot ON rollup_slot.dimension = dimension.id
             WHERE whole = {(question.NamesCallers ? 0 : 1)} AND {Names} AND slot >= ?7 AND slot < ?8 {(unit == BudgetUnit.Usd ? "" : "AND cache_layer = 'none'")}
             {(slots == 0 ? "" : "GROUP BY slice")}
            """);
    }

    private static string FromEntries(SeedQuestion question, Rows rows)
    {
        var slice = question.Length == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"(at - ?7) / {question.Length}");
        return $"""
            SELECT requested_model, model_key, tags, SUM({Count(question.Unit)}), {slice} AS slice
              FROM entry
             WHERE {Names} AND {(rows == Rows.Behind ? "seq > ?10 AND +at >= ?7 AND +at < ?8" : "at >= ?7 AND at < ?8")} {(question.Session is null ? "" : "AND session = ?9")} {(question.Unit == BudgetUnit.Usd ? "" : "AND cache_layer = 'none'")}
             {(rows == Rows.Moved ? "AND seq <= ?10" : "")}
             GROUP BY requested_model, model_key, tags{(question.Length == 0 ? "" : ", slice")}
            """;
    }

    private static string FromArchives(SeedQuestion question) => $"""
        SELECT requested_model, model_key, tags, {question.Unit switch { BudgetUnit.Usd => "booked_nanos", BudgetUnit.Requests => "requests", _ => "tokens" }}, archive, first_at, last_at
          FROM archived_sum
         WHERE {Names} AND last_at >= ?7 AND first_at < ?8 {(question.Session is null ? "" : "AND session = ?9")}
        """;

    // As LedgerEntry.CountOf adds them up.
    private static string Count(BudgetUnit unit) => unit switch
    {
        BudgetUnit.Usd => "booked_nanos",
        BudgetUnit.Requests => "requests",
        _ => "uncached_input_tokens + cached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + input_audio_tokens + cached_audio_tokens + input_image_tokens"
            + " + cached_image_tokens + input_video_tokens + citation_tokens + output_tokens + reasoning_tokens + output_audio_tokens + output_image_tokens + output_video_tokens",
    };

    /// <summary>Which rows are read: all of the ledger, those of a file that are in it alone, or those behind one that was read before.</summary>
    private enum Rows
    {
        All,
        Moved,
        Behind,
    }
}
