using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>One line of <c>llmcost price --jsonl</c>: a question, or why it is none.</summary>
internal sealed class PriceLine
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };
    private static readonly JsonDocumentOptions s_lenient = new() { AllowDuplicateProperties = true, MaxDepth = 16 };

    /// <summary>The counts in the order in which the contract lists them; a missing one is zero, but a question is one request.</summary>
    private static readonly byte[][] s_countNames =
    [
        [.. "input_tokens"u8], [.. "cached_input_tokens"u8], [.. "cache_write_5m_tokens"u8], [.. "cache_write_1h_tokens"u8],
        [.. "output_tokens"u8], [.. "reasoning_tokens"u8], [.. "input_audio_tokens"u8], [.. "cached_audio_tokens"u8],
        [.. "output_audio_tokens"u8], [.. "input_image_tokens"u8], [.. "output_image_tokens"u8], [.. "web_searches"u8], [.. "requests"u8],
        [.. "cached_image_tokens"u8], [.. "input_video_tokens"u8], [.. "output_video_tokens"u8], [.. "citation_tokens"u8], [.. "images"u8], [.. "characters"u8],
        [.. "audio_seconds"u8], [.. "video_seconds"u8], [.. "compute_seconds"u8], [.. "storage_gb_days"u8],
    ];

    private const int RequestsPlace = 12;

    /// <summary>The counts that may be fractions, and how many of what is counted make one of them.</summary>
    private const int FirstFraction = 19;
    private const long MillisecondsPerSecond = 1_000;
    private const long ByteHoursPerGigabyteDay = 24_000_000_000;

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

    /// <param name="json">The line.</param>
    /// <param name="at">The time of the call, when the line names none.</param>
    /// <param name="knownAt">When its price must have been known, when the line does not say so; null is now.</param>
    public static PriceLine Read(ReadOnlyMemory<byte> json, DateTimeOffset at, DateTimeOffset? knownAt = null)
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
            line.Read(document.RootElement, at, knownAt);
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

    private void Read(JsonElement root, DateTimeOffset at, DateTimeOffset? knownAt)
    {
        if (!ReadId(root))
        {
            return;
        }

        var (provider, model, tier, region) = ((string?)null, (string?)null, (string?)null, (string?)null);
        long? before = null;
        JsonElement? usage = null;
        foreach (var field in root.EnumerateObject())
        {
            var isSound = true;
            if (field.NameEquals("provider"u8))
            {
                isSound = ReadText(field, ref provider);
            }
            else if (field.NameEquals("model"u8))
            {
                isSound = ReadText(field, ref model);
            }
            else if (field.NameEquals("service_tier"u8))
            {
                isSound = ReadText(field, ref tier);
            }
            else if (field.NameEquals("region"u8))
            {
                isSound = ReadText(field, ref region);
            }
            else if (field.NameEquals("at"u8))
            {
                isSound = ReadInstant(field, out var instant);
                at = instant ?? at;
            }
            else if (field.NameEquals("known_at"u8))
            {
                isSound = ReadInstant(field, out var instant);
                knownAt = instant ?? knownAt;
            }
            else if (field.NameEquals("requests_before"u8))
            {
                before = field.Value.ValueKind == JsonValueKind.Null ? null : ReadCount(field);
                isSound = Error is null;
            }
            else if (field.NameEquals("usage"u8))
            {
                usage = field.Value;
            }

            if (!isSound)
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
            Query = new() { Provider = provider, Model = model, At = at, KnownAt = knownAt, ServiceTier = tier, Region = region, RequestsBefore = before, Usage = buckets };
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

    private bool ReadInstant(JsonProperty field, out DateTimeOffset? instant)
    {
        instant = null;
        string? text = null;
        if (!ReadText(field, ref text) || text is null)
        {
            return Error is null;
        }

        if (!Instants.TryParse(text, out var read))
        {
            return Refuse($"\"{field.Name}\" is not a time like 2026-08-20T00:00:00Z");
        }

        instant = read;
        return true;
    }

    private InclusiveUsage? ReadUsage(JsonElement usage)
    {
        Span<long> counts = stackalloc long[s_countNames.Length];
        counts.Clear();
        counts[RequestsPlace] = 1;
        foreach (var field in usage.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var place = PlaceOf(field);
            if (place < 0)
            {
                Notice(field);
            }
            else if ((place < FirstFraction ? ReadCount(field) : ReadFraction(field, place)) is { } count)
            {
                counts[place] = count;
            }
            else
            {
                return null;
            }
        }

        return new()
        {
            Input = counts[0],
            CachedInput = counts[1],
            CacheWrite5m = counts[2],
            CacheWrite1h = counts[3],
            Output = counts[4],
            Reasoning = counts[5],
            InputAudio = counts[6],
            CachedAudio = counts[7],
            OutputAudio = counts[8],
            InputImage = counts[9],
            OutputImage = counts[10],
            WebSearches = counts[11],
            Requests = counts[RequestsPlace],
            CachedImage = counts[13],
            InputVideo = counts[14],
            OutputVideo = counts[15],
            Citation = counts[16],
            Images = counts[17],
            Characters = counts[18],
            AudioMilliseconds = counts[19],
            VideoMilliseconds = counts[20],
            ComputeMilliseconds = counts[21],
            StorageByteHours = counts[22],
        };
    }

    private static int PlaceOf(JsonProperty field)
    {
        for (var i = 0; i < s_countNames.Length; i++)
        {
            if (field.NameEquals(s_countNames[i]))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>A count of seconds or gigabyte-days, in the milliseconds or byte-hours that it takes; a part of one of those counts as a whole.</summary>
    private long? ReadFraction(JsonProperty field, int place)
    {
        if (field.Value.ValueKind != JsonValueKind.Number)
        {
            Refuse($"\"{field.Name}\" is not a number");
            return null;
        }

        var parts = place == s_countNames.Length - 1 ? ByteHoursPerGigabyteDay : MillisecondsPerSecond;
        if (!field.Value.TryGetDecimal(out var count) || count > long.MaxValue / parts)
        {
            Refuse($"\"{field.Name}\" is too large");
            return null;
        }

        if (count < 0m)
        {
            Refuse($"\"{field.Name}\" is negative");
            return null;
        }

        return (long)decimal.Ceiling(count * parts);
    }

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
