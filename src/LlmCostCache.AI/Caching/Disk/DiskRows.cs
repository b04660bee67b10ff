using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>What the writer does to the rows, statement by statement; the transaction is its caller's.</summary>
internal sealed class DiskRows(SqliteConnection connection, AnswerSeal seal) : IDisposable
{
    private readonly SqliteStatement _known = new(connection, "SELECT id, asked_at, hits, saved_nanos FROM answer WHERE key = ?1");
    private readonly SqliteStatement _deleteId = new(connection, "DELETE FROM answer WHERE id = ?1");
    private readonly SqliteStatement _deleteKey = new(connection, "DELETE FROM answer WHERE key = ?1 AND asked_at <= ?2");

    private readonly SqliteStatement _insert = new(connection, """
        INSERT INTO answer (key, kind, asked_at, stored_at, expires_at, kept_until, used_at, hits, saved_nanos, bytes, tagged, sealed_by,
                            model, namespace, tenant, system_prompt)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """);

    private readonly SqliteStatement _insertFrame = new(connection, "INSERT OR REPLACE INTO answer_frame (answer, frame) VALUES (?1, ?2)");
    private readonly SqliteStatement _insertOutline = new(connection, "INSERT OR REPLACE INTO answer_outline (answer, outline) VALUES (?1, ?2)");
    private readonly SqliteStatement _insertTag = new(connection, "INSERT OR IGNORE INTO answer_tag (tag, answer) VALUES (?1, ?2)");

    private readonly SqliteStatement _count = new(connection, """
        UPDATE answer SET hits = hits + ?2, saved_nanos = saved_nanos + ?3, used_at = max(used_at, ?4) WHERE key = ?1
        """);

    private readonly SqliteStatement _release = new(connection, "DELETE FROM lease WHERE key = ?1 AND owner = ?2");
    private readonly SqliteStatement _begin = new(connection, "BEGIN IMMEDIATE");
    private readonly SqliteStatement _commit = new(connection, "COMMIT");
    private readonly SqliteStatement _told = new(connection, DiskInvalidations.Select);

    public void Begin() => _begin.Run();

    public void Commit() => _commit.Run();

    /// <summary>Learns what other processes invalidated.</summary>
    public void Learn(DiskInvalidations told, DiskInvalidations.Progress known) => told.Learn(_told, known);

    /// <summary>Writes an answer, unless the file has one that was asked for later, by another process. Its hits so far go on being counted.</summary>
    public void Put(DiskWork.Put put)
    {
        var answer = put.Answer;
        Span<byte> key = stackalloc byte[CacheKey.Size];
        put.Key.CopyTo(key);
        var (hits, savedNanos) = (0L, 0L);
        if (_known.Bind(1, key).Step())
        {
            var (id, askedAt) = (_known.Int64(0), _known.Int64(1));
            (hits, savedNanos) = (_known.Int64(2), _known.Int64(3));
            _known.Reset();
            if (askedAt > answer.AskedAt)
                return;

            _deleteId.Bind(1, id).Run();
        }

        _insert.Bind(1, key)
            .Bind(2, answer.Vector is null ? 1L : 2L)
            .Bind(3, answer.AskedAt)
            .Bind(4, answer.StoredAt.ToUnixTimeMilliseconds())
            .Bind(5, answer.ExpiresAt.ToUnixTimeMilliseconds())
            .Bind(6, answer.KeptUntil.ToUnixTimeMilliseconds())
            .Bind(7, hits)
            .Bind(8, savedNanos)
            .Bind(9, put.Frame!.Length + (put.Outline?.Length ?? 0L))
            .Bind(10, answer.Tags.Count > 0 ? 1L : 0L)
            .Bind(11, seal.KeyId)
            .Bind(12, seal.Label(Invalidations.Kind.Model, answer.Model))
            .Bind(13, seal.Label(Invalidations.Kind.Namespace, answer.Namespace))
            .Bind(14, seal.Label(Invalidations.Kind.Tenant, answer.Tenant))
            .Bind(15, seal.Label(Invalidations.Kind.SystemPrompt, answer.SystemPrompt))
            .Run();
        var row = raw.sqlite3_last_insert_rowid(connection.Handle);
        _insertFrame.Bind(1, row).Bind(2, put.Frame).Run();
        if (put.Outline is { } outline)
            _insertOutline.Bind(1, row).Bind(2, outline).Run();

        foreach (var tag in answer.Tags)
            _insertTag.Bind(1, seal.Label(Invalidations.Kind.Tag, tag)).Bind(2, row).Run();
    }

