namespace LlmCostCache.AI.Tests;

public sealed class LedgerSyncTests : IDisposable
{
    private readonly TempHome _home = new();

    private string Ledger => Path.Combine(_home.Path, "ledger.db");

    public void Dispose() => _home.Dispose();

    /// <summary>The system may have given up the pages of a sync that failed, and the next one says nothing of them.</summary>
    [Fact]
    public async Task A_sync_that_failed_on_its_own_thread_lets_no_other_batch_be_told_before_the_log_was_mended()
    {
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var mayMend = new ManualResetEventSlim();
        LedgerSync? sync = null;
        sync = new LedgerSync(Ledger, (operations, _) =>
        {
            failed.SetResult();
            mayMend.Wait();
            sync!.Trust();
            operations.ForEach(static operation => operation.Acknowledge());
        });

        // There is no log yet, so that this sync fails; there is one before the next.
        var first = new AwaitedOperation<bool>(Ledger, (_, _) => true) { Durable = true };
        sync.Hand([first]);
        await failed.Task;
        File.WriteAllText(Ledger + "-wal", "");

        Assert.Throws<IOException>(sync.Now);
        Assert.Throws<IOException>(sync.Now);
        Assert.False(first.Task.IsCompleted);

        mayMend.Set();
        await first.Task;
        sync.Now();
        sync.Finish();
        sync.Close();
    }

    [Fact]
    public async Task What_is_handed_over_while_the_log_is_mended_is_synced_afterwards()
    {
        var failures = 0;
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var mayMend = new ManualResetEventSlim();
        LedgerSync? sync = null;
        sync = new LedgerSync(Ledger, (operations, error) =>
        {
            failures++;
            failed.TrySetResult();
            mayMend.Wait();
            sync!.Trust();
            operations.ForEach(operation => operation.Fail(error));
        });
        var (first, second) = (new AwaitedOperation<bool>(Ledger, (_, _) => true), new AwaitedOperation<bool>(Ledger, (_, _) => true));
        sync.Hand([first]);
        await failed.Task;
        sync.Hand([second]);
        File.WriteAllText(Ledger + "-wal", "");
        Assert.False(second.Task.IsCompleted);

        mayMend.Set();
        sync.Finish();

        await Assert.ThrowsAsync<FileNotFoundException>(() => first.Task);
        await second.Task;
        Assert.Equal(1, failures);
        sync.Close();
    }

    /// <summary>As of rows that cost something and were written in the background: the next batch may hold nothing that needs the disk.</summary>
    [Fact]
    public async Task What_nobody_waits_for_is_synced_all_the_same()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // There is no log, so that a sync is heard of.
        var sync = new LedgerSync(Ledger, (_, _) => asked.SetResult());

        sync.Hand([]);

        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        sync.Finish();
        sync.Close();
    }
}
