namespace LlmCostCache.AI;

/// <summary>The forms under which a reported name may be listed, the reported one first.</summary>
internal sealed class ModelName
{
    private const int MaxPrefixes = 3;

    private ModelName(List<string> forms, List<string> undatedForms, bool isFineTune) =>
        (Forms, UndatedForms, IsFineTune) = (forms, undatedForms, isFineTune);

    /// <summary>The name as reported, then without prefixes.</summary>
    public IReadOnlyList<string> Forms { get; }

    /// <summary>The forms without the dates and versions at their ends.</summary>
    public IReadOnlyList<string> UndatedForms { get; }

    /// <summary>Whether the name is that of a fine-tuned model, which costs more than its base.</summary>
    public bool IsFineTune { get; }

    public static ModelName Of(string reported, NamePatterns patterns)
    {
        var name = reported.Trim();
        if (name.StartsWith("arn:", StringComparison.OrdinalIgnoreCase))
        {
            name = name[(name.LastIndexOf('/') + 1)..];
        }

        List<string> forms = [name];
        var fineTune = name.StartsWith("ft:", StringComparison.OrdinalIgnoreCase);
        if (fineTune)
        {
            // ft:gpt-4o-mini-2024-07-18:my-org::id is listed, if at all, as ft:gpt-4o-mini-2024-07-18
            var end = name.IndexOf(':', 3);
            if (end > 0)
            {
                forms.Add(name[..end]);
            }
        }
        else
        {
            var bare = name;
            for (var i = 0; i < MaxPrefixes && patterns.WithoutPrefix(bare) is { } shorter; i++)
            {
                forms.Add(bare = shorter);
            }
        }

        // Vertex writes claude-sonnet-4@20250514 where the vendor writes claude-sonnet-4-20250514.
        forms.AddRange(forms.Where(form => form.Contains('@', StringComparison.Ordinal)).Select(form => form.Replace('@', '-')).ToArray());

        List<string> undated = [];
        foreach (var form in forms)
        {
            for (var rest = patterns.WithoutDate(form); rest is not null; rest = patterns.WithoutDate(rest))
            {
                undated.Add(rest);
            }
        }

        return new(forms, undated, fineTune);
    }
}
