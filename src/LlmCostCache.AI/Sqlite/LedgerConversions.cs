using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>At which rates rows were converted. Reads an index of those rows alone, and the rows themselves only when a filter needs them.</summary>
internal static class LedgerConversions
{
    // As the index has it, to the letter.
    private const string Key = "currency || ' ' || fx_rate || ' ' || ifnull(fx_date, '')";

    /// <summary>The rates by currency, then by day, assumed ones first.</summary>
    public static IReadOnlyList<LedgerConversion> Read(SqliteConnection connection, LedgerFilter filter)
    {
        (string Condition, string End, string? Value)[] conditions =
        [
            ("tenant = ", "", filter.Tenant), ("project = ", "", filter.Project), ("team = ", "", filter.Team), ("user = ", "", filter.User), ("feature = ", "", filter.Feature),
            ("session = ", "", filter.Session), ("agent = ", "", filter.Agent), ("provider = ", "", filter.Provider), ("model = ", "", filter.Model),
            ("status = ", "", filter.Status is { } status ? LedgerWords.Word(status) : null),
            ("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ", ")", filter.Tag),
        ];
        var wanted = conditions.Where(condition => condition.Value is not null).ToArray();

        // The rates are few and their rows many, so the index is asked for the next rate and then for its rows in the span. An adjustment says again at which rate
        // its call was converted; it counts when it is the first to say so, as for calls that were settled late.
        using var rates = new SqliteStatement(connection, $"""
            WITH RECURSIVE rate (key) AS (
                SELECT MIN({Key}) FROM entry INDEXED BY entry_exchange WHERE fx_rate IS NOT NULL
                UNION ALL
                SELECT (SELECT MIN({Key}) FROM entry INDEXED BY entry_exchange WHERE fx_rate IS NOT NULL AND {Key} > rate.key)
                  FROM rate WHERE rate.key IS NOT NULL
            )
            SELECT key, (
                SELECT COUNT(*) - ifnull(SUM(adjusts IS NOT NULL AND EXISTS (SELECT 1 FROM entry AS call WHERE call.seq = entry.adjusts AND call.fx_rate IS NOT NULL)), 0)
                  FROM entry INDEXED BY entry_exchange
                 WHERE fx_rate IS NOT NULL AND {Key} = rate.key AND at >= ?1 AND at < ?2{string.Concat(wanted.Select((condition, i) => $" AND {condition.Condition}?{i + 3}{condition.End}"))})
              FROM rate WHERE key IS NOT NULL
            """);
        rates.Bind(1, LedgerReader.Since(filter)).Bind(2, LedgerReader.Until(filter));
        for (var i = 0; i < wanted.Length; i++)
        {
            rates.Bind(3 + i, wanted[i].Value);
        }

        List<LedgerConversion> conversions = [];
        while (rates.Step())
        {
            if (rates.Int64(1) is > 0 and var calls)
            {
                var words = rates.Text(0).Split(' ');
                var day = words[2].Length > 0 ? DateOnly.ParseExact(words[2], "yyyy-MM-dd", CultureInfo.InvariantCulture) : (DateOnly?)null;
                conversions.Add(new(words[0], decimal.Parse(words[1], CultureInfo.InvariantCulture), day, calls));
            }
        }

        // 7.2 and 7.20 are one rate, however it was written down.
        return [.. from conversion in conversions
                   group conversion by (conversion.Currency, conversion.Day, conversion.Rate) into rate
                   orderby rate.Key.Currency, rate.Key.Day, rate.Key.Rate
                   select rate.First() with { Calls = rate.Sum(conversion => conversion.Calls) }];
    }
}
