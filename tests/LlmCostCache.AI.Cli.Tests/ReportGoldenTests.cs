namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Whole outputs over a ledger that a person can add up (<see cref="ReportSample"/>), each checked by hand.</summary>
public class ReportGoldenTests
{
    [Theory]
    [InlineData("overview/wide.txt", 120)]
    [InlineData("overview/narrow.txt", 80)]
    [InlineData("overview/narrower.txt", 50)]
    [InlineData("report/daily-120.txt", 120, "report", "daily", "--last", "7d", "--compare")]
    [InlineData("report/daily-80.txt", 80, "report", "daily", "--last", "7d", "--compare")]
    [InlineData("report/daily-all-120.txt", 120, "report", "daily")]
    [InlineData("report/breakdown-120.txt", 120, "report", "weekly", "--breakdown")]
    [InlineData("report/users-compared-120.txt", 120, "report", "user", "--since", "2026-11-16", "--until", "2026-11-23", "--compare")]
    [InlineData("report/compact-120.txt", 120, "report", "model", "--top", "2", "--compact")]
    [InlineData("report/session-120.txt", 120, "report", "--by", "session,agent", "--latency")]
    public async Task A_table_in_a_terminal(string expected, int width, params string[] args)
    {
        using var home = await ReportSample.CreateAsync();

        var run = await CliRun.AtWidth(width, [.. args, "--home", home.Path]);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.All(run.Lines, line => Assert.True(line.TrimEnd().Length <= width, $"'{line}' is wider than {width}"));
        ExpectedFile.Check(run.Output, expected);
    }

    [Theory]
    [InlineData("overview/plain.txt")]
    [InlineData("overview/all.json", "--json")]
    [InlineData("report/daily-plain.txt", "report", "daily", "--last", "7d", "--compare")]
    [InlineData("report/user-plain.txt", "report", "user")]
    [InlineData("report/model.json", "report", "model", "--json")]
    [InlineData("report/daily-breakdown.json", "report", "daily", "--breakdown", "--last", "3d", "--compare", "--latency", "--json")]
    [InlineData("report/top.json", "report", "user", "--top", "1", "--json")]
    [InlineData("report/user-model.csv", "report", "--by", "user,model", "--csv")]
    [InlineData("report/compared.csv", "report", "daily", "--last", "3d", "--compare", "--csv")]
    [InlineData("report/user-model.md", "report", "--by", "user,model", "--markdown")]
    [InlineData("report/weekly.md", "report", "weekly", "--breakdown", "--markdown")]
    [InlineData("report/month.html", "report", "daily", "--since", "2026-11-01", "--until", "2026-12-01", "--compare", "--html")]
    [InlineData("report/all.html", "report", "--by", "user,model", "--html")]
    public async Task Text_for_a_pipe(string expected, params string[] args)
    {
        using var home = await ReportSample.CreateAsync();

        var run = await CliRun.Of([.. args, "--home", home.Path]);

        Assert.Equal((0, ""), (run.Code, run.Error));
        ExpectedFile.Check(run.Output, expected);
    }

    [Theory]
    [InlineData("report/one-row.txt", "report", "daily")]
    [InlineData("report/one-row.html", "report", "model", "--html")]
    public async Task One_row(string expected, params string[] args)
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 0.000_000_4m));

        ExpectedFile.Check((await CliRun.AtWidth(120, [.. args, "--home", home.Path])).Output, expected);
    }

    [Theory]
    [InlineData("report/no-row.txt")]
    [InlineData("report/no-row.json", "--json")]
    [InlineData("report/no-row.csv", "--csv")]
    [InlineData("report/no-row.md", "--markdown")]
    [InlineData("report/no-row.html", "--html")]
    public async Task No_row(string expected, params string[] format)
    {
        using var home = await SampleHome.CreateAsync(null);

        ExpectedFile.Check((await CliRun.Of(["report", "daily", "--since", "2026-11-21", "--until", "2026-11-23", "--home", home.Path, .. format])).Output, expected);
    }

    [Fact]
    public async Task An_empty_home_says_what_to_do_first()
    {
        using var home = new TempHome();

        var run = await CliRun.AtWidth(80, "--home", home.Path);

        ExpectedFile.Check(run.Output, "overview/empty.txt", [(home.Path, "HOME")]);
    }
}
