using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmCostCache.AI;

/// <summary>A row as one line of JSON, for rows that wait in a file; exports have a form of their own.</summary>
internal static class UsageRecordJson
{
    public static string Serialize(UsageRecord record) => JsonSerializer.Serialize(record, UsageRecordJsonContext.Default.UsageRecord);

    /// <summary>Null for what is no row: a line that was cut, or written by something else.</summary>
    public static UsageRecord? TryDeserialize(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, UsageRecordJsonContext.Default.UsageRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true, Converters = [typeof(MoneyJsonConverter)])]
[JsonSerializable(typeof(UsageRecord))]
internal sealed partial class UsageRecordJsonContext : JsonSerializerContext;

internal sealed class MoneyJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Money.FromNanos(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Nanos);
}
