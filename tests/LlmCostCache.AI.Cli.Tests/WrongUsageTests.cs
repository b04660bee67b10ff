namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What is said to somebody who mistyped: what is wrong, in words of theirs, and what to write instead.</summary>
public class WrongUsageTests
{
    [Theory]
    [InlineData("import", "{0}")]
    [InlineData("record", "--jsonl", "{0}")]
    [InlineData("estimate", "{0}", "--model", "gpt-4o")]
    [InlineData("prices", "diff", "{0}", "{0}")]
    [InlineData("cache", "import", "{0}")]
    [InlineData("cache", "why-miss", "{0}")]
    [InlineData("export", "-o", "{0}")]
    public async Task A_directory_in_the_place_of_a_file_is_called_one(params string[] args)
    {
        using var files = new TempHome();
        using var cache = await CacheHome.WithAnswersAsync();

        var run = await CliRun.Of([.. args.Select(arg => arg.Replace("{0}", files.Path, StringComparison.Ordinal)), "--home", cache.Path]);

        Assert.Equal((ExitCode.WrongUsage, $"llmcost: '{files.Path}' is a directory; name a file in it."), (run.Code, run.Error.Split(Environment.NewLine)[0]));
    }

    [Theory]
    [InlineData("estimate", "--model", "gpt-4o")]
    [InlineData("price", "--jsonl")]
    [InlineData("import", "-")]
    [InlineData("record", "--jsonl", "-")]
    [InlineData("prices", "check", "-")]
    [InlineData("prices", "import", "-")]
    [InlineData("cache", "import", "-")]
    [InlineData("cache", "why-miss", "-")]
    [InlineData("simulate", "-")]
    public async Task Input_that_cannot_be_read_is_not_told_as_output_that_cannot_be_written(params string[] args)
    {
        using var home = new TempHome();
        using var input = new BrokenInput("");

        var run = await CliRun.WithStream(input, null, [.. args, "--home", home.Path]);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains("standard input", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("written", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--top 'x' is not a whole number, or too large.", "report", "--top", "x")]
    [InlineData("--keep '1.5' is not a whole number, or too large.", "ledger", "archive", "--keep", "1.5")]
    [InlineData("--rows '99999999999' is not a whole number, or too large.", "ledger", "tail", "--rows", "99999999999")]
    [InlineData("--calls-per-month 'many' is not a whole number, or too large.", "share", "--calls-per-month", "many")]
    [InlineData("--input '1e3' is not a whole number, or too large.", "price", "gpt-4o", "--input", "1e3")]
    public async Task A_number_that_is_none_is_told_in_words_and_not_in_types(string told, params string[] args)
    {
        var run = await CliRun.Of(args);

        Assert.Equal((ExitCode.WrongUsage, $"llmcost: {told}"), (run.Code, run.Error.Split(Environment.NewLine)[0]));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_called_by_its_name()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1m));
        var file = Path.Combine(home.Path, "no-such-directory", "calls.csv");

        var run = await CliRun.Of("export", "--home", home.Path, "-o", file);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains($"'{file}' cannot be written", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(".part", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("report")]
    [InlineData("record", "--model", "gpt-4o", "--input", "3")]
    [InlineData("ledger", "stats")]
    [InlineData("doctor")]
    [InlineData("cache", "stats")]
    public async Task A_home_that_is_a_file_is_refused_and_not_taken_for_an_empty_one(params string[] args)
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1m));

        var run = await CliRun.Of([.. args, "--home", home.LedgerFile]);

        Assert.Equal((ExitCode.WrongUsage, ""), (run.Code, run.Output));
        Assert.StartsWith($"llmcost: The home '{home.LedgerFile}' is a file. Name the directory in which ledger.db lies: '{home.Path}'.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_line_of_a_home_that_is_a_file_stays_empty()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1m));

        var run = await CliRun.Of("statusline", "--quiet", "--home", home.LedgerFile);

        Assert.Equal((0, "\n", ""), (run.Code, run.Output, run.Error));
    }

    [Fact]
    public async Task A_merge_with_what_is_not_there_says_what_is_meant()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-22T10:00:00Z", 1m));
        using var empty = new TempHome();
        var nothing = Path.Combine(empty.Path, "nothing");

        var missing = await CliRun.Of("merge", nothing, "--home", home.Path);
        var without = await CliRun.Of("merge", empty.Path, "--home", home.Path);

        Assert.Equal((ExitCode.StoreUnusable, ExitCode.StoreUnusable), (missing.Code, without.Code));
        Assert.StartsWith($"llmcost: '{nothing}' does not exist; name the other home directory, or its ledger.db.", missing.Error, StringComparison.Ordinal);
        Assert.StartsWith($"llmcost: '{empty.Path}' has no ledger.db; name the other home directory, or its ledger.db.", without.Error, StringComparison.Ordinal);
    }
}
