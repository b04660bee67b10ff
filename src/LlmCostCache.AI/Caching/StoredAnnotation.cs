using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A citation or other note on a <see cref="StoredContent"/>.</summary>
internal sealed record StoredAnnotation
{
    public bool IsCitation { get; init; }

    public string? Title { get; init; }

    public string? Url { get; init; }

    public string? FileId { get; init; }

    public string? ToolName { get; init; }

    public string? Snippet { get; init; }

    /// <summary>Spans of text; null when the annotation had no list of regions.</summary>
    public IReadOnlyList<(int? Start, int? End)>? Regions { get; init; }

    public StoredProperties Properties { get; init; } = StoredProperties.None;

    /// <summary>The annotations of a content; null when one of them cannot be copied faithfully.</summary>
    public static IReadOnlyList<StoredAnnotation>? TryCopy(IList<AIAnnotation>? annotations)
    {
        if (annotations is null or { Count: 0 })
            return [];

        var copies = new List<StoredAnnotation>(annotations.Count);
        foreach (var annotation in annotations)
        {
            var citation = annotation as CitationAnnotation;
            if (annotation is null || (annotation.GetType() != typeof(CitationAnnotation) && annotation.GetType() != typeof(AIAnnotation)))
                return null;

            List<(int?, int?)>? regions = null;
            if (annotation.AnnotatedRegions is { } originals)
            {
                regions = [];
                foreach (var region in originals)
                {
                    if (region is not TextSpanAnnotatedRegion span)
                        return null;

                    regions.Add((span.StartIndex, span.EndIndex));
                }
            }

            copies.Add(new StoredAnnotation
            {
                IsCitation = citation is not null,
                Title = citation?.Title,
                Url = citation?.Url?.OriginalString,
                FileId = citation?.FileId,
                ToolName = citation?.ToolName,
                Snippet = citation?.Snippet,
                Regions = regions,
                Properties = StoredProperties.Copy(annotation.AdditionalProperties),
            });
        }

        return copies;
    }

    public AIAnnotation ToAnnotation()
    {
        var annotation = !IsCitation ? new AIAnnotation() : new CitationAnnotation
        {
            Title = Title,
            Url = Url is null ? null : new Uri(Url, UriKind.RelativeOrAbsolute),
            FileId = FileId,
            ToolName = ToolName,
            Snippet = Snippet,
        };
        annotation.AnnotatedRegions = Regions is null ? null
            : [.. Regions.Select(r => new TextSpanAnnotatedRegion { StartIndex = r.Start, EndIndex = r.End })];
        annotation.AdditionalProperties = Properties.ToDictionary();
        return annotation;
    }

    public long SizeInMemory() => 150 + StoredAnswer.Chars(Title) + StoredAnswer.Chars(Url) + StoredAnswer.Chars(FileId)
        + StoredAnswer.Chars(ToolName) + StoredAnswer.Chars(Snippet) + (24L * (Regions?.Count ?? 0)) + Properties.SizeInMemory();
}
