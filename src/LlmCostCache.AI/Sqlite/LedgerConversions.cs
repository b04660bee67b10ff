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
        var archives = new LedgerArchives(connection);
        var conversions = In(connection, filter, archives.Through + 1, long.MaxValue);
        foreach (var archive in archives.Between(LedgerReader.Since(filter), LedgerReader.Until(filter)).Where(static archive => archive.Conversions > 0))
        {
            using var file = archives.Open(archive);
            conversions.AddRange(In(file, filter, archive.FirstSequence, archive.MovedThrough));
        }

        // 7.2 and 7.20 are one rate, however it was written down.
        return [.. from conversion in conversions
                   group conversion by (conversion.Currency, conversion.Day, conversion.Rate) into rate
                   orderby rate.Key.Currency, rate.Key.Day, rate.Key.Rate
                   select rate.First() with { Calls = rate.Sum(conversion => conversion.Calls) }];
    }

    /// <summary>The rates that the rows of one file name, from one place in the sequence to another.</summary>
    private static List<LedgerConversion> In(SqliteConnection connection, LedgerFilter filter, long first, long last)
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
                SELECT COUNT(*) - ifnull(SUM(adjusts IS NOT NULL AND (adjusts < ?3 OR EXISTS (SELECT 1 FROM entry AS call WHERE call.seq = entry.adjusts AND call.fx_rate IS NOT NULL))), 0)
                  FROM entry INDEXED BY entry_exchange
                 WHERE fx_rate IS NOT NULL AND {Key} = rate.key AND at >= ?1 AND at < ?2 AND seq >= ?3 AND seq <= ?4{string.Concat(wanted.Select((condition, i) => $" AND {condition.Condition}?{i + 5}{condition.End}"))})
              FROM rate WHERE key IS NOT NULL
            """);
        rates.Bind(1, LedgerReader.Since(filter)).Bind(2, LedgerReader.Until(filter)).Bind(3, first).Bind(4, last);
        for (var i = 0; i < wanted.Length; i++)
        {
            rates.Bind(5 + i, wanted[i].Value);
        }

        List<LedgerConversion> conversions = [];
        while (rates.Step())
        {
            if (rates.Int64(1) is > 0 and var calls)
            {
                // From its end: whoever records a call may call its currency what he likes.
                var key = rates.Text(0);
                var beforeDay = key.LastIndexOf(' ');
                var beforeRate = key.LastIndexOf(' ', beforeDay - 1);
                var day = beforeDay + 1 < key.Length ? DateOnly.ParseExact(key.AsSpan(beforeDay + 1), "yyyy-MM-dd", CultureInfo.InvariantCulture) : (DateOnly?)null;
                conversions.Add(new(key[..beforeRate], decimal.Parse(key.AsSpan(beforeRate + 1, beforeDay - beforeRate - 1), CultureInfo.InvariantCulture), day, calls));
            }
        }

        return conversions;
    }
}
