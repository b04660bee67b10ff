using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What processes tell each other in the file about invalidations: read by whoever looks an answer up, and by the writer before it writes one.</summary>
internal sealed class DiskInvalidations(AnswerSeal seal, Invalidations invalidations)
{
    public const string Select = "SELECT sequence, kind, name, stamp, sealed FROM invalidation WHERE sequence > ?1";

    private volatile Progress _current = new();

    /// <summary>How much is known of the file that is open now. Whoever opens it keeps this: what is read in a file that was left says nothing about the next one.</summary>
    public Progress Current => _current;

    /// <summary>Begins with a file that nothing is known of.</summary>
    public void Forget() => _current = new();

    /// <summary>Learns what was added since the last time. A name that was sealed with a key that is not ours counts as everything: rather too much than too little.</summary>
    public void Learn(SqliteConnection connection, Progress progress)
    {
        using var statement = new SqliteStatement(connection, Select);
        Learn(statement, progress);
    }

    /// <param name="statement">A <see cref="Select"/> of the caller's.</param>
    /// <param name="progress">How much is known of its file.</param>
    /// <inheritdoc cref="Learn(SqliteConnection, Progress)"/>
    public void Learn(SqliteStatement statement, Progress progress)
    {
        var seen = progress.Seen;
        var told = new List<(Invalidations.Scope, long)>();
        statement.Bind(1, seen);
        try
        {
            while (statement.Step())
            {
                told.Add((ScopeOf(statement), statement.Int64(3)));
                seen = Math.Max(seen, statement.Int64(0));
            }
        }
        finally
        {
            statement.Reset();
        }

        if (told.Count == 0)
            return;

        invalidations.Add(told);
        progress.Reach(seen);
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

    /// <summary>Up to which number all that one file says is known.</summary>
    internal sealed class Progress
    {
        private long _seen;

        public long Seen => Interlocked.Read(ref _seen);

        /// <summary>Another caller may have learned more meanwhile; that stays.</summary>
        public void Reach(long number)
        {
            long seen;
            while ((seen = Seen) < number && Interlocked.CompareExchange(ref _seen, number, seen) != seen)
            {
            }
        }
    }
}
