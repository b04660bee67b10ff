namespace LlmCostCache.AI.Tests;

/// <summary>One bit of the file is another one than was written: nobody is told another amount than the one that was booked.</summary>
public class BitFlipTests
{
    [Fact]
    public Task A_bit_that_fell_over_is_noticed_or_changes_nothing() => FlipAsync(inTheLog: false);

    /// <summary>SQLite ends its log at the first page that is damaged and says nothing: what was acknowledged after it is lost, as in a crash. What is left is true.</summary>
    [Fact]
    public Task A_bit_that_fell_over_in_the_log_costs_its_tail_and_changes_nothing_before() => FlipAsync(inTheLog: true);

    private static async Task FlipAsync(bool inTheLog)
    {
        await using var home = new LedgerHome(fast: true);
        var budget = Budget.Daily(1m);
        var store = home.Open();
        for (var i = 0; i < 60; i++)
        {
            await store.ReserveAsync(home.Request($"{i}", home.Hold(budget, 100_000)));
            await store.AppendAsync(home.Row($"{i}", 1_000 + i, new Attribution { User = $"user {i % 5}", Tags = ["a", "b"] }));
        }

        await store.AdjustAsync("7", CallCost.Known(Money.FromNanos(5)), "tokenizer");
        if (!inTheLog)
        {
            await store.DisposeAsync();
        }

        var truth = await RowsAsync(store, home);
        var file = inTheLog ? home.File + "-wal" : home.File;
        var (database, log) = (File.ReadAllBytes(home.File), inTheLog ? File.ReadAllBytes(file) : []);
        var random = new Random(20260822);
        var noticed = 0;
        var flips = TestSize.IsFull ? 2_000 : TestSize.IsCi ? 600 : 200;
        for (var flip = 0; flip < flips; flip++)
        {
            await using var copy = new LedgerHome(fast: true);
            Directory.CreateDirectory(copy.Path);
            var (damagedDatabase, damagedLog) = ((byte[])database.Clone(), (byte[])log.Clone());
            var target = inTheLog ? damagedLog : damagedDatabase;
            var bit = random.Next(8 * target.Length);
            target[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(copy.File, damagedDatabase);
            if (inTheLog)
            {
                File.WriteAllBytes(copy.File + "-wal", damagedLog);
            }

            try
            {
                var opened = copy.Open();
                if ((await opened.VerifyAsync()).IsIntact)
                {
                    var left = await RowsAsync(opened, copy);
                    Assert.True(inTheLog || left.Count == truth.Count, $"bit {bit}: {left.Count} rows of {truth.Count} are left");
                    Assert.All(left, (row, i) => Assert.True(row == truth[i] || (inTheLog && row.Id == "7"), $"bit {bit}: {row} was {truth[i]}"));
                    continue;
                }
            }
            catch (LlmCostException)
            {
                // Refused with words, by whoever noticed first.
            }

            noticed++;
        }

        Assert.InRange(noticed, inTheLog ? 0 : flips / 10, flips);
    }

    private static async Task<List<(string Id, CallCost Cost, string? User)>> RowsAsync(SqliteLedgerStore store, LedgerHome home)
    {
        if (!File.Exists(home.File + "-wal"))
        {
            store = home.Open();
        }

        return await store.ReadAsync(LedgerFilter.All).Select(row => (row.Id, row.Cost, row.Attribution.User)).ToListAsync();
    }
}
