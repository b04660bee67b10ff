using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>What the commands show in a terminal of 80 columns, kept as files that somebody has read.</summary>
public class NarrowTests
{
    private const int Columns = 80;

    [Theory]
    [InlineData("overview/80.txt")]
    [InlineData("savings/80.txt", "savings", "--last", "30d")]
    [InlineData("forecast/80.txt", "forecast")]
    [InlineData("blocks/80.txt", "blocks", "--last", "7d")]
    [InlineData("whatif/80.txt", "whatif", "--model", "gpt-4o-mini", "--price-per-hour", "0.05", "--tokens-per-second", "100")]
    [InlineData("doctor/80.txt", "doctor")]
    [InlineData("share/80.txt", "share", "--calls-per-month", "10000")]
    [InlineData("watch/80.txt", "watch", "--once")]
    public async Task What_is_shown_fits_eighty_columns(string expected, params string[] command)
    {
        using var home = await ReportSample.CreateAsync();

        var run = await CliRun.AtWidth(Columns, [.. command, "--home", home.Path]);

        Assert.True(run.Code is ExitCode.Done or ExitCode.Found, run.Error);
        if (command is not ["share", ..])
        {
            Assert.All(run.Lines, line => Assert.True(line.TrimEnd().Length <= Columns, line));
        }

        ExpectedFile.Check(run.Output, expected, [(home.Path, "HOME")]);
    }

    [Theory]
    [InlineData]
    [InlineData("report", "model")]
    [InlineData("report", "daily", "--last", "7d", "--compare")]
    [InlineData("report", "--by", "user,model")]
    [InlineData("report", "--by", "user,model", "--last", "7d", "--compare")]
    [InlineData("savings", "--last", "30d")]
    [InlineData("forecast")]
    [InlineData("blocks", "--last", "7d")]
    [InlineData("whatif", "--model", "gpt-4o-mini")]
    [InlineData("watch", "--once")]
    public async Task Forty_columns_show_no_amount_that_is_not_there(params string[] command)
    {
        using var home = await ReportSample.CreateAsync();

        var wide = await CliRun.Of([.. command, "--home", home.Path]);
        var narrow = await CliRun.AtWidth(40, [.. command, "--home", home.Path]);

        var amounts = AmountsIn(wide.Output);
        Assert.NotEmpty(amounts);
        Assert.All(AmountsIn(narrow.Output), amount => Assert.Contains(amount, amounts));
    }

    [Fact]
    public async Task Two_long_names_leave_amounts_whole()
    {
        using var home = await SampleHome.CreateAsync(null, SampleHome.Call("2026-11-20T10:00:00Z", 1_234.567891m, new string('m', 70), new string('u', 60)));

        var run = await CliRun.AtWidth(80, "report", "--by", "user,model", "--home", home.Path);

        Assert.Equal(["$1,234.567891"], AmountsIn(run.Output).Where(amount => amount.StartsWith("$1", StringComparison.Ordinal)));
        Assert.All(run.Lines, line => Assert.True(line.TrimEnd().Length <= 80, line));
    }

    private static HashSet<string> AmountsIn(string text) => [.. Regex.Matches(text, @"\$[0-9.,]*[0-9]").Select(amount => amount.Value)];
}
