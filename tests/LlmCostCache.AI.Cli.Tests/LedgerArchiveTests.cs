namespace LlmCostCache.AI.Cli.Tests;

/// <summary><c>llmcost ledger archive</c>, beside what reads the files afterwards.</summary>
public class LedgerArchiveTests
{
    [Fact]
    public async Task A_dry_run_says_what_would_move_and_moves_nothing()
    {
        using var home = await HomeAsync();

        var run = await CliRun.Of("ledger", "archive", "--dry-run", "--home", home.Path);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(["archive/ledger-2026-06.db: 2 rows would be moved, 1 to 2.", "archive/ledger-2026-07.db: 1 row would be moved, 3 to 3."], run.Lines);
        Assert.False(Directory.Exists(Path.Combine(home.Path, "archive")));
    }

    [Fact]
    public async Task Archived_months_are_in_reports_exports_checks_and_statistics_as_before()
    {
        using var home = await HomeAsync();
        string[][] questions = [["report", "--by", "month"], ["report", "--by", "session"], ["export"], ["reprice", "--by", "model"], ["ledger", "verify"]];
        var before = await AnswersAsync(questions, home);

        var run = await CliRun.Of("ledger", "archive", "--before", "2026-10", "--yes", "--json", "--home", home.Path);

        Assert.Equal(0, run.Code);
        Assert.Equal("ledger-archive/1", run.Json.GetProperty("schema").GetString());
        Assert.Equal(["archive/ledger-2026-06.db", "archive/ledger-2026-07.db", "archive/ledger-2026-09.db"], run.Json.GetProperty("archives").EnumerateArray().Select(archive => archive.GetProperty("file").GetString()));
        Assert.Contains("llmcost: ledger-2026-06.db: 2 of 2 rows copied", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, await AnswersAsync(questions, home));
        var stats = (await CliRun.Of("ledger", "stats", "--json", "--home", home.Path)).Json;
        Assert.Equal((1, 3), (stats.GetProperty("rows").GetInt32(), stats.GetProperty("archives").GetArrayLength()));
        Assert.Equal("2026-06-02T00:00:00Z", stats.GetProperty("oldest").GetString());
    }

    [Fact]
    public async Task It_asks_and_takes_no_for_an_answer()
    {
        using var home = await HomeAsync();

        var unasked = await CliRun.Of("ledger", "archive", "--home", home.Path);
        var no = await CliRun.Answering("n", "ledger", "archive", "--home", home.Path);
        var yes = await CliRun.Answering("y", "ledger", "archive", "--home", home.Path);

        Assert.Equal((2, 0, 0), (unasked.Code, no.Code, yes.Code));
        Assert.Contains("This moves 3 rows from before 2026-08 out of ledger.db into", unasked.Error, StringComparison.Ordinal);
        Assert.Equal("Nothing was archived.\n", no.Output);
        Assert.StartsWith("archive/ledger-2026-06.db: 2 rows, ", yes.Output, StringComparison.Ordinal);
        Assert.Equal("Nothing from before 2026-08 is to be archived.\n", (await CliRun.Of("ledger", "archive", "--home", home.Path)).Output);
    }

    [Fact]
    public async Task A_missing_archive_is_named_by_verify_with_exit_code_1()
    {
        using var home = await HomeAsync();
        await CliRun.Of("ledger", "archive", "--yes", "--home", home.Path);
        File.Delete(Path.Combine(home.Path, "archive", "ledger-2026-07.db"));

        var verify = await CliRun.Of("ledger", "verify", "--json", "--home", home.Path);
        var export = await CliRun.Of("export", "--home", home.Path);

        var problem = Assert.Single(verify.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal((1, "archive_missing", 3), (verify.Code, problem.GetProperty("kind").GetString(), problem.GetProperty("sequence").GetInt32()));
        Assert.Contains("ledger-2026-07.db' is missing. It holds rows 3 to 3 of the ledger; put it back", problem.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(3, export.Code);
        Assert.Equal(0, (await CliRun.Of("report", "--by", "month", "--home", home.Path)).Code);
    }

    [Fact]
    public async Task Old_rows_behind_later_ones_stay_and_it_says_until_when()
    {
        using var home = await SampleHome.CreateAsync(
            null, SampleHome.Call("2026-06-02", 1m), SampleHome.Call("2026-10-21", 16m), SampleHome.Call("2026-06-03", 2m), SampleHome.Call("2026-09-03", 2m), SampleHome.Call("2026-11-21", 16m));

        var run = await CliRun.Of("ledger", "archive", "--yes", "--home", home.Path);
        var again = await CliRun.Of("ledger", "archive", "--yes", "--home", home.Path);

        const string Why = "1 row from before 2026-08 stays, written behind rows of 2026-10 (an import or a merge brings such). "
            + "Rows move in the order in which they were written, so these move when 2026-10 does: with --before 2026-11, once that month is over.";
        Assert.Equal((0, 0), (run.Code, again.Code));
        Assert.StartsWith("archive/ledger-2026-06.db: 1 row, ", run.Output, StringComparison.Ordinal);
        Assert.Contains(Why, run.Lines);
        Assert.Equal(["Nothing from before 2026-08 can be archived now.", Why], again.Lines);
        Assert.Equal(3, (await CliRun.Of("ledger", "archive", "--before", "2026-11", "--yes", "--json", "--home", home.Path)).Json.GetProperty("archives").EnumerateArray().Sum(file => file.GetProperty("rows").GetInt32()));
    }

    [Theory]
    [InlineData("--before", "2026-13")]
    [InlineData("--before", "2026-12")]
    [InlineData("--before", "last month")]
    [InlineData("--keep", "-1")]
    [InlineData("--keep", "3", "--before", "2026-08")]
    public async Task Months_that_are_none_are_wrong_usage(params string[] options)
    {
        using var home = await HomeAsync();

        Assert.Equal(2, (await CliRun.Of(["ledger", "archive", "--yes", "--home", home.Path, .. options])).Code);
    }

    [Fact]
    public async Task A_home_without_a_ledger_is_an_error_and_stays_empty()
    {
        using var home = new TempHome();

        Assert.Equal(3, (await CliRun.Of("ledger", "archive", "--yes", "--home", home.Path)).Code);
        Assert.False(Directory.Exists(Path.Combine(home.Path, "archive")));
    }

    private static async Task<List<string>> AnswersAsync(string[][] questions, SampleHome home)
    {
        var answers = new List<string>();
        foreach (var question in questions)
        {
            var run = await CliRun.Of([.. question, "--home", home.Path]);
            Assert.Equal(0, run.Code);
            answers.Add(run.Output);
        }

        return answers;
    }

    private static Task<SampleHome> HomeAsync() => SampleHome.CreateAsync(
        null,
        SampleHome.Call("2026-06-02", 1m), SampleHome.Call("2026-06-30T23:59:00Z", 2m, user: "alice"), SampleHome.Call("2026-07-15", 4m, "gpt-4o-mini"), SampleHome.Call("2026-09-15", 8m), SampleHome.Call("2026-11-21", 16m));
}
