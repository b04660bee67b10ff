using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Carries a <see cref="CacheControl"/> in the additional properties of options as a string that survives cloning and
/// JSON.</summary>
internal static class CacheControlCarrier
{
    /// <summary>The door removes this property before the provider's adapter sees the options.</summary>
    public const string Key = "llmcostcache.cache";

    private const string Version = "v1";

    public static CacheControl? Find(AdditionalPropertiesDictionary? properties)
    {
        if (properties is null || !properties.TryGetValue(Key, out var value))
            return null;

        return value switch
        {
            string text => Read(text),
            JsonElement { ValueKind: JsonValueKind.String } json => Read(json.GetString()!),
            _ => Unreadable(),
        };
    }

    public static AdditionalPropertiesDictionary Put(AdditionalPropertiesDictionary? properties, Action<CacheControl> configure)
    {
        var control = Find(properties) ?? new CacheControl();
        configure(control);
        properties ??= [];
        properties[Key] = Write(control);
        return properties;
    }

    public static string Write(CacheControl control)
    {
        var text = new StringBuilder(Version);
        if (control.IsBypass)
            text.Append(";bypass");

        if (control.IsRefresh)
            text.Append(";refresh");

        if (control.IsNoStore)
            text.Append(";nostore");

        if (control.Lifetime is { } lifetime)
            text.Append(";ttl=").Append(lifetime.TotalSeconds.ToString("0.#######", CultureInfo.InvariantCulture));

        if (control.SlidingFor is { } sliding)
            text.Append(";sliding=").Append(sliding.TotalSeconds.ToString("0.#######", CultureInfo.InvariantCulture));

        if (control.StaleFor is { } stale)
            text.Append(";stale=").Append(stale.TotalSeconds.ToString("0.#######", CultureInfo.InvariantCulture));

        if (control.NamespaceName is { } name)
            text.Append(";ns=").Append(Uri.EscapeDataString(name));

        foreach (var tag in control.Tags.Distinct(StringComparer.Ordinal))
            text.Append(";tag=").Append(Uri.EscapeDataString(tag));

        return text.ToString();
    }

    private static CacheControl Read(string text)
    {
        var parts = text.Split(';');
        if (parts[0] != Version)
            return Unreadable();

        var control = new CacheControl();
        foreach (var part in parts.AsSpan(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var value = equals < 0 ? "" : Uri.UnescapeDataString(part[(equals + 1)..]);
            switch (equals < 0 ? part : part[..equals])
            {
                case "bypass":
                    control.Bypass();
                    break;
                case "refresh":
                    control.Refresh();
                    break;
                case "nostore":
                    control.NoStore();
                    break;
                case "ttl" when TryDuration(value, out var lifetime) && lifetime > TimeSpan.Zero:
                    control.TimeToLive(lifetime);
                    break;
                case "sliding" when TryDuration(value, out var sliding) && sliding > TimeSpan.Zero:
                    control.SlidingExpiration(sliding);
                    break;
                case "stale" when TryDuration(value, out var stale):
                    control.ServeStale(stale);
                    break;
                case "ns" when !string.IsNullOrWhiteSpace(value):
                    control.Namespace(value);
                    break;
                case "tag" when !string.IsNullOrWhiteSpace(value):
                    control.Tag(value);
                    break;
                default:
                    return Unreadable();
            }
        }

        return control;
    }

    private static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            || seconds > (decimal)TimeSpan.MaxValue.TotalDays * 86400m / 2)
            return false;

        duration = TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    // Somebody wanted something that we cannot read; staying out of the way is the only wish that does no harm.
    private static CacheControl Unreadable() => new CacheControl().Bypass();
}
