using CsCheck;

namespace LlmCostCache.AI.Cli.Tests;

public class MergeTests
{
    [Fact]
    public async Task Two_ledgers_merged_either_way_and_twice_hold_the_union()
    {
        await ExchangeGen.Records(30, 50).SampleAsync(
            async records =>
            {
                using var a = new TempHome();
                using var b = new TempHome();
                using var both = new TempHome();
                using var turned = new TempHome();

                // Some calls are in both, as after an earlier merge; each corrects some of its own.
                var (first, second) = (records[..20], records[10..]);
                await ExchangeHomes.WriteAsync(a.Path, first[..10]);
                await ExchangeHomes.WriteAsync(a.Path, first[10..], corrects: false);
                await ExchangeHomes.WriteAsync(b.Path, second[..10], corrects: false);
                await ExchangeHomes.WriteAsync(b.Path, second[10..]);

                foreach (var (home, order) in new[] { (both.Path, new[] { a.Path, b.Path, a.Path, b.Path }), (turned.Path, [b.Path, a.Path]) })
                {
                    foreach (var other in order)
                    {
                        var run = await CliRun.Of("merge", other, "--home", home);
                        Assert.Equal((0, ""), (run.Code, run.Error));
                    }

                    await ExchangeHomes.VerifyAsync(home);
                }

                var rows = await ExchangeHomes.RowsAsync(both.Path);
                var union = (await ExchangeHomes.RowsAsync(a.Path)).Union(await ExchangeHomes.RowsAsync(b.Path)).Order(StringComparer.Ordinal);
                Assert.Equal(string.Join('\n', rows), string.Join('\n', await ExchangeHomes.RowsAsync(turned.Path)));
                Assert.Equal(string.Join('\n', rows), string.Join('\n', union));
                Assert.Equal(records.Length, rows.Count(static row => row.Length > 0));
            },
            iter: 2,
            threads: 1);
    }

    [Fact]
    public async Task Corrections_come_along_and_say_the_same()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" });
        using var other = new TempHome();
        await CliRun.Of("merge", home.Path, "--home", other.Path);
        await CorrectAsync(home.Path, 1m);
        await CorrectAsync(home.Path, 0.75m);

        var beforehand = await CliRun.Of("merge", home.LedgerFile, "--home", other.Path, "--dry-run", "--json");
        var run = await CliRun.Of("merge", home.LedgerFile, "--home", other.Path, "--json");

