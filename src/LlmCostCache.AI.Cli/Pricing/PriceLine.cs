using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>One line of <c>llmcost price --jsonl</c>: a question, or why it is none.</summary>
internal sealed class PriceLine
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };
    private static readonly JsonDocumentOptions s_lenient = new() { AllowDuplicateProperties = true, MaxDepth = 16 };

    private List<string>? _unknownCounts;

    private PriceLine()
    {
    }

    /// <summary>The JSON of the id, byte for byte as it came; null when there is none.</summary>
    public byte[]? RawId { get; private set; }

    /// <summary>The question; null when <see cref="Error"/> says why there is none.</summary>
    public PriceQuery? Query { get; private set; }

    /// <summary>What is wrong with the line.</summary>
    public string? Error { get; private set; }

    /// <summary>Whether parts were larger than their whole.</summary>
    public bool IsClamped { get; private set; }

    /// <summary>Counts above zero that this version does not know and did not price.</summary>
    public IReadOnlyList<string> UnknownCounts => _unknownCounts ?? [];

    public static PriceLine Wrong(string error) => new() { Error = error };

    public static PriceLine Read(ReadOnlyMemory<byte> json, DateTimeOffset now)
    {
        var line = new PriceLine();
        if (!Utf8.IsValid(json.Span))
        {
            line.Error = "is not UTF-8";
            return line;
        }

        try
        {
            using var document = JsonDocument.Parse(json, s_strict);
            line.Read(document.RootElement, now);
        }
        catch (JsonException)
        {
            line.ReadWhy(json);
        }
        catch (InvalidOperationException)
        {
            // The one way a well-formed document still has no text: half of a surrogate pair.
            line.Refuse("contains text that is not Unicode");
        }

        return line;
    }

    private void Read(JsonElement root, DateTimeOffset now)
    {
        if (!ReadId(root))
        {
            return;
        }

        var (provider, model, tier, at) = ((string?)null, (string?)null, (string?)null, now);
        JsonElement? usage = null;
        foreach (var field in root.EnumerateObject())
        {
            var known = field.Name switch
            {
                "provider" => ReadText(field, ref provider),
                "model" => ReadText(field, ref model),
                "service_tier" => ReadText(field, ref tier),
                "at" => ReadInstant(field, ref at),
                "usage" => (usage = field.Value) is not null,
                _ => true,
            };
            if (!known)
            {
                return;
            }
        }

        if (usage is not { ValueKind: JsonValueKind.Object } counts)
        {
            Refuse(usage is null or { ValueKind: JsonValueKind.Null } ? "has no \"usage\"" : "\"usage\" is not an object");
            return;
        }

        if (ReadUsage(counts) is { } inclusive)
        {
            var buckets = inclusive.ToBuckets(out var clamped);
            IsClamped = clamped;
            Query = new() { Provider = provider, Model = model, At = at, ServiceTier = tier, Usage = buckets };
        }
    }

    /// <summary>Finds the words for a document that is not one, and the id of one that merely says something twice.</summary>
    private void ReadWhy(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, s_lenient);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.EnumerateObject().Count(field => field.NameEquals("id")) == 1)
            {
                ReadId(document.RootElement);
            }

            Refuse("names a field twice");
        }
        catch (JsonException error)
        {
            Refuse(error.BytePositionInLine is { } position ? $"is not JSON (byte {position + 1})" : "is not JSON");
        }
    }

    private bool ReadId(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return Refuse("is not a JSON object");
        }

        if (root.TryGetProperty("id", out var id))
        {
            if (id.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                return Refuse("\"id\" is not a string, a number, true, false or null");
            }

            RawId = JsonMarshal.GetRawUtf8Value(id).ToArray();
        }

        return true;
    }

    private bool ReadText(JsonProperty field, ref string? text)
    {
        if (field.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            return Refuse($"\"{field.Name}\" is not a string");
        }

        text = field.Value.GetString();
        return true;
    }

    private bool ReadInstant(JsonProperty field, ref DateTimeOffset at)
    {
        string? text = null;
        if (!ReadText(field, ref text))
        {
            return false;
        }

        return text is null || Instants.TryParse(text, out at) || Refuse("\"at\" is not a time like 2026-08-20T00:00:00Z");
    }

    private InclusiveUsage? ReadUsage(JsonElement usage)
    {
        var read = new InclusiveUsage { Requests = 1 };
        foreach (var field in usage.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (!IsCount(field.Name))
            {
                Notice(field);
                continue;
            }

            if (ReadCount(field) is not { } count)
            {
                return null;
            }

            read = field.Name switch
            {
                "input_tokens" => read with { Input = count },
                "cached_input_tokens" => read with { CachedInput = count },
                "cache_write_5m_tokens" => read with { CacheWrite5m = count },
                "cache_write_1h_tokens" => read with { CacheWrite1h = count },
                "output_tokens" => read with { Output = count },
                "reasoning_tokens" => read with { Reasoning = count },
                "input_audio_tokens" => read with { InputAudio = count },
                "cached_audio_tokens" => read with { CachedAudio = count },
                "output_audio_tokens" => read with { OutputAudio = count },
                "input_image_tokens" => read with { InputImage = count },
                "output_image_tokens" => read with { OutputImage = count },
                "web_searches" => read with { WebSearches = count },
                _ => read with { Requests = count },
            };
        }

        return read;
    }

    private static bool IsCount(string name) => name is "input_tokens" or "cached_input_tokens" or "cache_write_5m_tokens" or "cache_write_1h_tokens"
        or "output_tokens" or "reasoning_tokens" or "input_audio_tokens" or "cached_audio_tokens" or "output_audio_tokens" or "input_image_tokens"
        or "output_image_tokens" or "web_searches" or "requests";

    private long? ReadCount(JsonProperty field)
    {
        if (field.Value.ValueKind != JsonValueKind.Number)
        {
            Refuse($"\"{field.Name}\" is not a number");
            return null;
        }

        if (field.Value.TryGetInt64(out var count))
        {
            if (count >= 0)
            {
                return count;
            }

            Refuse($"\"{field.Name}\" is negative");
            return null;
        }

        var isWhole = JsonMarshal.GetRawUtf8Value(field.Value).IndexOfAny(".eE"u8) < 0;
        Refuse(isWhole ? $"\"{field.Name}\" is larger than {long.MaxValue}" : $"\"{field.Name}\" is not a whole number");
        return null;
    }

    /// <summary>A count that is spelled wrongly would be priced as none, so the answer says that it was passed over.</summary>
    private void Notice(JsonProperty field)
    {
        var isNothing = field.Name == "total_tokens" || (field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetInt64(out var count) && count == 0);
        if (!isNothing && _unknownCounts is not { Count: >= 3 })
        {
            (_unknownCounts ??= []).Add(field.Name.Length <= 64 ? field.Name : string.Concat(field.Name.AsSpan(0, 64), "..."));
        }
    }

    private bool Refuse(string error)
    {
        Error = error;
        return false;
    }
}
