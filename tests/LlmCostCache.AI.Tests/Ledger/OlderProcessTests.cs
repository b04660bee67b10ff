using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>
/// A process that had the ledger open when a newer version brought it up to date. A step that adds something beside the rows takes the name of a table away that every row is written with; here
/// the test takes it away, as the eighth step did.
/// </summary>
public class OlderProcessTests
{
    private static readonly string s_newer = $"ALTER TABLE rollup_slot RENAME TO rollup_of_later; PRAGMA user_version = {LedgerFile.Steps.Count + 1}";
    private static readonly string s_asBefore = $"ALTER TABLE rollup_of_later RENAME TO rollup_slot; PRAGMA user_version = {LedgerFile.Steps.Count}";

    [Fact]
    public async Task It_spools_its_rows_and_a_newer_process_books_each_once()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), static (builder, costs) => builder.UseBudget(costs));
        await pipeline.Client.GetResponseAsync("before");
        pipeline.Provider.Answer = (_, options, n) =>
        {
            if (n == 2)
            {
                Execute(pipeline.Home, s_newer);
            }

            return Task.FromResult(pipeline.Provider.DefaultAnswer(options, $"answer {n}"));
        };

        // What was held before the step, and what is held behind it: every answer reaches its caller.
        var answers = new List<ChatResponse>();
        for (var i = 0; i < 5; i++)
        {
            answers.Add(await pipeline.Client.GetResponseAsync($"after {i}"));
        }

        Assert.Equal(5, File.ReadAllLines(Path.Combine(pipeline.Home, "spool.jsonl")).Length);
        Assert.Equal(1, Scalar(pipeline.Home, "SELECT COUNT(*) FROM entry"));
        Execute(pipeline.Home, s_asBefore);
        await using (pipeline.OpenAnother())
        {
        }

        var rows = await pipeline.RowsAsync();
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(6, rows.Count);
        Assert.Equal(answers.Select(answer => answer.GetCost().Amount), rows.Skip(1).Select(row => row.Cost.Amount));
        Assert.Equal((rows.Sum(row => row.Cost.Amount!.Value.Nanos), 0), (balance.Spent.Count, balance.Reserved.Count));
        Assert.Empty(Directory.EnumerateFiles(pipeline.Home, "spool*"));
        Assert.Empty((await pipeline.Costs.Store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task It_is_told_what_to_do_when_it_records_a_call_made_elsewhere()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("before");
        Execute(pipeline.Home, s_newer);

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await pipeline.Costs.RecordAsync(new() { Id = "elsewhere", At = DateTimeOffset.UtcNow, Cost = CallCost.Known(Money.FromNanos(5)) }));

        Assert.Contains($"has schema {LedgerFile.Steps.Count + 1}; this version of LlmCostCache.AI knows schemas up to {LedgerFile.Steps.Count}. Update it", error.Message, StringComparison.Ordinal);
        Execute(pipeline.Home, s_asBefore);
        await pipeline.Costs.RecordAsync(new() { Id = "elsewhere", At = DateTimeOffset.UtcNow, Cost = CallCost.Known(Money.FromNanos(5)) });
        Assert.Equal(2, (await pipeline.RowsAsync()).Count);
    }

    [Fact]
    public async Task It_refuses_to_hold_anew_while_it_cannot_book_what_has_died_and_gives_none_of_it_back()
    {
        await using var home = new LedgerHome();
        var budget = Budget.Daily(0.000001m);
        var store = home.Open();
        await store.ReserveAsync(home.Request("held", home.Hold(budget, 600)));
        home.Execute(s_newer);
        home.Clock.Advance(TimeSpan.FromMinutes(11));

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReserveAsync(home.Request("next", home.Hold(budget, 1))).AsTask());
        Assert.Contains("Update it", error.Message, StringComparison.Ordinal);

        home.Execute(s_asBefore);
        home.Clock.Advance(TimeSpan.FromMinutes(2));
        await store.ReserveAsync(home.Request("last", home.Hold(budget, 1)));
        Assert.Equal((600, 1), ((await store.ReadBalancesAsync())[0].Spent.Count, (await store.ReadBalancesAsync())[0].Reserved.Count));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    private static void Execute(string home, string sql)
    {
        using var connection = SqliteFile.Open(Path.Combine(home, LedgerFile.Name), Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Scalar(string home, string sql)
    {
        using var connection = SqliteFile.Open(Path.Combine(home, LedgerFile.Name), Microsoft.Data.Sqlite.SqliteOpenMode.ReadOnly);
        return SqliteFile.Scalar(connection, sql);
    }
}
