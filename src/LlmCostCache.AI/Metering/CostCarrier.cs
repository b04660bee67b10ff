using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Carries the cost of an attempt with its answer, as a string among the additional properties: it survives JSON, function invocation (which
/// collects messages of several answers into one) and <c>ToChatResponse()</c> (which merges properties by name, so each attempt has a name of its own).
/// </summary>
internal static class CostCarrier
{
    /// <summary>What every property of ours begins with; cache keys leave such properties out and providers never see them.</summary>
    public const string OwnPrefix = "llmcostcache";

    private const string KeyPrefix = "llmcostcache.cost.";
    private const char Separator = ';';

    public static string KeyOf(string attemptId) => KeyPrefix + attemptId;

    public static bool IsOwn(string key) => key.StartsWith(OwnPrefix, StringComparison.Ordinal);

    /// <summary>Whether a cost travels with these properties.</summary>
    public static bool IsIn(AdditionalPropertiesDictionary? properties) =>
        properties is not null && properties.Keys.Any(static key => key.StartsWith(KeyPrefix, StringComparison.Ordinal));

    /// <summary>Whether a cost travels with a response.</summary>
    public static bool IsIn(ChatResponse response) => IsIn(response.AdditionalProperties) || response.Messages.Any(message => IsIn(message.AdditionalProperties));

    /// <summary>Adds up the costs found in the given properties, each attempt once.</summary>
    public static CallCost Sum(IEnumerable<AdditionalPropertiesDictionary?> properties)
    {
        CallCost? sum = null;
        HashSet<string>? seen = null;
        foreach (var dictionary in properties)
        {
            if (dictionary is null)
            {
                continue;
            }

            foreach (var (key, value) in dictionary)
            {
                if (key.StartsWith(KeyPrefix, StringComparison.Ordinal) && Text(value) is { } text && (seen ??= []).Add(key) && Read(text) is { } cost)
                {
                    sum = sum is null ? cost : sum + cost;
                }
            }
        }

        return sum ?? CallCost.Unpriced("No cost travels with this answer: it did not come through UseUsageMetering, or it is a piece of a stream that is not the last.");
    }

    public static string Write(CallCost cost)
    {
        var usage = cost.Usage;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"1;{(int)cost.Certainty};{cost.Low.Nanos};{cost.High.Nanos};{cost.Saved.Nanos};{(int)cost.CacheLayer};{Escape(cost.PriceRevision)};{Escape(cost.Reason)};{usage.UncachedInputTokens};{usage.CachedInputTokens};{usage.CacheWrite5mTokens};{usage.CacheWrite1hTokens};{usage.InputAudioTokens};{usage.CachedAudioTokens};{usage.InputImageTokens};{usage.OutputTokens};{usage.ReasoningTokens};{usage.OutputAudioTokens};{usage.OutputImageTokens};{usage.Requests};{usage.WebSearches};{usage.Milliseconds};{usage.Characters}");
    }

    /// <summary>Null when the text was not written by <see cref="Write"/>: properties can come from anywhere.</summary>
    public static CallCost? Read(string text)
    {
        var parts = text.Split(Separator);
        if (parts.Length != 23 || parts[0] != "1" || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var certainty) || certainty > 2
            || !TryNumber(parts[2], out var low) || !TryNumber(parts[3], out var high) || !TryNumber(parts[4], out var saved)
            || !TryNumber(parts[5], out var layer) || layer is < 0 or > (int)CacheLayer.Coalesced)
        {
            return null;
        }

        var counts = new long[15];
        for (var i = 0; i < counts.Length; i++)
        {
            if (!TryNumber(parts[8 + i], out counts[i]))
            {
                return null;
            }
        }

        return new CallCost
        {
            Certainty = (CostCertainty)certainty,
            Amount = certainty == (int)CostCertainty.Unknown ? null : Money.FromNanos(high),
            Low = Money.FromNanos(low),
            High = Money.FromNanos(high),
            Saved = Money.FromNanos(saved),
            CacheLayer = (CacheLayer)layer,
            PriceRevision = Unescape(parts[6]),
            Reason = Unescape(parts[7]),
            Usage = new TokenUsage
            {
                UncachedInputTokens = counts[0],
                CachedInputTokens = counts[1],
                CacheWrite5mTokens = counts[2],
                CacheWrite1hTokens = counts[3],
                InputAudioTokens = counts[4],
                CachedAudioTokens = counts[5],
                InputImageTokens = counts[6],
                OutputTokens = counts[7],
                ReasoningTokens = counts[8],
                OutputAudioTokens = counts[9],
                OutputImageTokens = counts[10],
                Requests = counts[11],
                WebSearches = counts[12],
                Milliseconds = counts[13],
                Characters = counts[14],
            },
        };
    }

    /// <summary>The same properties without ours; the very same object when there are none of ours in it.</summary>
    public static AdditionalPropertiesDictionary? WithoutOwn(AdditionalPropertiesDictionary? properties)
    {
        if (properties is null || !properties.Keys.Any(IsOwn))
        {
            return properties;
        }

        var rest = new AdditionalPropertiesDictionary();
        foreach (var (key, value) in properties)
        {
            if (!IsOwn(key))
            {
                rest[key] = value;
            }
        }

        return rest.Count == 0 ? null : rest;
    }

    // After a round trip through JSON the string is an element.
    private static string? Text(object? value) => value switch
    {
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
        _ => null,
    };

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    // Only what would end the field or look like an escape.
    private static string Escape(string? text) => text is null ? ""
        : !text.AsSpan().ContainsAny('%', Separator) ? text
        : text.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static string? Unescape(string text) => text.Length == 0 ? null : Uri.UnescapeDataString(text);
}
