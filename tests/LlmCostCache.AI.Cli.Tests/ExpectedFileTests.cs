using Xunit.Sdk;

namespace LlmCostCache.AI.Cli.Tests;

public class ExpectedFileTests
{
    [Fact]
    public async Task The_first_lines_of_an_export_are_as_expected()
    {
        var call = SampleHome.Call("2026-11-20T10:00:00Z", 1.25m, user: "alice") with { Id = "call-1" };
        using var home = await SampleHome.CreateAsync(null, call);

        ExpectedFile.Check((await CliRun.Of("export", "--home", home.Path, "--format", "csv")).Output, "export/one-call.csv");
    }

    [Theory]
    [InlineData("a\nb\n", "a\nc\n", "Line 2", "'b'", "'c'")]
    [InlineData("a\n", "a", "Line 2", "''", "(the end)")]
    [InlineData("a", "a ", "Line 1", "'a'", "'a '")]
    public void A_difference_names_its_line(string expected, string actual, params string[] told)
    {
        var failure = Assert.Throws<FailException>(() => ExpectedFile.Compare(expected, actual, "x.txt"));

        Assert.All(told, words => Assert.Contains(words, failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_missing_is_a_failure() => Assert.Throws<FailException>(() => ExpectedFile.Compare(null, "", "no/such.txt"));
}
