using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Cli.Tests;

public class LedgerCommandTests
{
    [Fact]
    public async Task Verify_prints_the_end_and_accepts_it_later()
    {
        using var home = await HomeAsync();
        var head = (await CliRun.Of("ledger", "verify", "--home", home.Path, "--json")).Json.GetProperty("head").GetString()!;

        var run = await CliRun.Of("ledger", "verify", "--home", home.Path, "--head", head);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains($"end: {head}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_names_the_row_that_was_changed_in_json()
    {
        using var home = await HomeAsync();
        Tamper(home, "UPDATE entry SET user = 'mallory' WHERE seq = 2");

        var run = await CliRun.Of("ledger", "verify", "--home", home.Path, "--json");

        var problem = run.Json.GetProperty("problems")[0];
        Assert.Equal(1, run.Code);
        Assert.Equal(("row_changed", 2), (problem.GetProperty("kind").GetString(), problem.GetProperty("sequence").GetInt32()));
        Assert.Equal(32, problem.GetProperty("id").GetString()!.Length);
    }

    [Fact]
    public async Task Verify_refuses_an_end_that_is_none()
    {
        using var home = await HomeAsync();

        Assert.Equal(2, (await CliRun.Of("ledger", "verify", "--home", home.Path, "--head", "12")).Code);
    }

    [Fact]
    public async Task Repair_says_what_it_repaired_and_where_the_old_ledger_is()
    {
        using var home = await HomeAsync();
        Tamper(home, "UPDATE rollup_slot SET calls = calls + 1");

        var run = await CliRun.Of("ledger", "repair", "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("repaired: The sums of the quarter-hour from 2026-11-22 10:00:00Z are not those of its rows.", run.Output, StringComparison.Ordinal);
        Assert.Contains(".bak", run.Lines[0], StringComparison.Ordinal);
        Assert.Equal(0, (await CliRun.Of("ledger", "verify", "--home", home.Path)).Code);
    }

    [Fact]
    public async Task Salvage_writes_a_new_ledger()
    {
        using var home = await HomeAsync();
        var target = Path.Combine(home.Path, "saved.db");

        var run = await CliRun.Of("ledger", "repair", "--salvage", target, "--home", home.Path, "--json");

        Assert.Equal((0, 3), (run.Code, run.Json.GetProperty("rows").GetInt32()));
        Assert.True(File.Exists(target));
    }

    [Fact]
    public async Task Backup_writes_a_copy_that_was_checked()
    {
        using var home = await HomeAsync();
        var target = Path.Combine(home.Path, "copy.db");

        var run = await CliRun.Of("ledger", "backup", target, "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("3 rows checked, nothing wrong.", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(target));
    }

    /// <summary>A byte that was changed can make a row what no ledger takes, or break the way from one row to the next.</summary>
    [Theory]
    [InlineData("PRAGMA ignore_check_constraints = ON; UPDATE entry SET kind = 'nonsense' WHERE seq = 2")]
    [InlineData("PRAGMA ignore_check_constraints = ON; UPDATE entry SET kind = 'nonsense' WHERE seq = 2; UPDATE meta SET value = '9000000000000000000:' || substr(value, 3) WHERE key = 'head'")]
    public async Task Salvage_leaves_out_a_row_that_no_ledger_takes_and_goes_on(string sql)
    {
        using var home = await HomeAsync();
        Tamper(home, sql);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        var saved = await Task.Run(() => LedgerSalvage.Run(home.LedgerFile, Path.Combine(home.Path, "saved.db"), CacheHome.Clock, patience.Token));

        Assert.Equal((2, (2, 2)), (saved.Rows, saved.Lost[0]));
    }

    [Theory]
    [InlineData("backup", "")]
    [InlineData("repair", "--salvage", "")]
    public async Task A_copy_without_a_name_is_wrong_usage(params string[] args)
    {
        using var home = await HomeAsync();

        var run = await CliRun.Of(["ledger", .. args, "--home", home.Path]);

        Assert.Equal(2, run.Code);
        Assert.DoesNotContain("fault", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_that_is_called_off_leaves_nothing()
    {
        using var home = await HomeAsync();
        var target = Path.Combine(home.Path, "copy.db");

        Assert.ThrowsAny<OperationCanceledException>(() => LedgerBackup.Take(home.LedgerFile, target, new CancellationToken(canceled: true)));

        Assert.Empty(Directory.EnumerateFiles(home.Path, "copy.db*"));
    }

    [Fact]
    public async Task Tail_names_a_row_that_cannot_be_read_and_shows_the_others()
    {
        using var home = await HomeAsync();
        Tamper(home, "UPDATE entry SET tags = 'no tags' WHERE seq = 2");

        var run = await CliRun.Of("ledger", "tail", "--home", home.Path, "--json");

        Assert.Equal([1, 3], run.JsonLines.Select(line => line.GetProperty("sequence").GetInt32()));
        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("llmcost: row 2 cannot be read", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compact_says_the_size_before_and_after()
    {
        using var home = await HomeAsync();

        var run = await CliRun.Of("ledger", "compact", "--home", home.Path, "--json");

        Assert.Equal(0, run.Code);
        Assert.True(run.Json.GetProperty("bytes_after").GetInt64() <= run.Json.GetProperty("bytes_before").GetInt64());
    }

    [Fact]
    public async Task Stats_show_rows_growth_and_tables()
    {
        using var home = await HomeAsync();

        var run = await CliRun.Of("ledger", "stats", "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("bytes a row", run.Output, StringComparison.Ordinal);
        Assert.Contains("rollup", run.Output, StringComparison.Ordinal);
        Assert.Equal(3, (await CliRun.Of("ledger", "stats", "--home", home.Path, "--json")).Json.GetProperty("rows").GetInt32());
    }

    [Fact]
    public async Task Tail_shows_the_last_rows_in_their_order()
    {
        using var home = await HomeAsync();

        var run = await CliRun.Of("ledger", "tail", "-n", "2", "--home", home.Path, "--json");

        Assert.Equal([2, 3], run.JsonLines.Select(line => line.GetProperty("sequence").GetInt32()));
        Assert.Equal(2, (await CliRun.Of("ledger", "tail", "-n", "2", "--home", home.Path)).Lines.Length);
    }

    [Fact]
    public async Task Tail_follows_the_ledger_until_it_is_cancelled()
    {
        using var home = await HomeAsync();
        var output = new WaitingStream();
        using var cancel = new CancellationTokenSource();
        var host = new CliHost { Input = Stream.Null, Output = output, Console = CliHost.ConsoleFor(TextWriter.Null, plain: true, unlimited: true), Error = TextWriter.Null };

        var running = CommandLine.RunAsync(["ledger", "tail", "-f", "-n", "0", "--json", "--home", home.Path], host, cancel.Token);
        await using (var costs = LlmCosts.Open(options => options.HomeDirectory = home.Path))
        {
            await costs.RecordAsync(SampleHome.Call("2026-11-22T12:00:00Z", 1m, user: "newcomer"));
        }

        await output.WaitForAsync("newcomer");
        await cancel.CancelAsync();

        Assert.Equal(130, await running);
    }

    [Fact]
    public async Task One_row_is_one_row()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1.25m));

        var verify = await CliRun.Of("ledger", "verify", "--home", home.Path);
        var salvage = await CliRun.Of("ledger", "repair", "--salvage", Path.Combine(home.Path, "saved.db"), "--home", home.Path);
        var repair = await CliRun.Of("ledger", "repair", "--home", home.Path);

        Assert.Equal("1 row checked, nothing wrong.", verify.Lines[0]);
        Assert.StartsWith("1 row saved into", salvage.Lines[0], StringComparison.Ordinal);
        Assert.Equal(["1 row checked, nothing to repair."], repair.Lines);
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("repair")]
    [InlineData("stats")]
    [InlineData("tail")]
    [InlineData("compact")]
    public async Task Without_a_ledger_there_is_nothing_to_look_after(string command)
    {
        using var home = new TempHome();

        var run = await CliRun.Of("ledger", command, "--home", home.Path);

        Assert.Equal(3, run.Code);
        Assert.Empty(Directory.GetFiles(home.Path));
    }

    private static Task<SampleHome> HomeAsync() => SampleHome.CreateAsync(
        options => options.Budgets.Add(Budget.Daily(50m)),
        SampleHome.Call("2026-11-22T10:00:00Z", 1.25m, user: "alice"), SampleHome.Call("2026-11-22T10:01:00Z", 0.5m, user: "bob"), SampleHome.Call("2026-11-22T10:02:00Z", 0.25m));

    private static void Tamper(SampleHome home, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={home.LedgerFile};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Keeps what is written and says when something has come.</summary>
    private sealed class WaitingStream : MemoryStream
    {
        private readonly SemaphoreSlim _written = new(0);

        public async Task WaitForAsync(string text)
        {
            while (true)
            {
                lock (_written)
                {
                    if (System.Text.Encoding.UTF8.GetString(ToArray()).Contains(text, StringComparison.Ordinal))
                    {
                        return;
                    }
                }

                Assert.True(await _written.WaitAsync(TimeSpan.FromSeconds(30)), $"'{text}' never came.");
            }
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            lock (_written)
            {
                base.Write(buffer, offset, count);
            }

            _written.Release();
        }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

        public override void WriteByte(byte value) => Write([value], 0, 1);

        protected override void Dispose(bool disposing)
        {
            _written.Dispose();
            base.Dispose(disposing);
        }
    }
}
