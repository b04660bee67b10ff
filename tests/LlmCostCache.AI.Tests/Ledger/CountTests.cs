namespace LlmCostCache.AI.Tests;

/// <summary>Counts that no call can have, as broken code of an application may record them.</summary>
public class CountTests
{
    [Fact]
    public async Task A_count_that_would_break_every_later_sum_is_refused()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("before", 1), default);
        var row = home.Row("absurd", 2);

        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await store.AppendAsync(row with { Cost = row.Cost with { Usage = new TokenUsage { OutputTokens = long.MaxValue } } }, default));

        Assert.Equal(1, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Calls);
    }

    [Fact]
    public async Task A_petabyte_that_was_stored_for_a_month_is_no_such_count()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var row = home.Row("stored", 2);

        await store.AppendAsync(row with { Cost = row.Cost with { Usage = new TokenUsage { StorageByteHours = 720_000_000_000_000_000 } } }, default);

        Assert.Equal(720_000_000_000_000_000, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Usage.StorageByteHours);
    }
}
