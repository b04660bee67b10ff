using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Exchange;

namespace LlmCostCache.AI.Cli.Traces;

/// <summary>Reads a request from the fields of a line. They are those of an export, and beside them a few that only traces have.</summary>
/// <param name="start">When a trace begins that counts milliseconds.</param>
/// <param name="countTokens">Counts the tokens of a text, for traces that hold prompts; null refuses them.</param>
internal sealed class TraceFields(DateTimeOffset start, Func<string, long>? countTokens)
{
    private const int MostBlocks = 100_000;

    // Prompts without times follow each other at this distance.
    private static readonly TimeSpan s_pace = TimeSpan.FromSeconds(1);
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    // Mooncake's traces name their fields by letters.
    private static readonly Dictionary<string, string> s_letters = new(StringComparer.Ordinal) { ["t"] = "t_ms", ["i"] = "input_tokens", ["o"] = "output_tokens", ["h"] = "blocks" };

    private readonly RowReader _rows = new(null);
    private long _prompts;

    public TraceRow ReadJson(ReadOnlyMemory<byte> json, long line)
    {
        try
        {
            using var document = JsonDocument.Parse(json, s_strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement, line) : Wrong(line, "is not a JSON object");
        }
        catch (JsonException)
        {
            return Wrong(line, "is not JSON, or names a field twice");
        }
        catch (InvalidOperationException)
        {
            return Wrong(line, "contains text that is not Unicode");
        }
    }

    public TraceRow ReadCsv(IReadOnlyList<string> names, IReadOnlyList<string> cells, long line)
    {
        var fields = new RowFields();
        return fields.ReadCsv(names, cells) is { } wrong ? Wrong(line, wrong) : Read(fields, null, line);
    }

    private TraceRow Read(JsonElement root, long line)
    {
        if (root.TryGetProperty("q", out var prompt) && prompt.ValueKind == JsonValueKind.String)
        {
            return ReadPrompt(prompt.GetString()!, root.TryGetProperty("a", out var answer) && answer.ValueKind == JsonValueKind.String ? answer.GetString()! : "", line);
        }

        var (fields, isLettered) = (new RowFields(), root.TryGetProperty("t", out _) && root.TryGetProperty("i", out _));
        IReadOnlyList<long>? blocks = null;
        foreach (var field in root.EnumerateObject())
        {
            var name = isLettered ? s_letters.GetValueOrDefault(field.Name, field.Name) : field.Name;
            if (name == "blocks")
            {
                if (field.Value.ValueKind != JsonValueKind.Null && (blocks = Blocks(field.Value)) is null)
                {
                    return Wrong(line, $"\"{field.Name}\" is not an array of at most {MostBlocks} whole numbers");
                }
            }
            else if (name == "tags" && field.Value.ValueKind == JsonValueKind.Array)
            {
                if (field.Value.EnumerateArray().Any(static tag => tag.ValueKind != JsonValueKind.String))
                {
                    return Wrong(line, "\"tags\" holds something that is no text");
                }

                fields.SetTags([.. field.Value.EnumerateArray().Select(static tag => tag.GetString()!)]);
            }
            else if (field.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                return Wrong(line, $"\"{field.Name}\" is not a text, a number, true, false or null");
            }
            else
            {
                fields.Set(name, field.Value.ValueKind switch { JsonValueKind.Null => null, JsonValueKind.String => field.Value.GetString(), _ => field.Value.GetRawText() });
            }
        }

        return Read(fields, blocks, line);
    }

    private TraceRow Read(RowFields fields, IReadOnlyList<long>? blocks, long line)
    {
        if (Take(fields, "t_ms") is { } offset)
        {
            // Longer than any trace, and short enough for every calendar.
            const long Most = 100L * 366 * 86_400_000;
            if (!long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var ms) || ms > Most)
            {
                return Wrong(line, "the time is not a whole number of milliseconds from the beginning");
            }

            fields.Set("at", start.AddMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
        }

        var key = Take(fields, "key");
        var longest = Take(fields, "max_output_tokens");
        var most = 0;
        if (longest is not null && (!int.TryParse(longest, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most < 1))
        {
            return Wrong(line, "\"max_output_tokens\" is not a whole number above zero");
        }

        var wait = Take(fields, "can_wait");
        if (wait is not (null or "true" or "false"))
        {
            return Wrong(line, "\"can_wait\" is neither true nor false");
        }

        var row = _rows.Read(fields, line);
        if (row.Record is not { } record)
        {
            return Wrong(line, row.Wrong!);
        }

        if (blocks is not null && blocks.Count > (record.Cost.Usage.TotalInputTokens + TraceCall.BlockTokens - 1) / TraceCall.BlockTokens)
        {
            return Wrong(line, $"has {blocks.Count} blocks of {TraceCall.BlockTokens} tokens, which is more than its input");
        }

        return new(line, new TraceCall
        {
            At = record.At,
            Provider = record.Provider,
            Model = record.Model ?? record.RequestedModel,
            ServiceTier = record.ServiceTier,
            Region = record.Region,
            Usage = record.Cost.Usage.Requests == 0 ? record.Cost.Usage with { Requests = 1 } : record.Cost.Usage,
            Key = key ?? KeyOf(blocks, record.Cost.Usage.TotalInputTokens),
            Blocks = blocks,
            CanWait = wait == "true",
            MaxOutputTokens = longest is null ? null : most,
            Status = record.Status,
            Error = record.Error,
            Latency = record.Latency > TimeSpan.Zero && record.Status is CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed ? record.Latency : null,
            Attribution = record.Attribution,
        }, null);
    }

    private TraceRow ReadPrompt(string prompt, string answer, long line) => countTokens is null
        ? Wrong(line, "holds a prompt without counts; they are counted when --model names a model whose tokenizer is public")
        : new(line, new TraceCall
        {
            At = start + (s_pace * _prompts++),
            Usage = new() { UncachedInputTokens = countTokens(prompt) + TokenCounter.PerMessage + TokenCounter.PerAnswer, OutputTokens = countTokens(answer), Requests = 1 },
            Key = prompt,
        }, null);

    /// <summary>Blocks stand for all that is before them, so prompts of the same blocks and length are the same.</summary>
    private static string? KeyOf(IReadOnlyList<long>? blocks, long tokens) =>
        blocks is not { Count: > 0 } ? null : string.Create(CultureInfo.InvariantCulture, $"{blocks[0]}-{blocks[^1]}-{blocks.Count}-{tokens}");

    private static List<long>? Blocks(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostBlocks)
        {
            return null;
        }

        var blocks = new List<long>(value.GetArrayLength());
        foreach (var block in value.EnumerateArray())
        {
            if (block.ValueKind != JsonValueKind.Number || !block.TryGetInt64(out var id))
            {
                return null;
            }

            blocks.Add(id);
        }

        return blocks;
    }

    /// <summary>Takes a field that only traces have: the reader of rows would not know it.</summary>
    private static string? Take(RowFields fields, string name)
    {
        var text = fields[name];
        if (text is not null)
        {
            fields.Set(name, null);
        }

        return text;
    }

    private static TraceRow Wrong(long line, string why) => new(line, null, why);
}
