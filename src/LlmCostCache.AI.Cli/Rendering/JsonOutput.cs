using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Writes one JSON document with its schema to standard output.</summary>
internal static class JsonOutput
{
    /// <summary>Apostrophes and letters of all scripts stay readable; controls are escaped.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static void Write(Stream output, string schema, Action<Utf8JsonWriter> fields)
    {
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, Encoder = Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("schema", schema);
            fields(json);
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
        output.Flush();
    }
}
