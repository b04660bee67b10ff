using System.Globalization;
using System.Runtime.CompilerServices;
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
    // A note of its own: the cost is written further in, before anybody knows whether the answer is stored.
    private const string BypassPrefix = "llmcostcache.bypass.";
    private const int MostBypassReasons = 8;
    private const char Separator = ';';

    public static string KeyOf(string attemptId) => KeyPrefix + attemptId;

    public static string BypassKeyOf(string attemptId) => BypassPrefix + attemptId;

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
        string? first = null;
        HashSet<string>? seen = null;
        List<string>? bypasses = null;
        foreach (var dictionary in properties)
        {
            if (dictionary is null)
            {
                continue;
            }

            foreach (var (key, value) in dictionary)
            {
                if (key.StartsWith(KeyPrefix, StringComparison.Ordinal) && Text(value) is { } text && IsNew(key) && Read(text) is { } cost)
                {
                    sum = sum is null ? cost : sum + cost;
                }
                else if (key.StartsWith(BypassPrefix, StringComparison.Ordinal) && Text(value) is { } reason
                    && (bypasses ??= []).Count < MostBypassReasons && !bypasses.Contains(reason))
                {
                    bypasses.Add(reason);
                }
            }
        }

        sum ??= CallCost.Unpriced("No cost travels with this answer: it did not come through UseUsageMetering, or it is a piece of a stream that is not the last.");
        return bypasses is null ? sum : sum with { CacheBypassReason = string.Join("; ", bypasses) };

        // Nearly every answer has one attempt.
        bool IsNew(string key)
        {
            if (first is null)
            {
                first = key;
                return true;
            }

            return key != first && (seen ??= []).Add(key);
        }
    }

    public static string Write(CallCost cost)
    {
        Span<long> counts = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(cost.Usage, counts);

        // Every hit writes one: on the stack, so that only the text itself is allocated.
        Span<char> buffer = stackalloc char[512];
        var text = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, buffer);
        text.AppendLiteral("2;");
        foreach (var number in (ReadOnlySpan<long>)[(long)cost.Certainty, cost.Low.Nanos, cost.High.Nanos, cost.Saved.Nanos, (long)cost.CacheLayer])
        {
            text.AppendFormatted(number);
            text.AppendLiteral(";");
        }

        text.AppendLiteral(Escape(cost.PriceRevision));
        text.AppendLiteral(";");
        text.AppendLiteral(Escape(cost.Reason));
        foreach (var count in counts)
        {
            text.AppendLiteral(";");
            text.AppendFormatted(count);
        }

        return text.ToStringAndClear();
    }

    /// <summary>Null when the text was not written by <see cref="Write"/>: properties can come from anywhere.</summary>
    public static CallCost? Read(string text)
    {
        Span<Range> parts = stackalloc Range[8 + TokenBuckets.Count + 1];
        var found = text.AsSpan().Split(parts, Separator);

        // Conversations that were stored before there were more buckets carry the first form.
        var counted = text.AsSpan(parts[0]) switch { "2" => TokenBuckets.Count, "1" => TokenBuckets.FirstCount, _ => -1 };
        if (found != 8 + counted || !long.TryParse(text.AsSpan(parts[1]), NumberStyles.None, CultureInfo.InvariantCulture, out var certainty) || certainty > 2
            || !TryNumber(text.AsSpan(parts[2]), out var low) || !TryNumber(text.AsSpan(parts[3]), out var high) || !TryNumber(text.AsSpan(parts[4]), out var saved)
            || !TryNumber(text.AsSpan(parts[5]), out var layer) || layer is < 0 or > (int)CacheLayer.Coalesced)
        {
            return null;
        }

        Span<long> counts = stackalloc long[TokenBuckets.Count];
        counts.Clear();
        for (var i = 0; i < counted; i++)
        {
            if (!TryNumber(text.AsSpan(parts[8 + i]), out counts[i]))
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
            PriceRevision = Unescape(text.AsSpan(parts[6])),
            Reason = Unescape(text.AsSpan(parts[7])),
            Usage = TokenBuckets.Read(counts),
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

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    // Only what would end the field or look like an escape.
    private static string Escape(string? text) => text is null ? ""
        : !text.AsSpan().ContainsAny('%', Separator) ? text
        : text.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static string? Unescape(ReadOnlySpan<char> text) => text.IsEmpty ? null : Uri.UnescapeDataString(text);
}
