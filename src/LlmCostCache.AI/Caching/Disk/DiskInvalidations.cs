using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What processes tell each other in the file about invalidations: read by whoever looks an answer up, and by the writer before it writes one.</summary>
internal sealed class DiskInvalidations(AnswerSeal seal, Invalidations invalidations)
{
    private long _seen;

    /// <summary>Whether all that the file says up to this number is known.</summary>
    public bool IsCurrent(long latest) => latest == Interlocked.Read(ref _seen);

    /// <summary>Begins with a file that nothing is known of.</summary>
    public void Forget() => Interlocked.Exchange(ref _seen, 0);

    /// <summary>Learns what was added since the last time. A name that was sealed with a key that is not ours counts as everything: rather too much than too little.</summary>
    public void Learn(SqliteConnection connection)
    {
        var before = Interlocked.Read(ref _seen);
        var seen = before;
        using (var statement = new SqliteStatement(connection, "SELECT sequence, kind, name, stamp, sealed FROM invalidation WHERE sequence > ?1"))
        {
            statement.Bind(1, before);
            while (statement.Step())
            {
                invalidations.Add(ScopeOf(statement), statement.Int64(3));
                seen = Math.Max(seen, statement.Int64(0));
            }
        }

        // Another caller may have learned more meanwhile; that stays.
        while (before < seen && Interlocked.CompareExchange(ref _seen, seen, before) is var now && now != before)
            before = now;
    }

    private Invalidations.Scope ScopeOf(SqliteStatement statement)
    {
        var kind = (Invalidations.Kind)statement.Int64(1);
        string? name = null;
        if (statement.IsNull(4))
            name = statement.Text(2);
        else if (SealedName.TryOpen(statement.Bytes(4), seal, out var opened))
            name = opened;

        return name is null || !Enum.IsDefined(kind) ? new(Invalidations.Kind.Everything, "") : new(kind, name);
    }
}
