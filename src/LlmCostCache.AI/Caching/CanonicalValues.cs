using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes values of any type that has a form of its own, and lists of them by name.</summary>
internal sealed class CanonicalValues(CanonicalWriter writer, CanonicalJson json)
{
    public const int MaxDepth = 32;

    private readonly CanonicalWriter _out = writer;
    private readonly CanonicalJson _json = json;

    /// <summary>Named values in ordinal order of their names; none at all is the same as an empty list.</summary>
    public void Properties(byte tag, IEnumerable<KeyValuePair<string, object?>>? properties, int depth, bool ownToo = false) =>
        Properties(tag, properties, depth, ownToo, label: null);

    /// <summary>The additional properties of options, each of which is a part of the request.</summary>
    public void AdditionalProperties(byte tag, AdditionalPropertiesDictionary? properties) =>
        Properties(tag, properties, 0, ownToo: false, "additional property");

    /// <summary>One value with its type: 5, 5.0 and "5" are three different things to an adapter.</summary>
    public void Value(object? value, int depth)
    {
        if (depth > MaxDepth)
        {
            _out.Refuse("a value is nested too deeply");
            return;
        }

        switch (value)
        {
            case null:
                _out.Byte(0x70);
                break;
            case string text:
                _out.Field(0x71, text.AsSpan());
                break;
            case bool flag:
                _out.Field(0x72, flag);
                break;
            case Enum constant:
                _out.Field(0x73, constant.GetType().FullName.AsSpan());
                _out.Field(0x01, constant.ToString("D").AsSpan());
                break;
            case double number:
                _out.Field(0x74, BitConverter.DoubleToInt64Bits(number));
                break;
            case float number:
                _out.Field(0x75, (long)BitConverter.SingleToInt32Bits(number));
                break;
            case decimal or Half or Int128 or UInt128 or ulong or nint or nuint:
                _out.Field(0x76, value.GetType().Name.AsSpan());
                _out.Field(0x01, ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture).AsSpan());
                break;
            case int or long or short or byte or sbyte or ushort or uint or char:
                _out.Byte(0x77);
                _out.Field((byte)Type.GetTypeCode(value.GetType()), value is char c ? c : Convert.ToInt64(value,
                    CultureInfo.InvariantCulture));
                break;
            case Guid guid:
                _out.Field(0x78, guid.ToByteArray());
                break;
            case DateTime time:
                _out.Field(0x79, time.ToBinary());
                break;
            case DateTimeOffset time:
                _out.Field(0x7A, time.Ticks);
                _out.Field(0x01, time.Offset.Ticks);
                break;
            case TimeSpan or DateOnly or TimeOnly:
                _out.Field(0x7B, value.GetType().Name.AsSpan());
                _out.Field(0x01, ((IFormattable)value).ToString(value is TimeSpan ? "c" : "O", CultureInfo.InvariantCulture).AsSpan());
                break;
            case byte[] bytes:
                _out.Field(0x7C, bytes);
                break;
            case Uri uri:
                _out.Field(0x7F, uri.OriginalString.AsSpan());
                break;
            case JsonElement json:
                _json.Write(json, depth);
                break;
            case JsonNode node:
                _json.Write(JsonElement.Parse(node.ToJsonString()), depth);
                break;
            case IEnumerable<KeyValuePair<string, object?>> map:
                _out.Byte(0x80);
                Properties(0x02, map, depth, ownToo: true);
                _out.Byte(CanonicalWriter.End);
                break;
            case IDictionary map:
                Dictionary(map, depth);
                break;
            case IList list:
                _out.Field(0x81, (long)list.Count);
                for (var i = 0; i < list.Count; i++)
                    Value(list[i], depth + 1);

                break;
            default:
                _out.Refuse($"a value of the type {value.GetType().Name} has no canonical form");
                break;
        }
    }

    private void Properties(byte tag, IEnumerable<KeyValuePair<string, object?>>? properties, int depth, bool ownToo, string? label)
    {
        if (properties is null or ICollection<KeyValuePair<string, object?>> { Count: 0 }
            or IReadOnlyCollection<KeyValuePair<string, object?>> { Count: 0 })
        {
            return;
        }

        var sorted = new List<KeyValuePair<string, object?>>();
        foreach (var property in properties)
        {
            if (ownToo || !KeyExclusions.IsOwnProperty(property.Key))
                sorted.Add(property);
        }

        if (sorted.Count == 0)
            return;

        sorted.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        _out.Field(tag, (long)sorted.Count);
        if (label is not null)
            _out.EndFrame();

        foreach (var (name, value) in sorted)
        {
            _out.Field(0x01, name.AsSpan());
            Value(value, depth + 1);
            if (label is not null)
                _out.EndPart(label, name);
        }
    }

    private void Dictionary(IDictionary map, int depth)
    {
        var entries = new List<KeyValuePair<string, object?>>(map.Count);
        foreach (DictionaryEntry entry in map)
        {
            if (entry.Key is not string name)
            {
                _out.Refuse("a dictionary has names that are not strings");
                return;
            }

            entries.Add(KeyValuePair.Create(name, entry.Value));
        }

        _out.Byte(0x80);
        Properties(0x02, entries, depth, ownToo: true);
        _out.Byte(CanonicalWriter.End);
    }
}
