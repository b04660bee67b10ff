namespace LlmCostCache.AI.Cli.Tests;

public class ExportTests
{
    private static Task<SampleHome> Sample() => SampleHome.CreateAsync(
        null,
        SampleHome.Call("2026-11-20T10:00:00Z", 1.25m, user: "alice"),
        SampleHome.Hit("2026-11-21T12:00:00Z", 0.5m),
        SampleHome.Call("2026-11-22T11:00:00Z", 0.75m, "gpt-4o-mini", user: "bob"));

    [Fact]
    public async Task Every_attempt_is_a_line_of_json()
    {
        using var home = await Sample();

        var run = await CliRun.Of("export", "--home", home.Path);

        Assert.Equal([1_250_000_000, 0, 750_000_000], run.JsonLines.Select(line => line.GetProperty("cost_nanos").GetInt64()));
        Assert.Equal([1_000, 0, 1_000], run.JsonLines.Select(line => line.GetProperty("input_tokens").GetInt64()));
        Assert.Equal((0, ""), (run.Code, run.Error));
    }

    [Fact]
    public async Task Csv_has_a_header()
    {
        using var home = await Sample();

        var run = await CliRun.Of("export", "--home", home.Path, "--format", "csv");

        Assert.Equal(4, run.Lines.Length);
        Assert.StartsWith("id,call_id,attempt,at,", run.Lines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "--user", "alice")]
    [InlineData(1, "--model", "gpt-4o-mini")]
    [InlineData(1, "--status", "cached")]
    [InlineData(2, "--since", "2026-11-21")]
    [InlineData(1, "--since", "2026-11-21", "--until", "2026-11-22")]
    [InlineData(2, "--last", "48h")]
    [InlineData(0, "--project", "other")]
    public async Task Filters_choose_the_rows(int rows, params string[] filter)
    {
        using var home = await Sample();

        Assert.Equal(rows, (await CliRun.Of(["export", "--home", home.Path, .. filter])).Lines.Length);
    }

    [Fact]
    public async Task A_file_holds_what_standard_output_would()
    {
        using var home = await Sample();
        using var place = new TempHome();
        var file = Path.Combine(place.Path, "out.jsonl");

        var run = await CliRun.Of("export", "--home", home.Path, "-o", file, "--json");
        var direct = await CliRun.Of("export", "--home", home.Path);

        Assert.Equal(direct.Output, await File.ReadAllTextAsync(file));
        Assert.Equal(("export/1", 3), (run.Json.GetProperty("schema").GetString(), run.Json.GetProperty("rows").GetInt64()));
        Assert.Equal([file], Directory.EnumerateFiles(place.Path));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    /// <summary>A file that is put in the place of <c>/dev/null</c> breaks the machine.</summary>
    [UnixFact]
    public async Task What_is_no_file_is_written_to_and_not_replaced()
    {
        using var home = await Sample();
        using var place = new TempHome();
        var file = Path.Combine(place.Path, "out.jsonl");
        using var open = new FileStream(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);

        var run = await CliRun.Of("export", "--home", home.Path, "-o", $"/dev/fd/{open.SafeFileHandle.DangerousGetHandle()}");

        Assert.Equal(new CliRun(0, "", ""), run);
        Assert.Equal((await CliRun.Of("export", "--home", home.Path)).Output, await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task A_file_without_a_name_is_told_as_that()
    {
        using var home = await Sample();

        var run = await CliRun.Of("export", "--home", home.Path, "-o", "");

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.Contains("has no name", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_wrong_usage()
    {
        using var home = await Sample();

        var run = await CliRun.Of("export", "--home", home.Path, "-o", Path.Combine(home.Path, "missing", "out.jsonl"));

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
    }

    [Fact]
    public async Task An_export_of_nothing_is_empty_and_says_so_aside()
    {
        using var home = new TempHome();

        var run = await CliRun.Of("export", "--home", home.Path);

        Assert.Equal(new CliRun(0, "", $"llmcost: no calls recorded yet in {home.Path}{Environment.NewLine}"), run);
    }

    [Fact]
    public async Task A_table_of_nothing_has_its_header_whether_there_is_a_ledger_or_not()
    {
        using var home = await Sample();

        var none = await CliRun.Of("export", "--format", "csv");
        var no = await CliRun.Of("export", "--format", "csv", "--home", home.Path, "--project", "other");

        Assert.StartsWith("id,call_id,attempt,at,", none.Output, StringComparison.Ordinal);
        Assert.Equal(no.Output, none.Output);
    }

    [Fact]
    public async Task An_intact_ledger_is_verified()
    {
        using var home = await Sample();

        var run = await CliRun.Of("ledger", "verify", "--home", home.Path);
        var json = await CliRun.Of("ledger", "verify", "--home", home.Path, "--json");

        Assert.Equal(new CliRun(0, $"3 rows checked, nothing wrong.\nend: {json.Json.GetProperty("head").GetString()}\n", ""), run);
        Assert.Equal(("ledger-verify/2", true, 3), (json.Json.GetProperty("schema").GetString(), json.Json.GetProperty("intact").GetBoolean(), json.Json.GetProperty("rows").GetInt64()));
    }

    [Fact]
    public async Task A_changed_row_is_found()
    {
        using var home = await Sample();
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={home.LedgerFile};Pooling=False"))
        {
            connection.Open();
            using var change = connection.CreateCommand();
            change.CommandText = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema WHERE type = 'trigger'";
            if (change.ExecuteScalar() is string drop)
            {
                change.CommandText = drop;
                change.ExecuteNonQuery();
            }

            change.CommandText = "UPDATE entry SET user = 'mallory' WHERE user = 'alice'";
            Assert.Equal(1, change.ExecuteNonQuery());
        }

        var run = await CliRun.Of("ledger", "verify", "--home", home.Path);
        var json = await CliRun.Of("ledger", "verify", "--home", home.Path, "--json");

        Assert.Equal((ExitCode.Found, ExitCode.Found), (run.Code, json.Code));
        Assert.False(json.Json.GetProperty("intact").GetBoolean());
        Assert.NotEmpty(json.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal(System.Text.Json.JsonValueKind.Number, json.Json.GetProperty("first_bad_sequence").ValueKind);
    }

    [Fact]
    public async Task A_ledger_that_is_gone_is_not_an_intact_one()
    {
        using var home = new TempHome();

        var run = await CliRun.Of("ledger", "verify", "--home", home.Path);

        Assert.Equal((ExitCode.StoreUnusable, ""), (run.Code, run.Output));
    }
}
