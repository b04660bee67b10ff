using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes what contents are annotated with.</summary>
internal sealed class CanonicalAnnotations(CanonicalWriter writer, CanonicalValues values)
{
    private readonly CanonicalWriter _out = writer;
    private readonly CanonicalValues _values = values;

    public void Write(IList<AIAnnotation>? annotations)
    {
        if (annotations is null or { Count: 0 })
            return;

        _out.Byte(0x0D);
        for (var i = 0; i < annotations.Count; i++)
        {
            var annotation = annotations[i];
            if (annotation is CitationAnnotation citation && citation.GetType() == typeof(CitationAnnotation))
            {
                _out.Byte(0x01);
                _out.Optional(0x02, citation.Title);
                _out.Optional(0x03, citation.Url?.OriginalString);
                _out.Optional(0x04, citation.FileId);
                _out.Optional(0x05, citation.ToolName);
                _out.Optional(0x06, citation.Snippet);
            }
            else if (annotation?.GetType() == typeof(AIAnnotation))
            {
                _out.Byte(0x07);
            }
            else
            {
                _out.Refuse($"an annotation of the type {annotation?.GetType().Name ?? "null"} has no canonical form");
                return;
            }

            Regions(annotation.AnnotatedRegions);
            _values.Properties(0x09, annotation.AdditionalProperties, 1);
            _out.Byte(CanonicalWriter.End);
        }

        _out.Byte(CanonicalWriter.End);
    }

    private void Regions(IList<AnnotatedRegion>? regions)
    {
        if (regions is null)
            return;

        for (var i = 0; i < regions.Count; i++)
        {
            if (regions[i] is TextSpanAnnotatedRegion span)
            {
                _out.Byte(0x08);
                _out.Optional(0x01, span.StartIndex);
                _out.Optional(0x02, span.EndIndex);
                _out.Byte(CanonicalWriter.End);
            }
            else
            {
                _out.Refuse($"a region of the type {regions[i]?.GetType().Name ?? "null"} has no canonical form");
            }
        }
    }
}