    public int Delete(CacheKey key, long askedUpTo)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        return _deleteKey.Bind(1, bytes).Bind(2, askedUpTo).Run();
    }

    public void Count(CacheKey key, long hits, long savedNanos, long usedAt)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        _count.Bind(1, bytes).Bind(2, hits).Bind(3, savedNanos).Bind(4, usedAt).Run();
    }

    public void Release(DiskLeases leases, CacheKey key) => leases.Release(_release, key);

    /// <summary>Notes an invalidation for the other processes and deletes what it concerns.</summary>
    /// <returns>How many answers were deleted.</returns>
    public int Invalidate(Invalidations.Scope scope, long stamp)
    {
        Note(scope, stamp);
        return scope.Kind switch
        {
            Invalidations.Kind.Everything => DeleteWhere("?2 = ?2", "", stamp),
            Invalidations.Kind.Key => CacheKey.TryParse(scope.Name, out var key) ? Delete(key, stamp) : 0,

            // A digest has no beginning to compare. Whoever finds such an answer reads that it is dead, and deletes it then.
            Invalidations.Kind.SystemPrompt when seal.Encrypts => 0,
            Invalidations.Kind.SystemPrompt => DeleteWhere("substr(system_prompt, 1, length(?2)) = ?2", scope.Name, stamp),
            _ => seal.Labels(scope.Kind, scope.Name).Sum(label => DeleteWhere(WhichAre(scope.Kind), label, stamp)),
        };
    }

    public void Dispose()
    {
        foreach (var statement in (SqliteStatement[])[_known, _deleteId, _deleteKey, _insert, _insertFrame, _insertOutline, _insertTag, _count, _release, _begin, _commit, _told])
            statement.Dispose();
    }

    private static string WhichAre(Invalidations.Kind kind) => kind switch
    {
        Invalidations.Kind.Tag => "id IN (SELECT answer FROM answer_tag WHERE tag = ?2)",
        Invalidations.Kind.Model => "model = ?2",
        Invalidations.Kind.Namespace => "namespace = ?2",
        Invalidations.Kind.Tenant => "tenant = ?2",
        _ => throw new InvalidOperationException($"Unknown invalidation {kind}."),
    };

    private void Note(Invalidations.Scope scope, long stamp)
    {
        var label = seal.Label(scope.Kind, scope.Name);
        using var forget = new SqliteStatement(connection, "DELETE FROM invalidation WHERE kind = ?1 AND name = ?2 AND stamp <= ?3");
        forget.Bind(1, (long)scope.Kind).Bind(2, label).Bind(3, stamp).Run();
        using var note = new SqliteStatement(connection, "INSERT INTO invalidation (kind, name, stamp, sealed) VALUES (?1, ?2, ?3, ?4)");
        note.Bind(1, (long)scope.Kind).Bind(2, label).Bind(3, stamp);
        if (seal.Encrypts && scope.Name.Length > 0)
            note.Bind(4, SealedName.Seal(scope.Name, seal));
        else
            note.Bind(4, (string?)null);

        note.Run();
    }

    private int DeleteWhere(string which, string label, long stamp)
    {
        using var delete = new SqliteStatement(connection, $"DELETE FROM answer WHERE asked_at <= ?1 AND {which}");
        return delete.Bind(1, stamp).Bind(2, label).Run();
    }
}
