namespace LlmCostCache.AI;

/// <summary>Something that is to be written, and who waits for it.</summary>
internal abstract class LedgerOperation
{
    /// <summary>Whether the commit must reach the disk before anybody is told.</summary>
    public bool Durable { get; init; }

    /// <summary>Whether reservations past their deadline must be booked first.</summary>
    public bool Reserves { get; init; }

    /// <summary>Whether the rows that nobody waits for, and that were given before it, are written with it.</summary>
    public bool Flushes { get; init; }

    /// <summary>Whether it failed by itself; the rest of its batch goes on without it.</summary>
    public bool HasFailed { get; protected set; }

    public abstract void Apply(LedgerBook book, bool repeated);

    /// <summary>Tells the caller, after the commit.</summary>
    public abstract void Acknowledge();

    public abstract void Fail(Exception error);
}
