using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Cli.Tests;

public partial class InsightReferenceTests
{
    [Fact]
    public async Task The_page_on_insight_names_every_field_of_its_json()
    {
        var folder = Path.Combine(Repository(), "docs", "reference");
        var reference = await File.ReadAllTextAsync(Path.Combine(folder, "insight.md"));
        var totals = await File.ReadAllTextAsync(Path.Combine(folder, "cli.md")) + await File.ReadAllTextAsync(Path.Combine(folder, "json.md"));
        using var home = await SampleHome.CreateAsync(
            options => options.Budgets.Add(Budget.Daily(1m)), SampleHome.Call("2026-11-12T10:00:00Z", 1m), SampleHome.Call("2026-11-22T15:10:00Z", 1.25m), SampleHome.Unpriced("2026-11-22T15:20:00Z"));
        CliRun[] runs =
        [
            await CliRun.Of("savings", "--home", home.Path, "--json"),
            await CliRun.Of("share", "--home", home.Path, "--json"),
            await CliRun.Of("statusline", "--home", home.Path, "--json"),
            await CliRun.Of("blocks", "--home", home.Path, "--json"),
            await CliRun.Of("watch", "--once", "--home", home.Path, "--json"),
            await CliRun.Of("forecast", "--home", home.Path, "--json"),
            await CliRun.Of("whatif", "--model", "gpt-4o-mini", "--price-per-hour", "1", "--tokens-per-second", "1", "--home", home.Path, "--json"),
            await CliRun.Of("doctor", "--home", home.Path, "--json"),
            await CliRun.WithInput("t_ms,input_tokens,output_tokens\n0,1,1\n0,1\n", "simulate", "-", "--model", "gpt-4o", "--budget", "1 --period day", "--json"),
            await CliRun.Of("simulate", "trace", "--days", "1", "-o", Path.Combine(home.Path, "trace.jsonl"), "--json"),
            await CliRun.Of("simulate", "ledger", "--days", "1", "--calls-per-day", "5", "--into", Path.Combine(home.Path, "trial"), "--json"),
        ];

        var fields = runs.SelectMany(run => Field().Matches(run.Output)).Select(match => match.Groups[1].Value).Distinct().ToList();

        Assert.True(fields.Count > 60);
        Assert.DoesNotContain(fields, field => !reference.Contains($"`{field}`", StringComparison.Ordinal) && !totals.Contains($"`{field}`", StringComparison.Ordinal));
        Assert.All(runs, run => Assert.Contains($"`{run.Json.GetProperty("schema").GetString()}`", reference, StringComparison.Ordinal));
    }

    private static string Repository()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "LlmCostCache.AI.sln")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        return directory;
    }

    [GeneratedRegex("\"([a-z_0-9]+)\": ")]
    private static partial Regex Field();
}
