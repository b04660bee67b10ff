using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Named values that cannot change: numbers, texts, flags, times and JSON. Everything else is left out.</summary>
internal sealed class StoredProperties
{
    public static StoredProperties None { get; } = new([]);

    private readonly KeyValuePair<string, object?>[] _values;

    public StoredProperties(KeyValuePair<string, object?>[] values) => _values = values;

    public IReadOnlyList<KeyValuePair<string, object?>> Values => _values;

    /// <summary>What can be kept of additional properties, without our own notes.</summary>
    public static StoredProperties Copy(AdditionalPropertiesDictionary? properties)
    {
        if (properties is null or { Count: 0 })
            return None;

        var kept = new List<KeyValuePair<string, object?>>(properties.Count);
        foreach (var (name, value) in properties)
        {
            if (!KeyExclusions.IsOwnProperty(name) && TryKeep(value, out var copy))
                kept.Add(KeyValuePair.Create(name, copy));
        }

        return kept.Count == 0 ? None : new StoredProperties([.. kept]);
    }

    /// <summary>All of the arguments of a function call, or null when one of them cannot be kept.</summary>
    public static StoredProperties? TryCopyAll(IDictionary<string, object?> arguments)
    {
        var kept = new List<KeyValuePair<string, object?>>(arguments.Count);
        foreach (var (name, value) in arguments)
        {
            if (!TryKeep(value, out var copy))
                return null;

            kept.Add(KeyValuePair.Create(name, copy));
        }

        return new StoredProperties([.. kept]);
    }

    public AdditionalPropertiesDictionary? ToDictionary()
    {
        if (_values.Length == 0)
            return null;

        var dictionary = new AdditionalPropertiesDictionary();
        foreach (var (name, value) in _values)
            dictionary[name] = HandOut(value);

        return dictionary;
    }

    public Dictionary<string, object?> ToArguments()
    {
        var dictionary = new Dictionary<string, object?>(_values.Length);
        foreach (var (name, value) in _values)
            dictionary[name] = HandOut(value);

        return dictionary;
    }

    public long SizeInMemory()
    {
        var size = 0L;
        foreach (var (name, value) in _values)
        {
            size += 64 + StoredAnswer.Chars(name) + value switch
            {
                string text => StoredAnswer.Chars(text),
                byte[] bytes => bytes.Length,
                JsonElement json => 200 + (2L * System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(json).Length),
                _ => 24,
            };
        }

        return size;
    }

    private static object? HandOut(object? value) => value is byte[] bytes ? bytes.Clone() : value;

    private static bool TryKeep(object? value, out object? copy)
    {
        try
        {
            return TryCopy(value, out copy);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // JSON of a document that is gone, numbers that are none, lists that break: other people's objects, and the answer that holds them is paid for.
            copy = null;
            return false;
        }
    }

    private static bool TryCopy(object? value, out object? copy)
    {
        switch (value)
        {
            case null or string or bool or int or long or double or float or decimal or Guid or DateTimeOffset:
                copy = value;
                return true;
            case byte[] bytes:
                copy = bytes.Clone();
                return true;
            case JsonElement { ValueKind: not JsonValueKind.Undefined } json:
                copy = json.Clone();
                return true;
            case JsonNode node:
                copy = JsonElement.Parse(node.ToJsonString());
                return true;
            case IEnumerable<string> strings:
                copy = JsonElement.Parse(new JsonArray([.. strings.Select(s => (JsonNode?)JsonValue.Create(s))]).ToJsonString());
                return true;
            default:
                copy = null;
                return false;
        }
    }
}
