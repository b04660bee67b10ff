namespace LlmCostCache.AI.Tests;

/// <summary>What processes that share the file do to each other while they come and go.</summary>
public class SharedFileTests
{
    [Fact]
    public async Task A_process_that_leaves_does_not_take_the_log_away_from_one_that_has_looked_at_the_file()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("before", 1));

        // Whoever opens a further connection looks at the first bytes of the file, and on Unix closing that handle drops the lock that SQLite holds on it. SQLite has taken
        // the log away from such a process; the versions that we accept look at a second lock before they do.
        await store.ReadBalancesAsync();
        using (var visitor = SupportProcess.Start("compete", home.Path, "1", "1"))
        {
            Assert.Equal("ready", await visitor.StandardOutput.ReadLineAsync());
            await visitor.StandardInput.WriteLineAsync("go");
            await visitor.WaitForExitAsync();
            Assert.Equal(0, visitor.ExitCode);
        }

        await store.AppendAsync(home.Row("after", 1));
        Assert.True(File.Exists(home.File + "-wal"), "the other process folded the log into the file and deleted it");
        Assert.Equal(2, home.Scalar("SELECT COUNT(*) FROM entry"));
    }
}
