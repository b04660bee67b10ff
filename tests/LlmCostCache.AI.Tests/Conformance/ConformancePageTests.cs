using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Tests;

/// <summary>The score in <c>docs/accuracy.md</c> is what the cases say. With UPDATE_DOCS=1 the test writes it there instead.</summary>
public partial class ConformancePageTests
{
    [Fact]
    public async Task The_page_shows_the_score_of_the_cases_there_are()
    {
        var file = Path.Combine(Repository.Root, "docs", "accuracy.md");
        var text = (await File.ReadAllTextAsync(file)).ReplaceLineEndings("\n");
        Assert.True(Score().IsMatch(text), "docs/accuracy.md has no place for the score.");
        var written = Score().Replace(text, _ => Table());
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(file, written);
        }
        else
        {
            Assert.Equal(written, text);
        }
    }

    [Fact]
    public void Every_adapter_with_cases_is_described_and_none_else() =>
        Assert.Equal(ConformanceAdapters.Described.Keys, ConformanceCase.All.Values.Select(test => test.Adapter).Distinct().Order(StringComparer.Ordinal));

    private static string Table()
    {
        var text = new StringBuilder("| provider | run through | cases | exact | bounded | no price |\n|---|---|--:|--:|--:|--:|\n");
        foreach (var (adapter, (provider, client)) in ConformanceAdapters.Described.OrderBy(pair => pair.Value.Provider, StringComparer.Ordinal))
        {
            AppendRow(text, provider, client, [.. ConformanceCase.All.Values.Where(test => test.Adapter == adapter)]);
        }

        AppendRow(text, "**all**", "", [.. ConformanceCase.All.Values]);
        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, string provider, string client, IReadOnlyList<ConformanceCase> cases)
    {
        text.Append(CultureInfo.InvariantCulture, $"| {provider} | {client} | {cases.Count} | {Right(CostCertainty.Known)} | {Right(CostCertainty.Bounded)} | {Right(CostCertainty.Unknown)} |\n");

        int Right(CostCertainty certainty) => cases.Count(test => test.Expected.Certainty == certainty);
    }

    [GeneratedRegex("(?<=<!-- score -->\n).*?(?=<!-- end -->)", RegexOptions.Singleline)]
    private static partial Regex Score();
}
