namespace LlmCostCache.AI.Tests;

public class TamperTests
{
    private static readonly string s_columns = string.Join(", ", LedgerBook.Columns.Split(',').Skip(2));

    [Theory]
    [InlineData("UPDATE entry SET cost_nanos = 1 WHERE seq = 4", 4)]
    [InlineData("UPDATE entry SET user = 'mallory' WHERE seq = 2", 2)]
    [InlineData("UPDATE entry SET provider = NULL WHERE seq = 3", 3)]
    [InlineData("UPDATE entry SET prev_hash = zeroblob(32) WHERE seq = 5", 5)]
    [InlineData("DELETE FROM entry WHERE seq = 3", 3)]
    [InlineData("DELETE FROM entry WHERE seq = 1", 1)]
    [InlineData("DELETE FROM entry WHERE seq = 6", 6)]
    [InlineData("DELETE FROM entry", 1)]
    [InlineData("UPDATE entry SET seq = -1 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = -1", 3)]
    public async Task The_first_row_that_was_edited_removed_or_moved_is_named(string attack, long firstBad)
    {
        await using var home = new LedgerHome();
        await FillAsync(home);

        home.Execute(attack);

        var found = await home.Open().VerifyAsync();
        Assert.Equal(firstBad, found.FirstBadSequence);
        Assert.False(found.IsIntact);
    }

    [Theory]
    [InlineData("UPDATE budget_window SET posted_nanos = 0")]
    [InlineData("UPDATE budget_window SET pending_nanos = 7")]
    [InlineData("UPDATE rollup_slot SET booked_nanos = booked_nanos - 1")]
    [InlineData("DELETE FROM rollup_slot")]
    [InlineData("UPDATE rollup_slot SET slot = slot + 1")]
    public async Task A_counter_that_is_not_the_sum_of_its_rows_is_noticed(string attack)
    {
        await using var home = new LedgerHome();
        await FillAsync(home);

        home.Execute(attack);

        var found = await home.Open().VerifyAsync();
        Assert.Null(found.FirstBadSequence);
        Assert.NotEmpty(found.Problems);
    }

    [Fact]
    public async Task An_inserted_row_is_noticed()
    {
        await using var home = new LedgerHome();
        await FillAsync(home);

        home.Execute($"INSERT INTO entry (seq, id, {s_columns}) SELECT 7, 'forged', {s_columns} FROM entry WHERE seq = 6");

        Assert.Equal(7, (await home.Open().VerifyAsync()).FirstBadSequence);
    }

    [Fact]
    public async Task Every_column_of_a_row_is_in_its_hash()
    {
        await using var home = new LedgerHome();
        await FillAsync(home);
        var columns = LedgerBook.Columns.Split(',', StringSplitOptions.TrimEntries).Except(["seq", "kind", "adjusts", "hash"]);
        foreach (var column in columns)
        {
            await using var copy = new LedgerHome();
            Directory.CreateDirectory(copy.Path);
            File.Copy(home.File, copy.File);
            var value = home.Scalar($"SELECT typeof({column}) = 'integer' FROM entry WHERE seq = 2") == 1 ? $"{column} + 1" : column.EndsWith("_hash", StringComparison.Ordinal) ? "zeroblob(32)" : "'x'";
            copy.Execute($"PRAGMA ignore_check_constraints = ON; UPDATE entry SET {column} = {(column is "fx_date" ? "'2020-01-01'" : column is "native_cost" or "fx_rate" ? "'9'" : IsNumber(column) ? $"COALESCE({column}, 0) + 1" : value)} WHERE seq = 2");

            Assert.Equal((column, (long?)2), (column, (await copy.Open().VerifyAsync()).FirstBadSequence));
        }
    }

    private static bool IsNumber(string column) => column.EndsWith("_nanos", StringComparison.Ordinal) || column.EndsWith("_ms", StringComparison.Ordinal);

    private static async Task FillAsync(LedgerHome home)
    {
        await using var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(Budget.Daily(1m), 100)));
        for (var i = 0; i < 6; i++)
        {
            await store.AppendAsync(home.Row(((char)('a' + i)).ToString(), 10 + i));
        }
    }
}
