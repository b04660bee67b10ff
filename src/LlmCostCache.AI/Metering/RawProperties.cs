using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads properties of other people's objects by name. Referencing every SDK to read a few values is not worth it.</summary>
/// <remarks>Looked up once per type. What was trimmed away reads as missing; whoever asks must have a second way, or say that it is not known.</remarks>
internal static class RawProperties
{
    private const int LongestText = 64;

    private static readonly ConcurrentDictionary<(Type Type, string Name), PropertyInfo?> s_properties = new();

    /// <summary>Whether the object has such a property at all.</summary>
    public static bool Has(object source, string name) => Find(source.GetType(), name) is not null;

    /// <summary>The property's value; null when there is none, or it throws.</summary>
    public static object? Get(object? source, string name)
    {
        try
        {
            return source is null ? null : Find(source.GetType(), name)?.GetValue(source);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>A copy of the value that a property returns by reference; null when there is none, or it throws.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What was trimmed away reads as missing; see the remarks.")]
    public static object? GetReferenced(object? source, string name)
    {
        try
        {
            return source?.GetType().GetProperty(name)?.GetValue(source);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>The first of these properties that is a whole number.</summary>
    public static long? Count(object? source, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (AsCount(Get(source, name)) is { } count)
            {
                return count;
            }
        }

        return null;
    }

    public static long? AsCount(object? value) => value switch
    {
        int count => count,
        long count => count,
        uint count => count,
        short count => count,
        JsonElement { ValueKind: JsonValueKind.Number } element when element.TryGetInt64(out var count) => count,
        _ => null,
    };

    /// <summary>A short text such as the name of a tier, in lower case; values such as Anthropic's ApiEnum write themselves as JSON, with quotes.</summary>
    public static string? Text(object? value)
    {
        try
        {
            return value?.ToString()?.Trim('"') is { Length: > 0 and <= LongestText } text ? text.ToLowerInvariant() : null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    private static PropertyInfo? Find(Type type, string name) => s_properties.GetOrAdd((type, name), static key => Look(key.Type, key.Name));

    // A derived type may hide a property; the one that it declares last wins. By-reference and indexed properties are not values.
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What was trimmed away reads as missing; see the remarks.")]
    private static PropertyInfo? Look(Type type, string name)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.Name == name && property.CanRead && !property.PropertyType.IsByRef && property.GetIndexParameters().Length == 0)
            {
                return property;
            }
        }

        return null;
    }
}
