using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>A JSON file that knows on which line each of its values stands.</summary>
internal sealed class SourceDocument : IDisposable
{
    private readonly ReadOnlyMemory<byte> _json;
    private readonly int[] _lineStarts;
    private readonly JsonDocument _document;

    private SourceDocument(string name, ReadOnlyMemory<byte> json, JsonDocument document)
    {
        (Name, _json, _document) = (name, json, document);
        List<int> starts = [0];
        for (var i = 0; i < json.Length; i++)
        {
            if (json.Span[i] == (byte)'\n')
            {
                starts.Add(i + 1);
            }
        }

        _lineStarts = [.. starts];
    }

    /// <summary>How error messages call it.</summary>
    public string Name { get; }

    public ReadOnlyMemory<byte> Bytes => _json;

    public JsonElement Root => _document.RootElement;

    /// <exception cref="LlmCostException">It is not JSON; the message names the line.</exception>
    public static SourceDocument Parse(string name, byte[] bytes)
    {
        var json = bytes.AsMemory();
        if (json.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            json = json[3..];
        }

        try
        {
            return new(name, json, JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip }));
        }
        catch (JsonException wrong)
        {
            throw new LlmCostException($"{name}, line {(wrong.LineNumber ?? 0) + 1}: not readable as JSON ({wrong.Message})", wrong);
        }
    }

    public int LineOf(JsonElement value)
    {
        if (!_json.Span.Overlaps(JsonMarshal.GetRawUtf8Value(value), out var offset))
        {
            return 1;
        }

        var index = Array.BinarySearch(_lineStarts, offset);
        return (index < 0 ? ~index - 1 : index) + 1;
    }

    public LlmCostException Wrong(JsonElement at, string what) => new($"{Name}, line {LineOf(at)}: {what}.");

    public void Dispose() => _document.Dispose();
}
