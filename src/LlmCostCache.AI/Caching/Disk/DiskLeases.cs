using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Who asks a question right now, written where the other processes of this machine see it. A lease ends by itself at its deadline.</summary>
internal sealed class DiskLeases(DiskFile file, SemaphoreSlim turn, TimeProvider time) : IDisposable
{
    // With the wait for the lock of SQLite (20 ms) less than 50 ms in all.
    private static readonly TimeSpan s_turnWithin = TimeSpan.FromMilliseconds(25);

    private readonly string _owner = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");

    // Whether an answer is queued that gives the lease back when it is written.
    private readonly ConcurrentDictionary<CacheKey, bool> _held = new();
    private SqliteConnection? _connection;
    private SqliteStatement? _take;

    /// <summary>Takes or renews a lease in a small transaction of its own. No thread waits for the writer's batch: it has its turn, then we have ours.</summary>
    /// <exception cref="SqliteException">The file is busy or broken.</exception>
    public async ValueTask<LeaseOutcome> TryTakeAsync(CacheKey key, TimeSpan lifetime)
    {
        if (!await turn.WaitAsync(s_turnWithin).ConfigureAwait(false))
            return LeaseOutcome.Unavailable;

        try
        {
            var taken = Take_NeedsTurn(key, lifetime);
            if (taken)
                _held[key] = false;

            return taken ? LeaseOutcome.Taken : LeaseOutcome.HeldByOther;
        }
        catch
        {
            Close_NeedsTurn();
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Notes that an answer is queued with which the lease, if there is one, goes.</summary>
    public void LeaveWithAnswer(CacheKey key) => _held.TryUpdate(key, newValue: true, comparisonValue: false);

    /// <summary>Notes that the answer is written. One that was taken anew meanwhile stays.</summary>
    public void WentWithAnswer(CacheKey key) => _held.TryRemove(new KeyValuePair<CacheKey, bool>(key, true));

    /// <summary>Whether there is a lease that does not go by itself.</summary>
    public bool IsToBeReleased(CacheKey key) => _held.TryGetValue(key, out var leaves) && !leaves;

    /// <summary>Whether this process may hold a lease on the key.</summary>
    public bool Holds(CacheKey key) => _held.ContainsKey(key);

    /// <summary>Whether this process may hold a lease on the key; it is then about to be released.</summary>
    public bool Forget(CacheKey key) => _held.TryRemove(key, out _);

    public void Release(SqliteStatement release, CacheKey key)
    {
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        release.Bind(1, bytes).Bind(2, _owner).Run();
    }

    /// <summary>Forgets its connection: the file is another one now, or about to be.</summary>
    public void Close_NeedsTurn()
    {
        _take?.Dispose();
        _connection?.Dispose();
        (_take, _connection) = (null, null);
    }

    public void Dispose()
    {
        turn.Wait();
        Close_NeedsTurn();
        turn.Release();
    }

    private bool Take_NeedsTurn(CacheKey key, TimeSpan lifetime)
    {
        if (_take is null)
        {
            // No lease lasts an hour; one that seems to was written by a clock that jumped.
            _connection = file.OpenBriefWriter();
            _take = new SqliteStatement(_connection, """
                INSERT INTO lease (key, owner, expires_at) VALUES (?1, ?2, ?3)
                    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
                 WHERE owner = excluded.owner OR expires_at <= ?4 OR expires_at > ?4 + 3600000
                """);
        }

        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        return _take.Bind(1, bytes).Bind(2, _owner).Bind(3, now + (long)lifetime.TotalMilliseconds).Bind(4, now).Run() == 1;
    }
}
