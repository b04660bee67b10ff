using CsCheck;

namespace LlmCostCache.AI.Cli.Tests;

public class ImportTests
{
    [Theory]
    [InlineData("jsonl")]
    [InlineData("csv")]
    public async Task An_export_imported_into_an_empty_home_is_exported_the_same(string format)
    {
        await ExchangeGen.Records(30, 60).SampleAsync(
            async records =>
            {
                using var home = new TempHome();
                using var other = new TempHome();
                using var files = new TempHome();
                await ExchangeHomes.WriteAsync(home.Path, records);
                var exported = await ExchangeHomes.ExportAsync(home.Path, format);
                var file = ExchangeHomes.Write(files, "export", exported);

                var first = await CliRun.Of("import", file, "--home", other.Path, "--json");
                var again = await CliRun.Of("import", file, "--home", other.Path, "--json");

                Assert.Equal((records.Length, 0, 0), ExchangeHomes.Counts(first));
                Assert.Equal((0, records.Length, 0), ExchangeHomes.Counts(again));
                Assert.Equal(exported, await ExchangeHomes.ExportAsync(other.Path, format));
                await ExchangeHomes.VerifyAsync(other.Path);
            },
            iter: 3,
            threads: 1);
    }

    /// <summary>The day of the ledger's zone, not that of UTC: a call at half past eleven of the evening before, in UTC, is of the same day in Berlin.</summary>
    [Theory]
    [InlineData("import")]
    [InlineData("merge")]
    public async Task What_a_budget_of_another_zone_stood_at_and_stands_at_is_said_once(string command)
    {
        using var home = await SampleHome.CreateAsync(
            o =>
            {
                o.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
                o.Budgets.Add(Budget.Daily(10m));
            },
            SampleHome.Call("2026-11-22T10:00:00Z", 1m));
        using var other = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-21T23:30:00Z", 0.5m));
        var file = Path.Combine(other.Path, "calls.jsonl");
        await CliRun.Of("export", "--home", other.Path, "-o", file);

        var run = await CliRun.Of(command, command == "import" ? file : other.Path, "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("The budget 'day' now stands at $1.50 of $10.00; it was $1.00.", Assert.Single(run.Lines, line => line.StartsWith("The budget", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_table_that_names_a_column_twice_is_refused()
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput("id,at,model,input_tokens,input_tokens\na,2026-11-20T10:00:00Z,gpt-4o,1000,10\n", "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(run));
        Assert.Contains("input_tokens", run.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parquet_export_comes_back_as_it_was()
    {
        using var home = new TempHome();
        using var other = new TempHome();
        using var files = new TempHome();
        await ExchangeHomes.WriteAsync(home.Path, ExchangeGen.Records(60, 60).Single());
        var file = Path.Combine(files.Path, "calls.parquet");

        var export = await CliRun.Of("export", "--home", home.Path, "--format", "parquet", "-o", file, "--json");
        var import = await CliRun.Of("import", file, "--home", other.Path, "--json");

        Assert.Equal(("parquet", 60), (export.Json.GetProperty("format").GetString(), export.Json.GetProperty("rows").GetInt64()));
        Assert.Equal((60, 0, 0), ExchangeHomes.Counts(import));
        Assert.Equal(await ExchangeHomes.ExportAsync(home.Path), await ExchangeHomes.ExportAsync(other.Path));
    }

    [Fact]
    public async Task Bad_lines_are_named_and_the_good_ones_go_in()
    {
        using var home = new TempHome();
        const string Lines = """
            {"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10,"output_tokens":1,"cost_nanos":5}
            {"id":"b","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":-10}
            {"id":"c","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10,"cached_input_tokens":11}
            not json

            {"id":"d","at":"yesterday","model":"gpt-4o"}
            {"id":"e","at":"2026-11-20T10:00:00Z","model":"gpt-4o","inptu_tokens":10}
            {"id":"f","model":"gpt-4o","input_tokens":10}
            {"id":"g","at":"2026-11-20T10:00:00Z","model":"gpt-4o","certainty":"known","cost_nanos":-5}
            {"id":"h","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10,"output_tokens":1,"cost_nanos":7}
            """;

        var run = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path, "--json");
        var shown = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Equal((2, 0, 7), ExchangeHomes.Counts(run));
        Assert.Equal([2, 3, 4, 6, 7, 8, 9], run.Json.GetProperty("rejections").EnumerateArray().Select(rejection => rejection.GetProperty("line").GetInt64()));
        ExpectedFile.Check(shown.Output + shown.Error, "import/bad-lines.txt");
    }

    [Fact]
    public async Task The_first_twenty_bad_lines_are_shown_and_all_are_in_the_json()
    {
        using var home = new TempHome();
        var lines = string.Concat(Enumerable.Repeat("{}\n", 50));

        var shown = await CliRun.WithInput(lines, "import", "-", "--home", home.Path);
        var json = await CliRun.WithInput(lines, "import", "-", "--home", home.Path, "--json");

        Assert.Equal(21, shown.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(50, json.Json.GetProperty("rejections").GetArrayLength());
    }

    [Fact]
    public async Task A_dry_run_says_what_would_happen_and_writes_nothing()
    {
        using var home = new TempHome();
        const string Lines = """{"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10}""" + "\n" + """{"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10}""";

        var run = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path, "--dry-run", "--json");

        Assert.Equal((1, 1, 0), ExchangeHomes.Counts(run));
        Assert.False(File.Exists(Path.Combine(home.Path, "ledger.db")));
    }

    [Fact]
    public async Task A_dry_run_rejects_what_an_import_rejects()
    {
        using var home = new TempHome();
        const string Lines = """
            {"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10}
            {"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":11}
            {"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10}
            {"id":"b","at":"2026-11-20T10:00:00Z","model":"gpt-4o","cost_usd":1}
            {"id":"b","at":"2026-11-20T10:00:00Z","model":"gpt-4o","cost_usd":2}
            """;

        var beforehand = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path, "--dry-run", "--json");
        var run = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((1, (2, 1, 2)), (beforehand.Code, ExchangeHomes.Counts(beforehand)));
        Assert.Equal((1, (2, 1, 2)), (run.Code, ExchangeHomes.Counts(run)));
    }

    /// <summary>Two alike in one file are two calls; two alike in two files are most likely one file and its copy.</summary>
    [Fact]
    public async Task A_file_and_its_copy_are_recorded_once()
    {
        using var home = new TempHome();
        using var files = new TempHome();
        const string Lines = """{"at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":5}""" + "\n" + """{"at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":5}""" + "\n";
        var (file, copy) = (ExchangeHomes.Write(files, "a.jsonl", Lines), ExchangeHomes.Write(files, "copy.jsonl", Lines));

        var run = await CliRun.Of("import", file, copy, "--home", home.Path, "--json");

        Assert.Equal((2, 2, 0), ExchangeHomes.Counts(run));
    }

    /// <summary>No provider is paid for these, whatever they counted.</summary>
    [Theory]
    [InlineData("error")]
    [InlineData("failed")]
    [InlineData("blocked")]
    [InlineData("cached")]
    [InlineData("coalesced")]
    public async Task A_call_that_nobody_billed_costs_nothing(string status)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput($$"""{"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":1000000,"status":"{{status}}"}""", "import", "-", "--home", home.Path, "--json");

        Assert.Equal(((1, 0, 0), "0", 0), (ExchangeHomes.Counts(run), run.Json.GetProperty("cost_usd").GetString(), run.Json.GetProperty("unpriced").GetInt64()));
        var row = (await CliRun.Of("export", "--home", home.Path)).JsonLines.Single();
        Assert.Equal((0, "known", 1_000_000), (row.GetProperty("cost_nanos").GetInt64(), row.GetProperty("certainty").GetString(), row.GetProperty("input_tokens").GetInt64()));
    }

    [Theory]
    [InlineData("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"m","cost":5,"currency":"EUR"}""", "\"cost\" is in EUR")]
    [InlineData("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"m","cost_nanos":5000000000000000000}""", "larger than any cost can be")]
    [InlineData("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"m","cost_usd":1000000001}""", "larger than any cost can be")]
    [InlineData("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"m","cost_usd":1,"saved_usd":1e25}""", "larger than any cost can be")]
    public async Task An_amount_that_would_be_booked_wrongly_is_refused(string line, string reason)
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput(line, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(run));
        Assert.Contains(reason, run.Json.GetProperty("rejections")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_ends_within_quotes_was_cut_off()
    {
        using var home = new TempHome();
        const string Table = "id,at,model,input_tokens,cost_usd,reason\n1,2026-11-20T10:00:00Z,m,1,0.25,\n2,2026-11-20T10:00:00Z,m,1,0.25,\"because";

        var beforehand = await CliRun.WithInput(Table, "import", "-", "--home", home.Path, "--dry-run");
        var run = await CliRun.WithInput(Table, "import", "-", "--home", home.Path);

        Assert.Equal((2, 2), (beforehand.Code, run.Code));
        Assert.Contains("the quotes of line 3 are never closed. 1 row before that would be recorded.", beforehand.Error, StringComparison.Ordinal);
        Assert.Contains("the quotes of line 3 are never closed. 1 row before that was recorded.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parquet_file_that_is_damaged_is_wrong_usage()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1m), SampleHome.Call("2026-11-20T11:00:00Z", 1m));
        using var files = new TempHome();
        using var other = new TempHome();
        var file = Path.Combine(files.Path, "calls.parquet");
        await CliRun.Of("export", "--home", home.Path, "--format", "parquet", "-o", file);
        var bytes = await File.ReadAllBytesAsync(file);
        var random = new Random(7);
        var damaged = new List<byte[]> { "PAR1"u8.ToArray(), "PAR1 is how it begins"u8.ToArray(), bytes[..(bytes.Length / 2)], bytes[..^4] };
        for (var i = 0; i < 60; i++)
        {
            var copy = bytes.ToArray();
            copy[random.Next(4, copy.Length - 4)] ^= (byte)random.Next(1, 256);
            damaged.Add(copy);
        }

        foreach (var content in damaged)
        {
            await File.WriteAllBytesAsync(file, content);
            var run = await CliRun.Of("import", file, "--home", other.Path, "--dry-run");
            Assert.True(run.Code is 0 or 1 or 2, run.Error);
        }
    }

    [Fact]
    public async Task Standard_input_is_read_once()
    {
        using var home = new TempHome();

        var run = await CliRun.WithInput("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"m","cost_usd":1}""", "import", "-", "-", "--home", home.Path);

        Assert.Equal(2, run.Code);
        Assert.Contains("Standard input", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_row_of_a_known_id_is_rejected_and_the_first_stays()
    {
        using var home = new TempHome();
        await CliRun.WithInput("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":10}""", "import", "-", "--home", home.Path);

        var run = await CliRun.WithInput("""{"id":"a","at":"2026-11-20T10:00:00Z","model":"gpt-4o","input_tokens":11}""", "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 0, 1), ExchangeHomes.Counts(run));
        Assert.Equal(10, (await CliRun.Of("export", "--home", home.Path)).JsonLines[0].GetProperty("input_tokens").GetInt64());
    }

    [Fact]
    public async Task An_older_export_of_a_call_that_was_corrected_since_is_known()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1.25m) with { Id = "a" });
        var before = await ExchangeHomes.ExportAsync(home.Path);
        await using (var costs = LlmCosts.Open(options => options.HomeDirectory = home.Path))
        {
            await costs.Store.AdjustAsync("a", CallCost.Known(Money.FromUsd(1m)), "tokenizer");
        }

        var run = await CliRun.WithInput(before, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((0, 1, 0), ExchangeHomes.Counts(run));
        Assert.Equal(1_000_000_000, (await CliRun.Of("export", "--home", home.Path)).JsonLines[0].GetProperty("cost_nanos").GetInt64());
    }

    /// <summary>The decision in docs/decisions/imported-rows.md: the rows are in the ledger, so a window that covers them counts them, and it is said.</summary>
    [Fact]
    public async Task Imported_spending_counts_in_the_window_of_its_own_day_and_its_thresholds_are_left_to_the_application()
    {
        using var home = await SampleHome.CreateAsync(options => options.Budgets.Add(Budget.Daily(1m).Named("day")), SampleHome.Call("2026-11-22T10:00:00Z", 0.25m));
        const string Lines = """{"id":"today","at":"2026-11-22T11:00:00Z","model":"m","cost_usd":0.65}""" + "\n" + """{"id":"long ago","at":"2026-01-01T11:00:00Z","model":"m","cost_usd":100}""";

        var run = await CliRun.WithInput(Lines, "import", "-", "--home", home.Path, "--json");

        Assert.Equal((2, 0, 0), ExchangeHomes.Counts(run));
        var shifted = Assert.Single(run.Json.GetProperty("budgets").EnumerateArray());
        Assert.Equal(("day", "0.25", "0.90"), (shifted.GetProperty("budget").GetString(), Digits(shifted, "before"), Digits(shifted, "after")));
        await ExchangeHomes.VerifyAsync(home.Path);

        var crossings = new List<BudgetCrossing>();
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home.Path;
            options.TimeProvider = CacheHome.Clock;
            options.Budgets.Add(Budget.Daily(1m).Named("day"));
        });
        var tell = costs.Store.Crossed;
        costs.Store.Crossed = some => crossings.AddRange(some);
        await costs.Store.AppendAsync(SampleHome.Call("2026-11-22T12:00:00Z", 0.01m));
        await costs.FlushAsync();
        costs.Store.Crossed = tell;
        Assert.Contains(crossings, static crossing => crossing.Window.Budget.Name == "day");

        static string Digits(System.Text.Json.JsonElement shift, string name) => new([.. shift.GetProperty(name).GetString()!.Where(static symbol => char.IsAsciiDigit(symbol) || symbol == '.')]);
    }

    [Fact]
    public async Task A_file_of_another_kind_is_wrong_usage()
    {
        using var home = new TempHome();
        using var files = new TempHome();
        var file = ExchangeHomes.Write(files, "x.csv", "a,b\n1,2\n");

        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("import", file, "--home", home.Path)).Code);
        Assert.Equal(ExitCode.WrongUsage, (await CliRun.Of("import", Path.Combine(files.Path, "missing"), "--home", home.Path)).Code);
        Assert.False(File.Exists(Path.Combine(home.Path, "ledger.db")));
    }
}
