using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The file <c>cache.db</c> as people look at it: read only, beside the applications that write it, never changed and never made.</summary>
/// <remarks>Long readings go page by page, so that no transaction of ours keeps the write-ahead log from being folded into the file.</remarks>
internal sealed class CacheFile : IDisposable
{
    private const string Columns =
        "id, key, kind, asked_at, stored_at, expires_at, kept_until, used_at, hits, saved_nanos, bytes, tagged, sealed_by, model, namespace, tenant";

    private const int PageRows = 64;
    private const int EmbeddingKind = 2;
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    private readonly SqliteConnection _connection;

    private CacheFile(string path, SqliteConnection connection) => (Path, _connection) = (path, connection);

    public string Path { get; }

    public static string PathIn(string homeDirectory) => System.IO.Path.Combine(homeDirectory, DiskFile.Name);

    /// <summary>Opens the file; null when there is none, or nothing in it yet.</summary>
    /// <exception cref="StoreUnavailableException">It is damaged, somebody else's, or of a schema that this version does not read.</exception>
    public static CacheFile? TryOpen(string homeDirectory)
    {
        var path = PathIn(homeDirectory);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var connection = SqliteFile.Open(path, SqliteOpenMode.ReadOnly);
            try
            {
                var version = SqliteFile.Scalar(connection, "PRAGMA user_version");
                if (version == 0 && SqliteFile.Scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0)
                {
                    connection.Dispose();
                    return null;
                }

                RequireOurs(path, SqliteFile.Scalar(connection, "PRAGMA application_id"), version);
                return new(path, connection);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (SqliteException error)
        {
            throw Unavailable(path, error);
        }
    }

    /// <summary>What was invalidated, as the file says; with other keys than ours, rather too much than too little.</summary>
    public Invalidations ReadInvalidations(AnswerSeal seal, TimeProvider time)
    {
        var invalidations = new Invalidations(time);
        return Guarded(() =>
        {
            new DiskInvalidations(seal, invalidations).Learn(_connection, new());
            return invalidations;
        });
    }

    public static StoreUnavailableException Unavailable(string path, SqliteException error) => new(Words(path, error), error) { Store = path };

    private static string Words(string path, SqliteException error) => error.SqliteErrorCode switch
    {
        SqliteFailure.Busy or SqliteFailure.Locked => $"'{path}' is locked: another process has been writing to it for more than five seconds. Try again.",
        Corrupt => $"'{path}' is damaged. It may be deleted at any time; the next application that opens it begins a new one and keeps this one beside it.",
        NotADatabase => $"'{path}' is not a SQLite database, or damaged. It may be deleted at any time; the next application that opens it begins a new one and keeps this one beside it.",
        14 => $"'{path}' cannot be opened. Check that it and its directory may be read and written by this user.",
        8 => $"'{path}' cannot be written: it, its directory or its disk is read-only.",
        SqliteFailure.Full => $"The disk of '{path}' is full. Free some space.",
        _ => $"'{path}' cannot be used: {error.Message}",
    };

    public CacheFileTotals Totals(DateTimeOffset now) => Guarded(() =>
    {
        using var sums = new SqliteStatement(_connection, $"""
            SELECT count(*), coalesce(sum(expires_at <= ?1), 0), coalesce(sum(kind = {EmbeddingKind}), 0), coalesce(sum(sealed_by <> 0), 0), coalesce(sum({Plausible("bytes")}), 0),
                   coalesce(sum({Plausible("hits")}), 0), coalesce(sum({Plausible("saved_nanos")}), 0), min(stored_at), max(stored_at), min(CASE WHEN expires_at > ?1 THEN expires_at END)
              FROM answer
            """);
        sums.Bind(1, now.ToUnixTimeMilliseconds()).Step();
        return new CacheFileTotals
        {
            Entries = sums.Int64(0),
            Expired = sums.Int64(1),
            Embeddings = sums.Int64(2),
            Sealed = sums.Int64(3),
            Bytes = sums.Int64(4),
            Hits = sums.Int64(5),
            Saved = Money.FromNanos(sums.Int64(6)),
            Oldest = Instant(sums.NullableInt64(7)),
            Newest = Instant(sums.NullableInt64(8)),
            NextToExpire = Instant(sums.NullableInt64(9)),
            UsedBytes = SqliteFile.Scalar(_connection, "PRAGMA page_size") * (SqliteFile.Scalar(_connection, "PRAGMA page_count") - SqliteFile.Scalar(_connection, "PRAGMA freelist_count")),
            FileBytes = LengthOf(Path) + LengthOf(Path + "-wal"),
        };
    });

    // A number that somebody wrote into a row must not break the sum, and with it every command. No answer saves a hundred thousand dollars.
    private static string Plausible(string column) => $"min(max({column}, 0), 100000000000000)";

    /// <summary>The first entries in an order.</summary>
    public IReadOnlyList<CacheEntry> First(EntryFilter filter, EntryOrder order, int count, AnswerSeal seal) => Guarded(() =>
    {
        var by = order switch
        {
            EntryOrder.Value => "saved_nanos DESC, hits DESC, used_at DESC",
            EntryOrder.Age => "stored_at, id",
            EntryOrder.Size => "bytes DESC, id DESC",
            EntryOrder.Hits => "hits DESC, used_at DESC",
            _ => "expires_at, id",
        };
        var (where, names) = Where(filter, seal);
        using var rows = new SqliteStatement(_connection, $"SELECT {Columns} FROM answer WHERE {where} ORDER BY {by}, key LIMIT {count.ToString(CultureInfo.InvariantCulture)}");
        Bind(rows, names);
        var found = new List<CacheEntry>();
        while (rows.Step())
        {
            found.Add(Entry(rows));
        }

        return found;
    });

    public long Count(EntryFilter filter, AnswerSeal seal) => Guarded(() =>
    {
        var (where, names) = Where(filter, seal);
        using var rows = new SqliteStatement(_connection, $"SELECT count(*) FROM answer WHERE {where}");
        Bind(rows, names);
        return rows.Step() ? rows.Int64(0) : 0;
    });

    /// <summary>The latest stamp of a question in the file; null when it is empty.</summary>
    public long? LatestAskedAt() => Guarded(() =>
    {
        using var latest = new SqliteStatement(_connection, "SELECT max(asked_at) FROM answer");
        return latest.Step() ? latest.NullableInt64(0) : null;
    });

    /// <summary>Entries whose key begins with these hexadecimal digits, in the order of their keys.</summary>
    public IReadOnlyList<CacheEntry> WithKey(string digits, int count) => Guarded(() =>
    {
        var (low, high) = (Convert.FromHexString(digits.PadRight(CacheKey.Size * 2, '0')), Convert.FromHexString(digits.PadRight(CacheKey.Size * 2, 'f')));
        using var rows = new SqliteStatement(_connection, $"SELECT {Columns} FROM answer WHERE key BETWEEN ?1 AND ?2 AND length(key) = {CacheKey.Size} ORDER BY key LIMIT ?3");
        rows.Bind(1, low).Bind(2, high).Bind(3, count);
        var found = new List<CacheEntry>();
        while (rows.Step())
        {
            found.Add(Entry(rows));
        }

        return found;
    });

    public IReadOnlyList<string> TagsOf(CacheEntry entry) => Guarded(() =>
    {
        using var rows = new SqliteStatement(_connection, "SELECT tag FROM answer_tag WHERE answer = ?1 ORDER BY tag");
        rows.Bind(1, entry.Id);
        var tags = new List<string>();
        while (entry.IsTagged && rows.Step())
        {
            tags.Add(rows.Text(0));
        }

        return tags;
    });

    /// <summary>Whole rows in the order they were written.</summary>
    public IEnumerable<CacheRow> Rows(EntryFilter filter, AnswerSeal seal)
    {
        for (var last = long.MinValue; ;)
        {
            var page = Guarded(() => Page(filter, seal, last));
            foreach (var row in page)
            {
                yield return row;
            }

            if (page.Count < PageRows)
            {
                yield break;
            }

            last = page[^1].Id;
        }
    }

    /// <summary>The frame of an entry; null when it has none, or was removed meanwhile.</summary>
    public byte[]? FrameOf(CacheEntry entry) => Guarded(() => Blob("answer_frame", "frame", entry.Id, AnswerFrame.MaxBytes));

    /// <summary>What the question of an entry consisted of; null when that was not noted.</summary>
    public byte[]? OutlineOf(CacheEntry entry) => Guarded(() => Blob("answer_outline", "outline", entry.Id, OutlineFrame.MaxBytes));

    /// <summary>The outlines of questions, each with its entry.</summary>
    public IEnumerable<(CacheEntry Entry, byte[] Outline)> Outlines()
    {
        const int OutlinesAPage = 512;
        for (var last = long.MinValue; ;)
        {
            var page = Guarded(() =>
            {
                using var rows = new SqliteStatement(_connection, $"""
                    SELECT {Columns}, outline FROM answer JOIN answer_outline ON answer_outline.answer = answer.id
                     WHERE answer.id > ?1 AND length(key) = {CacheKey.Size} AND length(outline) <= {OutlineFrame.MaxBytes} ORDER BY answer.id LIMIT {OutlinesAPage}
                    """);
                rows.Bind(1, last);
                var found = new List<(CacheEntry, byte[])>();
                while (rows.Step())
                {
                    found.Add((Entry(rows), rows.Bytes(16).ToArray()));
                }

                return found;
            });
            foreach (var item in page)
            {
                yield return item;
            }

            if (page.Count < OutlinesAPage)
            {
                yield break;
            }

            last = page[^1].Item1.Id;
        }
    }

    /// <summary>What SQLite finds wrong with the file itself; empty when nothing is.</summary>
    public IReadOnlyList<string> IntegrityProblems() => Guarded(() =>
    {
        using var check = new SqliteStatement(_connection, "PRAGMA integrity_check(100)");
        var problems = new List<string>();
        while (check.Step())
        {
            if (check.Text(0) is var problem and not "ok")
            {
                problems.Add(problem);
            }
        }

        return problems;
    });

    /// <summary>The entry with its names in clear; as it was when it is not encrypted, or not with one of these keys.</summary>
    public CacheEntry Open(CacheEntry entry, AnswerSeal seal)
    {
        if (!entry.IsSealed || !seal.Encrypts || FrameOf(entry) is not { } frame || AnswerFrame.TryDecode(entry.Key, frame, seal, out var answer) != SealResult.Opened)
        {
            return entry;
        }

        return entry with { Model = answer!.Model, Namespace = answer.Namespace, Tenant = answer.Tenant, IsSealed = false };
    }

    public void Dispose() => _connection.Dispose();

    private static void RequireOurs(string path, long application, long version)
    {
        if (application != DiskFile.ApplicationId)
        {
            throw SqliteFile.Refusal(path, "belongs to another application. Choose another home directory, or move the file away.");
        }

        if (version > DiskFile.Steps.Count)
        {
            throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture,
                $"has schema {version}, and this llmcost knows schemas up to {DiskFile.Steps.Count}. Update llmcost; nothing was changed."));
        }

