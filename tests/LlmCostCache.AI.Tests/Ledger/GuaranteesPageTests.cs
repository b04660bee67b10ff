using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Tests;

/// <summary>The page that promises names the tests that hold it up: they must be there.</summary>
public partial class GuaranteesPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "guarantees.md"));

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var classes = typeof(GuaranteesPageTests).Assembly.GetTypes().Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal)).Select(type => type.Name).ToHashSet();
        var named = Name().Matches(s_page).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.InRange(named.Count, 20, 200);
        Assert.Empty(named.Except(classes));
    }

    [Fact]
    public void The_number_of_planted_bugs_is_the_one_on_the_page() => Assert.Contains(PlantedFault.All.Count switch
    {
        26 => "Twenty-six bugs",
        var count => $"{count} bugs",
    }, s_page, StringComparison.Ordinal);

    [Fact]
    public void Every_case_has_a_line_and_every_test_of_it_exists()
    {
        var lines = s_page.Split('\n').Where(line => line.StartsWith("| S-", StringComparison.Ordinal) || line.StartsWith("| M-", StringComparison.Ordinal)).ToList();
        Assert.Equal([.. Enumerable.Range(1, 25).Select(i => $"S-{i}"), .. Enumerable.Range(1, 40).Select(i => $"M-{i}")], lines.Select(line => line.Split('|')[1].Trim()));

        var tests = typeof(GuaranteesPageTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods().Where(method => method.IsDefined(typeof(FactAttribute), inherit: true)).Select(method => $"{type.Name}.{method.Name}")).ToHashSet();
        var named = lines.SelectMany(line => Test().Matches(line).Select(match => match.Groups[1].Value)).ToList();
        Assert.InRange(named.Count, 60, 200);
        Assert.Empty(named.Except(tests));
    }

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex Test();

    [GeneratedRegex(@"FullyQualifiedName~(\w+)")]
    private static partial Regex Name();
}
