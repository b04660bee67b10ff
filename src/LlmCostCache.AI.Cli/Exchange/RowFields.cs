using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>The fields of one row as they stand in a file, before anybody has said that they make sense. Numbers are kept as the digits that were there.</summary>
internal sealed class RowFields
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string?> Values => _values;

    /// <summary>The tags; null when the row does not name them.</summary>
    public ImmutableArray<string>? Tags { get; private set; }

    /// <summary>The text of a field; null when it is missing or null.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    public void Set(string name, string? value) => _values[name] = value;

    public void SetTags(ImmutableArray<string> tags) => Tags = tags;

    /// <summary>Reads a JSON object. What stands in its object <c>usage</c>, as in <c>llmcost price --jsonl</c>, counts as if it stood beside it.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? ReadJson(ReadOnlyMemory<byte> json)
    {
        _values.Clear();
        Tags = null;
        try
        {
            using var document = JsonDocument.Parse(json, s_strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement, isUsage: false) : "is not a JSON object";
        }
        catch (JsonException error)
        {
            return error.BytePositionInLine is { } position ? $"is not JSON, or names a field twice (byte {position + 1})" : "is not JSON, or names a field twice";
        }
        catch (InvalidOperationException)
        {
            return "contains text that is not Unicode";
        }
    }

    /// <summary>Reads the cells of a CSV line of ours.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? ReadCsv(IReadOnlyList<string> names, IReadOnlyList<string> cells)
    {
        _values.Clear();
        Tags = null;
        if (cells.Count != names.Count)
        {
            return $"has {cells.Count} cells where the header has {names.Count}";
        }

        for (var i = 0; i < cells.Count; i++)
        {
            var text = cells[i].Length == 0 ? null : CsvExportLine.Original(cells[i]);
            if (names[i] == "tags")
            {
                Tags = text is null ? [] : SplitTags(text);
            }
            else if (!_values.TryAdd(names[i], text) && text is not null)
            {
                return $"names \"{names[i]}\" twice";
            }
        }

        return null;
    }

    /// <summary>Reads tags that are written as a JSON array.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? ReadTags(string? json)
    {
        try
        {
            Tags = LedgerTags.Read(json);
            return Tags.Value.Contains(null!) ? "\"tags\" holds something that is no text" : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return "\"tags\" is not an array of texts";
        }
    }

    private string? Read(JsonElement root, bool isUsage)
    {
        foreach (var field in root.EnumerateObject())
        {
            if (!isUsage && field.NameEquals("usage"u8) && field.Value.ValueKind == JsonValueKind.Object)
            {
                if (Read(field.Value, isUsage: true) is { } wrong)
                {
                    return wrong;
                }
            }
            else if (field.NameEquals("tags"u8) && field.Value.ValueKind == JsonValueKind.Array)
            {
                if (field.Value.EnumerateArray().Any(static tag => tag.ValueKind != JsonValueKind.String))
                {
                    return "\"tags\" holds something that is no text";
                }

                Tags = [.. field.Value.EnumerateArray().Select(static tag => tag.GetString()!)];
            }
            else if (field.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                return $"\"{field.Name}\" is not a text, a number, true, false or null";
            }
            else if (!_values.TryAdd(field.Name, TextOf(field.Value)))
            {
                return $"names \"{field.Name}\" twice";
            }
        }

        return null;
    }

    private static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };

    /// <summary>Takes apart what <see cref="CsvExportLine.Tags"/> put together.</summary>
    private static ImmutableArray<string> SplitTags(string text)
    {
        var (tags, tag) = (ImmutableArray.CreateBuilder<string>(), new StringBuilder());
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                tag.Append(text[++i]);
            }
            else if (text[i] == ';')
            {
                tags.Add(tag.ToString());
                tag.Clear();
            }
            else
            {
                tag.Append(text[i]);
            }
        }

        tags.Add(tag.ToString());
        return tags.ToImmutable();
    }
}
