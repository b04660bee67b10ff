namespace LlmCostCache.AI.Tests;

public class LedgerQueueTests
{
    /// <summary>A reservation whose caller has left is given back at once: written first, that would give back nothing, and the hold would stay until it is booked.</summary>
    [Fact]
    public async Task Nobody_writes_before_what_was_taken_out_and_is_not_written_yet()
    {
        var queue = new LedgerQueue("ledger.db", fixedRest: null);
        Assert.True(queue.IsIdle);
        await queue.PutAsync(new AwaitedOperation<bool>("ledger.db", (_, _) => true), default);

        var batch = new List<LedgerOperation>();
        Assert.True(queue.Take(batch, 10, TimeSpan.Zero));
        Assert.Single(batch);
        Assert.False(queue.IsIdle);

        queue.Done();
        Assert.True(queue.IsIdle);
    }
}
