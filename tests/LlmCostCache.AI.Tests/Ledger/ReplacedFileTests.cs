namespace LlmCostCache.AI.Tests;

/// <summary>Somebody puts another file in place of the ledger while it is in use: nothing may go to a file that nobody can open again.</summary>
public class ReplacedFileTests
{
    [Fact]
    public async Task Another_ledger_in_its_place_is_noticed_and_nothing_is_written_to_either()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        await using var other = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 1));
        await using (var backup = other.Open())
        {
            await backup.AppendAsync(other.Row("b", 2));
        }

        File.Move(other.File, home.File, overwrite: true);

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync(home.Row("c", 1)));
        Assert.Contains("replaced", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ReserveAsync(home.Request("d", home.Hold(Budget.Daily(1m), 1))));
    }

    [Fact]
    public async Task A_ledger_that_is_put_back_is_used_again()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 1));
        File.Move(home.File, home.File + ".away");
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync(home.Row("b", 1)));
        File.Move(home.File + ".away", home.File);

        Assert.True(await store.AppendAsync(home.Row("b", 1)));
        Assert.Equal(2, (await store.ReadAsync(LedgerFilter.All).ToListAsync()).Count);
    }

    [Fact]
    public async Task Reports_read_the_file_that_is_there()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var home = new LedgerHome();
        await using var other = new LedgerHome();
        await using (var first = home.Open())
        {
            await first.AppendAsync(home.Row("a", 1));
        }

        await using (var second = other.Open())
        {
            await second.AppendAsync(other.Row("b", 2));
        }

        await using var reader = SqliteLedgerStore.OpenReader(home.Path, home.Clock);
        Assert.Equal("a", Assert.Single(await reader.ReadAsync(LedgerFilter.All).ToListAsync()).Id);
        foreach (var helper in new[] { "-wal", "-shm" })
        {
            File.Delete(home.File + helper);
        }

        File.Move(other.File, home.File, overwrite: true);
        Assert.Equal("b", Assert.Single(await reader.ReadAsync(LedgerFilter.All).ToListAsync()).Id);
    }
}
