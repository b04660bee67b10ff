using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>At which rates rows were converted. Reads an index of those rows alone, and the rows themselves only when a filter needs them.</summary>
internal static class LedgerConversions
{
    /// <summary>The rates by currency, then by day, assumed ones first.</summary>
    public static IReadOnlyList<LedgerConversion> Read(SqliteConnection connection, LedgerFilter filter)
    {
        (string Condition, string? Value)[] conditions =
        [
            ("tenant = ?", filter.Tenant), ("project = ?", filter.Project), ("team = ?", filter.Team), ("user = ?", filter.User), ("feature = ?", filter.Feature),
            ("session = ?", filter.Session), ("agent = ?", filter.Agent), ("provider = ?", filter.Provider), ("model = ?", filter.Model),
            ("status = ?", filter.Status is { } status ? LedgerWords.Word(status) : null),
            ("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", filter.Tag),
        ];
        var wanted = conditions.Where(condition => condition.Value is not null).ToArray();

        // An adjustment says again at which rate its call was converted; it counts when it is the first to say so, as for calls that were settled late.
        using var rates = new SqliteStatement(connection, $"""
            SELECT currency, fx_rate, fx_date,
                   COUNT(*) - SUM(adjusts IS NOT NULL AND EXISTS (SELECT 1 FROM entry AS call WHERE call.seq = entry.adjusts AND call.fx_rate IS NOT NULL))
              FROM entry INDEXED BY entry_exchange
             WHERE fx_rate IS NOT NULL AND at >= ? AND at < ?{string.Concat(wanted.Select(condition => $" AND {condition.Condition}"))}
             GROUP BY 1, 2, 3
             ORDER BY 1, 3, 2
            """);
        rates.Bind(1, LedgerReader.Since(filter)).Bind(2, LedgerReader.Until(filter));
        for (var i = 0; i < wanted.Length; i++)
        {
            rates.Bind(3 + i, wanted[i].Value);
        }

        List<LedgerConversion> conversions = [];
        while (rates.Step())
        {
            if (rates.Int64(3) is > 0 and var calls)
            {
                var day = rates.NullableText(2) is { } date ? DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture) : (DateOnly?)null;
                conversions.Add(new(rates.Text(0), decimal.Parse(rates.Text(1), CultureInfo.InvariantCulture), day, calls));
            }
        }

        return conversions;
    }
}
