namespace LlmCostCache.AI.Benchmarks;

/// <summary>A page of Markdown with places for tables, each between two comments.</summary>
internal sealed class ResultPage(string path)
{
    public void Put(string name, string table)
    {
        var (begin, end) = ($"<!-- {name} -->", $"<!-- end of {name} -->");
        var text = File.Exists(path) ? File.ReadAllText(path) : "# Benchmarks\n";
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        var to = text.IndexOf(end, StringComparison.Ordinal);
        text = from >= 0 && to > from
            ? $"{text[..from]}{begin}\n{table}{text[to..]}"
            : $"{text.TrimEnd()}\n\n## {name}\n\n{begin}\n{table}{end}\n";
        File.WriteAllText(path, text);
    }
}
