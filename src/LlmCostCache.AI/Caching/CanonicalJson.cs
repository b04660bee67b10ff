using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Writes JSON: values by what they mean, schemas as they are written.</summary>
internal sealed class CanonicalJson(CanonicalWriter writer)
{
    private readonly CanonicalWriter _out = writer;

    // As written, not as meant: the provider is sent the text, and reading a schema of 20 kB on every call would be the dearest part of
    // a hit.
    public void Schema(byte tag, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Undefined)
            return;

        _out.Field(tag, JsonMarshal.GetRawUtf8Value(schema));
    }

    /// <summary>JSON by its meaning, so that blanks and the order of names do not matter; numbers as they are written.</summary>
    public void Write(JsonElement json, int depth)
    {
        if (depth > CanonicalValues.MaxDepth)
        {
            _out.Refuse("JSON is nested too deeply");
            return;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new List<JsonProperty>();
                foreach (var member in json.EnumerateObject())
                    members.Add(member);

                // OrderBy is stable: of two members with one name, readers take the last.
                var sorted = members.OrderBy(m => m.Name, StringComparer.Ordinal);
                _out.Field(0x90, (long)members.Count);
                foreach (var member in sorted)
                {
                    _out.Field(0x01, member.Name.AsSpan());
                    Write(member.Value, depth + 1);
                }

                break;
            case JsonValueKind.Array:
                _out.Field(0x91, (long)json.GetArrayLength());
                foreach (var item in json.EnumerateArray())
                    Write(item, depth + 1);

                break;
            case JsonValueKind.String:
                Text(json);
                break;
            case JsonValueKind.Number:
                _out.Field(0x93, JsonMarshal.GetRawUtf8Value(json));
                break;
            default:
                _out.Field(0x94, (long)json.ValueKind);
                break;
        }
    }

    private void Text(JsonElement json)
    {
        string? text;
        try
        {
            text = json.GetString();
        }
        catch (InvalidOperationException)
        {
            // "\ud800" is valid JSON for a text that .NET refuses to build.
            _out.Field(0x95, JsonMarshal.GetRawUtf8Value(json));
            return;
        }

        _out.Field(0x92, text.AsSpan());
    }
}
