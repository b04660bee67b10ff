namespace LlmCostCache.AI;

/// <summary>Rows that were made elsewhere.</summary>
internal sealed partial class SqliteLedgerStore
{
    /// <summary>How many rows are one operation of the writer: enough to be fast, few enough that calls of the application need not wait long between two of them.</summary>
    public const int IntakeBatch = 1_000;

    /// <summary>Why the ledger would refuse a row; null when it would not.</summary>
    public static string? WhyNot(UsageRecord record)
    {
        try
        {
            Check(record);
            return null;
        }
        catch (ArgumentException refusal)
        {
            return refusal.Message.Split(" (Parameter", 2)[0];
        }
    }

    /// <summary>Writes the rows that are not here yet, in one transaction.</summary>
    /// <returns>What became of each, in their order.</returns>
    public ValueTask<IntakeOutcome[]> TakeInAsync(IReadOnlyList<IntakeRow> rows, CancellationToken cancellationToken = default)
    {
        foreach (var row in rows)
        {
            Check(row.Record);
        }

        return OneByOneWhenTooLargeAsync(rows, static (book, some) => book.TakeIn(some), cancellationToken);
    }

    /// <inheritdoc cref="TakeInAsync(IReadOnlyList{IntakeRow}, CancellationToken)"/>
    public ValueTask<IntakeOutcome[]> TakeInAsync(IReadOnlyList<ForeignRow> rows, CancellationToken cancellationToken = default) =>
        OneByOneWhenTooLargeAsync(rows, static (book, some) => book.TakeIn(some), cancellationToken);

    private async ValueTask<IntakeOutcome[]> OneByOneWhenTooLargeAsync<T>(
        IReadOnlyList<T> rows, Func<LedgerBook, IReadOnlyList<T>, IntakeOutcome[]> takeIn, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(rows).ConfigureAwait(false);
        }
        catch (OverflowException) when (rows.Count == 1)
        {
            return [IntakeOutcome.TooLarge];
        }
        catch (OverflowException)
        {
            // One of them is too large, and the others are not to suffer for it.
            var outcomes = new List<IntakeOutcome>(rows.Count);
            foreach (var row in rows)
            {
                outcomes.AddRange(await OneByOneWhenTooLargeAsync([row], takeIn, cancellationToken).ConfigureAwait(false));
            }

            return [.. outcomes];
        }

        ValueTask<IntakeOutcome[]> RunAsync(IReadOnlyList<T> some) =>
            Writer.RunAsync((book, _) => takeIn(book, some), durable: true, reserves: false, cancellationToken);
    }
}
