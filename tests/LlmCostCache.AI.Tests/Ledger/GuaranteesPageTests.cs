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

    [GeneratedRegex(@"FullyQualifiedName~(\w+)")]
    private static partial Regex Name();
}
