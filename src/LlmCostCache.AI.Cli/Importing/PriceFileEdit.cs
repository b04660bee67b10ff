using System.Text;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>
/// Adds prices to the text of a price file. What the user wrote stays as it is written, comments included; only a model that gets another price is
/// written anew, with everything it had.
/// </summary>
internal sealed class PriceFileEdit
{
    private const string Empty = """
        {
          "schema": "llmcostcache-prices/1",
          "models": [
          ]
        }

        """;

    // What a model says beside its rates. In the short form, where the rates stand in the model itself, everything else belongs to the price.
    private static readonly HashSet<string> s_aboutTheModel =
    [
        "id", "provider", "mode", "aliases", "starts_with", "context_window", "max_output_tokens", "encoding", "currency", "free", "checked", "note", "sources",
    ];

    private static readonly JsonReaderOptions s_reading = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };
    private static readonly JsonDocumentOptions s_parsing = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };
    private static readonly JsonWriterOptions s_writing = new() { Encoder = JsonOutput.Encoder };

    private readonly byte[] _text;
    private readonly Dictionary<string, Range> _models = new(StringComparer.OrdinalIgnoreCase);
    private string? _provider;
    private DateOnly? _knownFrom;
    private int? _end;
    private int _start;
    private bool _hasModels;

    private PriceFileEdit(byte[] text) => _text = text;

    /// <summary>The text of the file with the additions.</summary>
    /// <param name="text">The text of the file, which can be read as a price file; null when there is none.</param>
    /// <param name="additions">What is added.</param>
    public static byte[] Apply(byte[]? text, IReadOnlyList<PriceAddition> additions)
    {
        text ??= Encoding.UTF8.GetBytes(Empty.ReplaceLineEndings("\n"));
        var edit = new PriceFileEdit(text.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? text[3..] : text);
        edit.Find();
        return edit.With(additions);
    }

    private static string Key(string? provider, string id) => $"{(provider is null ? "" : PriceLayer.Key(provider))}\n{id}";

    private void Find()
    {
        List<Range> ranges = [];
        var reader = new Utf8JsonReader(_text, s_reading);
        reader.Read();
        _start = (int)reader.BytesConsumed;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (name == "provider")
            {
                _provider = reader.GetString();
            }
            else if (name == "known_from" && reader.TokenType == JsonTokenType.String && Instants.TryParseDay(reader.GetString()!, out var day))
            {
                _knownFrom = day;
            }
            else if (name == "models")
            {
                _end = (int)reader.BytesConsumed;
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    _end = (int)reader.BytesConsumed;
                    ranges.Add(start..(int)reader.BytesConsumed);
                    _hasModels = true;
                }
            }
            else
            {
                reader.Skip();
            }
        }

        foreach (var range in ranges)
        {
            using var model = JsonDocument.Parse(_text.AsMemory(range), s_parsing);
            var provider = model.RootElement.TryGetProperty("provider", out var own) ? own.GetString() : _provider;
            _models.Add(Key(provider, model.RootElement.GetProperty("id").GetString()!), range);
        }
    }

    private byte[] With(IReadOnlyList<PriceAddition> additions)
    {
        List<(Range Place, byte[] Text)> edits = [];
        using var added = new MemoryStream();
        var isFirst = !_hasModels;
        foreach (var addition in additions)
        {
            if (_models.TryGetValue(Key(addition.Entry.Provider, addition.Entry.Id), out var range))
            {
                edits.Add((range, Extended(_text.AsMemory(range), addition.Prices)));
                continue;
            }

            added.Write(isFirst ? "\n    "u8 : ",\n    "u8);
            isFirst = false;
            using var json = new Utf8JsonWriter(added, s_writing);
            PriceJson.WriteModel(json, addition.Entry, addition.Prices);
        }

        if (_end is { } end)
        {
            edits.Add((end..end, added.ToArray()));
        }
        else
        {
            // A file of discounts and margins alone; the reader takes the comma even when nothing follows.
            edits.Add((_start.._start, [.. "\n  \"models\": ["u8, .. added.ToArray(), .. "\n  ],"u8]));
        }

        using var whole = new MemoryStream(_text.Length + (int)added.Length);
        var at = 0;
        foreach (var (place, text) in edits.OrderBy(edit => edit.Place.Start.Value).ThenBy(edit => edit.Place.End.Value))
        {
            whole.Write(_text.AsSpan(at..place.Start.Value));
            whole.Write(text);
            at = place.End.Value;
        }

        whole.Write(_text.AsSpan(at..));
        return whole.ToArray();
    }

    private byte[] Extended(ReadOnlyMemory<byte> text, IReadOnlyList<DatedPrice> prices)
    {
        using var model = JsonDocument.Parse(text, s_parsing);
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, s_writing))
        {
            var hasHistory = model.RootElement.TryGetProperty("prices", out var history);
            json.WriteStartObject();
            foreach (var property in model.RootElement.EnumerateObject().Where(property => property.Name != "prices" && (hasHistory || s_aboutTheModel.Contains(property.Name))))
            {
                if (property.Name != "free" || prices.All(price => price.IsFree))
                {
                    property.WriteTo(json);
                }
            }

            json.WriteStartArray("prices");
            if (hasHistory)
            {
                // What was learned today and is corrected today was never known for a whole day.
                foreach (var price in history.EnumerateArray().Where(price => !prices.Any(other => IsOfTheSameDays(price, other))))
                {
                    price.WriteTo(json);
                }
            }
            else
            {
                json.WriteStartObject();
                foreach (var property in model.RootElement.EnumerateObject().Where(property => !s_aboutTheModel.Contains(property.Name)))
                {
                    property.WriteTo(json);
                }

                json.WriteEndObject();
            }

            foreach (var price in prices)
            {
                PriceJson.WritePrice(json, price);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return output.ToArray();
    }

    private bool IsOfTheSameDays(JsonElement price, DatedPrice other) =>
        DayOf(price, "effective_from") == other.EffectiveFrom && (DayOf(price, "known_from") ?? _knownFrom) == other.KnownFrom;

    private static DateOnly? DayOf(JsonElement price, string name) =>
        price.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && Instants.TryParseDay(value.GetString()!, out var day) ? day : null;
}
