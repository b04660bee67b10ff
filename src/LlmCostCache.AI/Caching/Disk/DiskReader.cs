using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>A connection that looks rows up, with its statements prepared; one caller at a time uses it.</summary>
internal sealed class DiskReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _find;
    private readonly SqliteStatement _used;

    public DiskReader(SqliteConnection connection, int generation, DiskInvalidations.Progress told)
    {
        _connection = connection;
        Generation = generation;
        Told = told;

        // The id stands in the index over the keys, so that the narrow row is not read.
        _find = new SqliteStatement(connection, $"""
            SELECT CASE WHEN length(f.frame) <= {AnswerFrame.MaxBytes} THEN f.frame END,
                   (SELECT sequence FROM invalidation ORDER BY sequence DESC LIMIT 1)
              FROM answer AS a JOIN answer_frame AS f ON f.answer = a.id
             WHERE a.key = ?1
            """);
        _used = new SqliteStatement(connection, "SELECT used_at FROM answer WHERE key = ?1");
    }

    public SqliteConnection Connection => _connection;

    /// <summary>Which file it reads; see <see cref="DiskReaders"/>.</summary>
    public int Generation { get; }

    /// <summary>How much is known of what its file says was invalidated.</summary>
    public DiskInvalidations.Progress Told { get; }

    /// <summary>Looks a row up and opens it. Without an answer the result says whether there was a row: null for none.</summary>
    /// <param name="key">The question.</param>
    /// <param name="seal">Opens the frame.</param>
    /// <param name="answer">The answer, when the result is <see cref="SealResult.Opened"/>.</param>
    /// <param name="latestInvalidation">The number of the latest invalidation, as of the same moment; meaningless without a row.</param>
    public SealResult? Find(CacheKey key, AnswerSeal seal, out StoredAnswer? answer, out long latestInvalidation)
    {
        answer = null;
        latestInvalidation = 0;
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        if (!_find.Bind(1, bytes).Step())
            return null;

        try
        {
            latestInvalidation = _find.Int64(1);

            // Decoded where it lies, in the page cache of SQLite or in its copy of a row that spans pages. What is not bytes has a length of its own.
            return AnswerFrame.TryDecode(key, _find.Bytes(0), seal, out answer);
        }
        finally
        {
            _find.Reset();
        }
    }

    /// <summary>When an answer was last used, as far as the file knows.</summary>
    public DateTimeOffset? UsedAt(CacheKey key)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        if (!_used.Bind(1, bytes).Step())
            return null;

        var usedAt = _used.Int64(0);
        _used.Reset();

        // What no clock says counts as long ago.
        return usedAt is > 0 and < 253_402_300_800_000 ? DateTimeOffset.FromUnixTimeMilliseconds(usedAt) : DateTimeOffset.MinValue;
    }

    public void Dispose()
    {
        _find.Dispose();
        _used.Dispose();
        _connection.Dispose();
    }
}
