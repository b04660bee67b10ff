namespace LlmCostCache.AI.Tests;

/// <summary>The write-ahead log beside the ledger.</summary>
public class LogFileTests
{
    [Theory]
    [InlineData("-shm")]
    [InlineData("-wal")]
    public async Task Garbage_beside_the_ledger_does_not_get_into_it(string helper)
    {
        await using var home = new LedgerHome();
        await using (var first = home.Open())
        {
            await first.AppendAsync(home.Row("a", 1));
        }

        var garbage = new byte[40_000];
        new Random(1).NextBytes(garbage);
        File.WriteAllBytes(home.File + helper, garbage);

        var store = home.Open();
        Assert.True(await store.AppendAsync(home.Row("b", 2)));
        Assert.Equal(["a", "b"], (await store.ReadAsync(LedgerFilter.All).ToListAsync()).Select(row => row.Id));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task The_log_of_another_ledger_never_makes_a_mixture_of_the_two_that_looks_sound()
    {
        await using var home = new LedgerHome();
        await using var other = new LedgerHome();
        await using (var first = home.Open())
        {
            await first.AppendAsync(home.Row("a", 1));
        }

        var running = other.Open();
        for (var i = 0; i < 20; i++)
        {
            await running.AppendAsync(other.Row($"other {i}", 1_000));
        }

        File.Copy(other.File + "-wal", home.File + "-wal");
        try
        {
            var store = home.Open();
            var found = await store.VerifyAsync();
            var rows = await store.ReadAsync(LedgerFilter.All).Select(row => row.Id).ToListAsync();
            Assert.True(!found.IsIntact || rows is ["a"] || (rows.Count == 20 && !rows.Contains("a")), string.Join(' ', rows));
        }
        catch (LlmCostException)
        {
            // Refused with words.
        }
    }

    [Fact]
    public async Task A_log_that_a_reader_kept_from_being_emptied_is_emptied_when_the_reader_is_gone()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(home.Row("first", 1));
        await using (var reader = home.Connect())
        {
            using var command = reader.CreateCommand();
            command.CommandText = "BEGIN; SELECT COUNT(*) FROM entry";
            command.ExecuteScalar();
            await Task.WhenAll(Enumerable.Range(0, 5_000).Select(i => store.AppendAsync(home.Row($"{i}", 1)).AsTask()));
            Assert.True(new FileInfo(home.File + "-wal").Length > 1 << 20);
        }

        await store.DisposeAsync();
        Assert.False(File.Exists(home.File + "-wal"));
        Assert.Equal(5_001, home.Scalar("SELECT COUNT(*) FROM entry"));
    }
}
