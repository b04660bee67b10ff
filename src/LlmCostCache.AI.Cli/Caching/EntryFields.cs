using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>An entry of the cache as people and machines read it; never a word of question or answer.</summary>
internal static class EntryFields
{
    /// <summary>As many digits of a key as are shown; a prefix of any length is enough to name one.</summary>
    public const int ShortKeyLength = 12;

    private const string Hidden = "(encrypted)";

    // A file that anybody can write may hold names of megabytes, and a table is laid out around its widest.
    private const int LongestName = 200;

    public static string ShortKey(CacheEntry entry) => entry.Key.ToString()[..ShortKeyLength];

    public static string Model(CacheEntry entry) => entry.IsSealed ? Hidden : entry.Model.Length == 0 ? "(none)" : Cut(entry.Model);

    public static string Namespace(CacheEntry entry) => entry.IsSealed ? Hidden : Cut(entry.Namespace);

    public static string Tenant(CacheEntry entry) => entry.IsSealed ? Hidden : Cut(entry.Tenant ?? "");

    private static string Cut(string name) => name.Length <= LongestName ? name : name[..LongestName] + "...";

    public static void WriteFields(Utf8JsonWriter json, CacheEntry entry, DateTimeOffset now)
    {
        json.WriteString("key", entry.Key.ToString());
        json.WriteString("kind", entry.IsEmbedding ? "embedding" : "chat");
        json.WriteString("model", entry.IsSealed ? null : entry.Model);
        json.WriteString("namespace", entry.IsSealed ? null : entry.Namespace);
        json.WriteString("tenant", entry.IsSealed ? null : entry.Tenant);
        TotalJson.WriteInstant(json, "stored_at", entry.StoredAt);
        TotalJson.WriteInstant(json, "expires_at", entry.ExpiresAt);
        TotalJson.WriteInstant(json, "kept_until", entry.KeptUntil);
        TotalJson.WriteInstant(json, "used_at", entry.UsedAt);
        json.WriteBoolean("expired", entry.IsExpired(now));
        json.WriteBoolean("encrypted", entry.SealedBy != 0);
        json.WriteNumber("bytes", entry.Bytes);
        json.WriteNumber("hits", entry.Hits);
        json.WriteString("saved_usd", Decimals.Text(entry.Saved));
        json.WriteNumber("saved_nanos", entry.Saved.Nanos);
    }

    public static FittingTable Table(IEnumerable<CacheEntry> entries, DateTimeOffset now)
    {
        var table = new FittingTable().Words("key").Words("model").Words("namespace", 3).Words("tenant", 4).Words("stored", 5).Words("expires", 2)
            .Number("size", 1).Number("hits").Number("saved");
        foreach (var entry in entries)
        {
            table.Row(
                ShortKey(entry), Model(entry), Namespace(entry), Tenant(entry), Sizes.Text(entry.StoredAt), entry.IsExpired(now) ? "expired" : Sizes.Text(entry.ExpiresAt),
                Sizes.Text(entry.Bytes), Amounts.Count(entry.Hits), Amounts.Text(entry.Saved));
        }

        return table;
    }
}