        Assert.Equal((2, 1, 0), ExchangeHomes.Counts(beforehand));
        Assert.Equal((2, 1, 0), ExchangeHomes.Counts(run));
        Assert.Equal(2, run.Json.GetProperty("adjustments").GetInt64());
        Assert.Equal(750_000_000, (await CliRun.Of("export", "--home", other.Path)).JsonLines.Single().GetProperty("cost_nanos").GetInt64());
        Assert.Equal(750_000_000, (await CliRun.Of("report", "--home", other.Path, "--json")).Json.GetProperty("total").GetProperty("spent_nanos").GetInt64());
    }

    /// <summary>A correction is a difference: two of them on the same call would correct twice.</summary>
    [Fact]
    public async Task A_call_that_both_have_corrected_is_left_as_it_is_here()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" });
        using var other = new TempHome();
        await CliRun.Of("merge", home.Path, "--home", other.Path);
        await CorrectAsync(home.Path, 1m);
        await CorrectAsync(other.Path, 0.5m);

        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--json");

        Assert.Equal((0, 1, 1), ExchangeHomes.Counts(run));
        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("'a'", run.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(500_000_000, (await CliRun.Of("export", "--home", other.Path)).JsonLines.Single().GetProperty("cost_nanos").GetInt64());
    }

    [Fact]
    public async Task Another_row_of_the_same_id_is_named_and_not_taken()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" }, SampleHome.Call("2026-11-20T11:00:00Z", 1m) with { Id = "b" });
        using var other = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 2m) with { Id = "a" });

        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--json");

        Assert.Equal((1, 0, 1), ExchangeHomes.Counts(run));
        Assert.Equal([2_000_000_000, 1_000_000_000], (await CliRun.Of("export", "--home", other.Path)).JsonLines.Select(row => row.GetProperty("cost_nanos").GetInt64()));
        await ExchangeHomes.VerifyAsync(other.Path);
    }

    /// <summary>A correction is a difference from their call; taken from ours it would make an amount that nobody meant.</summary>
    [Fact]
    public async Task The_corrections_of_a_call_that_is_another_one_here_are_not_taken_either()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" });
        await CorrectAsync(home.Path, 1m);
        using var other = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 2m) with { Id = "a" });

        var beforehand = await CliRun.Of("merge", home.Path, "--home", other.Path, "--dry-run", "--json");
        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--json");

        Assert.Equal(((0, 0, 2), (0, 0, 2)), (ExchangeHomes.Counts(beforehand), ExchangeHomes.Counts(run)));
        Assert.Equal(2_000_000_000, (await CliRun.Of("export", "--home", other.Path)).JsonLines.Single().GetProperty("cost_nanos").GetInt64());
    }

    [Fact]
    public async Task A_changed_ledger_is_refused_unless_it_is_taken_as_it_is()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m, user: "alice"));
        using var other = new TempHome();
        Tamper(home.LedgerFile);

        var refused = await CliRun.Of("merge", home.Path, "--home", other.Path);
        Assert.Equal(ExitCode.Found, refused.Code);
        Assert.Contains("changed", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(other.Path, "ledger.db")));

        Assert.Equal(0, (await CliRun.Of("merge", home.Path, "--home", other.Path, "--unverified")).Code);
        await ExchangeHomes.VerifyAsync(other.Path);
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_is_named_and_the_others_are_taken()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1m), SampleHome.Call("2026-11-20T11:00:00Z", 2m, user: "alice"), SampleHome.Call("2026-11-20T12:00:00Z", 4m));
        using var other = new TempHome();
        Tamper(home.LedgerFile, "UPDATE entry SET tags = 'no tags' WHERE user = 'alice'");

        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--unverified", "--json");

        Assert.Equal((1, (2, 0, 1)), (run.Code, ExchangeHomes.Counts(run)));
        Assert.Equal("row 2", run.Json.GetProperty("rejections")[0].GetProperty("place").GetString());
        Assert.Equal(5_000_000_000, (await CliRun.Of("report", "--home", other.Path, "--json")).Json.GetProperty("total").GetProperty("spent_nanos").GetInt64());
    }

    [Fact]
    public async Task A_dry_run_writes_nothing_and_the_other_ledger_is_never_written()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" });
        await CorrectAsync(home.Path, 1m);
        using var other = new TempHome();
        var before = await File.ReadAllBytesAsync(home.LedgerFile);

        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--dry-run", "--json");
        await CliRun.Of("merge", home.Path, "--home", other.Path);
        var known = await CliRun.Of("merge", home.Path, "--home", other.Path, "--dry-run", "--json");

        Assert.Equal((2, 0, 0), ExchangeHomes.Counts(run));
        Assert.Equal((0, 2, 0), ExchangeHomes.Counts(known));
        Assert.Equal(before, await File.ReadAllBytesAsync(home.LedgerFile));
    }

    [Fact]
    public async Task Holds_of_the_other_ledger_stay_there()
    {
        using var home = await SampleHome.CreateAsync(options => options.Budgets.Add(Budget.Daily(1m)));
        await using (var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home.Path;
            options.TimeProvider = CacheHome.Clock;
            options.Budgets.Add(Budget.Daily(1m));
        }))
        {
            var midnight = new DateTimeOffset(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);
            var window = new BudgetWindow(Budget.Daily(1m), "", midnight, midnight.AddDays(1));
            await costs.Store.ReserveAsync(new ReservationRequest
            {
                Record = SampleHome.Call("2026-11-22T10:00:00Z", 0m),
                Holds = [new Hold(window, BudgetAmount.Of(BudgetUnit.Usd, 5), true)],
                Timeout = TimeSpan.FromHours(1),
            });
        }

        using var other = new TempHome();
        var run = await CliRun.Of("merge", home.Path, "--home", other.Path, "--json");

        Assert.Equal((0, 0, 0), ExchangeHomes.Counts(run));
        await ExchangeHomes.VerifyAsync(other.Path);
    }

    /// <summary>An import looks the name in the price book up; the row of a hit never had one.</summary>
    [Fact]
    public async Task A_copy_made_by_export_and_import_has_the_same_rows()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1m), SampleHome.Hit("2026-11-20T11:00:00Z", 1m));
        using var copy = new TempHome();
        await CliRun.WithInput((await CliRun.Of("export", "--home", home.Path)).Output, "import", "-", "--home", copy.Path);

        var run = await CliRun.Of("merge", copy.Path, "--home", home.Path, "--json");

        Assert.Equal((0, (0, 2, 0)), (run.Code, ExchangeHomes.Counts(run)));
    }

    [Fact]
    public async Task A_ledger_is_not_merged_with_itself_nor_with_nothing()
    {
        using var home = await SampleHome.CreateAsync();
        using var empty = new TempHome();

        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("merge", home.Path, "--home", home.Path)).Code);
        Assert.Equal(ExitCode.StoreUnusable, (await CliRun.Of("merge", empty.Path, "--home", home.Path)).Code);
    }

    private static async Task CorrectAsync(string home, decimal usd)
    {
        await using var costs = LlmCosts.Open(options => options.HomeDirectory = home);
        await costs.Store.AdjustAsync("a", CallCost.Known(Money.FromUsd(usd)), "tokenizer");
    }

    private static void Tamper(string file, string sql = "UPDATE entry SET user = 'mallory' WHERE user = 'alice'")
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var change = connection.CreateCommand();
        change.CommandText = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema WHERE type = 'trigger'";
        if (change.ExecuteScalar() is string drop)
        {
            change.CommandText = drop;
            change.ExecuteNonQuery();
        }

        change.CommandText = sql;
        Assert.Equal(1, change.ExecuteNonQuery());
    }
}