        if (version < DiskFile.Steps.Count)
        {
            throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture,
                $"has schema {version}, which an older version wrote, and this llmcost reads schema {DiskFile.Steps.Count}. The next application with this version of the library brings it up to date when it opens it."));
        }
    }

    private static CacheEntry Entry(SqliteStatement row) => new()
    {
        Id = row.Int64(0),
        Key = new CacheKey(row.Bytes(1)),
        IsEmbedding = row.Int64(2) == EmbeddingKind,
        AskedAt = row.Int64(3),
        StoredAt = Instant(row.Int64(4)),
        ExpiresAt = Instant(row.Int64(5)),
        KeptUntil = Instant(row.Int64(6)),
        UsedAt = Instant(row.Int64(7)),
        Hits = row.Int64(8),
        Saved = Money.FromNanos(row.Int64(9)),
        Bytes = row.Int64(10),
        IsTagged = row.Int64(11) != 0,
        SealedBy = row.Int64(12),
        IsSealed = row.Int64(12) != 0,
        Model = row.Text(13),
        Namespace = row.Text(14),
        Tenant = row.NullableText(15),
    };

    // A row may say anything; a time that is none must not keep the other rows from being seen.
    private static DateTimeOffset Instant(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static DateTimeOffset? Instant(long? milliseconds) => milliseconds is { } known ? Instant(known) : null;

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static (string Sql, List<string> Names) Where(EntryFilter filter, AnswerSeal seal)
    {
        var (sql, names) = ($"length(key) = {CacheKey.Size}", new List<string>());
        Among("model IN ({0})", Invalidations.Kind.Model, filter.Model);
        Among("namespace IN ({0})", Invalidations.Kind.Namespace, filter.Namespace);
        Among("tenant IN ({0})", Invalidations.Kind.Tenant, filter.Tenant);
        Among("id IN (SELECT answer FROM answer_tag WHERE tag IN ({0}))", Invalidations.Kind.Tag, filter.Tag);
        if (filter.SystemPrompt is { } prefix)
        {
            names.Add(prefix);
            sql += $" AND substr(system_prompt, 1, length(?{names.Count})) = ?{names.Count}";
        }

        if (filter.AskedUpTo is { } stamp)
        {
            sql += string.Create(CultureInfo.InvariantCulture, $" AND asked_at <= {stamp}");
        }

        if (filter.ExpiredAt is { } at)
        {
            sql += string.Create(CultureInfo.InvariantCulture, $" AND expires_at <= {at.ToUnixTimeMilliseconds()}");
        }

        return (sql, names);

        // A name stands in the file as it is, or as a digest under any of our keys.
        void Among(string condition, Invalidations.Kind kind, string? name)
        {
            if (name is null)
            {
                return;
            }

            var places = new List<string>();
            foreach (var label in seal.Labels(kind, name))
            {
                names.Add(label);
                places.Add(string.Create(CultureInfo.InvariantCulture, $"?{names.Count}"));
            }

            sql += " AND " + string.Format(CultureInfo.InvariantCulture, condition, string.Join(", ", places));
        }
    }

    private static void Bind(SqliteStatement rows, List<string> names)
    {
        for (var i = 0; i < names.Count; i++)
        {
            rows.Bind(i + 1, names[i]);
        }
    }

    private List<CacheRow> Page(EntryFilter filter, AnswerSeal seal, long last)
    {
        var (where, names) = Where(filter, seal);

        // Of what was damaged the key may be too: everything is a row, and what of it is an entry is found out afterwards.
        var all = filter.IsAll ? "1" : where;
        using var rows = new SqliteStatement(_connection, string.Create(CultureInfo.InvariantCulture,
            $"SELECT {Columns} FROM answer WHERE id > {last} AND {all} ORDER BY id LIMIT {PageRows}"));
        if (!filter.IsAll)
        {
            Bind(rows, names);
        }

        var found = new List<CacheRow>();
        while (rows.Step())
        {
            var key = rows.Bytes(1);
            found.Add(new(rows.Int64(0), key.Length == CacheKey.Size ? Entry(rows) : null, key.ToArray(), this));
        }

        return found;
    }

    internal byte[]? Blob(string table, string column, long id, int most)
    {
        using var row = new SqliteStatement(_connection, $"SELECT CASE WHEN length({column}) <= {most.ToString(CultureInfo.InvariantCulture)} THEN {column} END FROM {table} WHERE answer = ?1");
        return row.Bind(1, id).Step() && row.TypeOf(0) == SQLitePCL.raw.SQLITE_BLOB ? row.Bytes(0).ToArray() : null;
    }

    internal T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException error)
        {
            throw Unavailable(Path, error);
        }
    }
}
