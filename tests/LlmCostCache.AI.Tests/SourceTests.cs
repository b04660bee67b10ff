using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace LlmCostCache.AI.Tests;

/// <summary>Rules that no compiler checks.</summary>
public partial class SourceTests
{
    [Theory]
    [InlineData("Pricing")]
    [InlineData("Metering")]
    [InlineData("Budgets")]
    [InlineData("Ledger")]
    [InlineData("Savings")]
    [InlineData("Money.cs")]
    [InlineData("CallCost.cs")]
    public void No_binary_fraction_meets_an_amount(string part)
    {
        var path = Path.Combine(Repository.Root, "src", "LlmCostCache.AI", part);
        var files = File.Exists(path) ? [path] : Repository.Sources("src", "LlmCostCache.AI", part);
        var offences = files.SelectMany(file => File.ReadLines(file).Select((line, i) => (File: Path.GetFileName(file), Line: i + 1, Code: Code(line))))
            .Where(line => BinaryFraction().IsMatch(line.Code)).Select(line => $"{line.File}:{line.Line}");
        Assert.Empty(offences);
    }

    [Fact]
    public void Project_references_point_at_the_core_and_never_back()
    {
        string[] projects = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)];
        Assert.NotEmpty(projects);
        foreach (var project in projects)
        {
            var references = XDocument.Load(project).Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!)).ToList();
            if (Path.GetFileNameWithoutExtension(project) == "LlmCostCache.AI")
            {
                Assert.Empty(references);
            }
            else
            {
                Assert.All(references, reference => Assert.Equal("LlmCostCache.AI", reference));
            }
        }
    }

    [Fact]
    public void No_writer_opens_a_deferred_transaction() =>
        Assert.DoesNotContain(Repository.Sources("src"), file => DeferredTransaction().IsMatch(string.Join('\n', File.ReadLines(file).Select(Code))));

    [Fact]
    public void Released_schema_steps_are_numbered_without_a_gap()
    {
        var steps = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "LlmCostCache.AI", "Sqlite", "Schema"), "ledger-*.sql").Select(Path.GetFileName).Order().ToList();
        Assert.Equal(Enumerable.Range(1, steps.Count).Select(i => $"ledger-{i:000}.sql"), steps);
    }

    // Rules are about code; what a comment says about a double is allowed.
    private static string Code(string line) => line.TrimStart().StartsWith("//", StringComparison.Ordinal) ? "" : line.Split(" // ")[0];

    [GeneratedRegex(@"\b(double|float|Half)\b")]
    private static partial Regex BinaryFraction();

    [GeneratedRegex(@"deferred:\s*true|BEGIN\s+DEFERRED", RegexOptions.IgnoreCase)]
    private static partial Regex DeferredTransaction();
}
