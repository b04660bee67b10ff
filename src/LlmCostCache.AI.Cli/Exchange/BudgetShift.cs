using System.Text.Json;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>A running window of a budget that rows from elsewhere have moved.</summary>
internal sealed record BudgetShift(string Budget, string Before, string After, string Limit)
{
    public string Sentence => $"The budget '{Budget}' now stands at {After} of {Limit}; it was {Before}.";

    /// <summary>Where the windows stand that are open now, in the zone of the ledger; nowhere while nothing is to be written.</summary>
    public static IReadOnlyList<WindowBalance> Read(string home, SqliteLedgerStore? store, TimeProvider time)
    {
        if (store is null)
        {
            return [];
        }

        using var reader = LedgerReader.Open(LedgerFile.PathIn(home), time);
        return reader.Balances();
    }

    public static IReadOnlyList<BudgetShift> Between(IReadOnlyList<WindowBalance> before, IReadOnlyList<WindowBalance> after)
    {
        // Applications of two zones have two days of one budget.
        var stood = before.ToDictionary(static balance => (balance.Window.Budget.Id, balance.Window.Key, balance.Window.StartsAt), static balance => balance.Spent.ToString());
        return
        [
            .. from balance in after
               let key = (balance.Window.Budget.Id, balance.Window.Key, balance.Window.StartsAt)
               where stood.TryGetValue(key, out var spent) && spent != balance.Spent.ToString()
               select new BudgetShift(
                   balance.Window.Key.Length == 0 ? balance.Window.Budget.Name ?? balance.Window.Budget.Id : $"{balance.Window.Budget.Name ?? balance.Window.Budget.Id} / {balance.Window.Key}",
                   stood[key], balance.Spent.ToString(), balance.Limit.ToString()),
        ];
    }

    public static void Write(Utf8JsonWriter json, IEnumerable<BudgetShift> shifts)
    {
        json.WriteStartArray("budgets");
        foreach (var shift in shifts)
        {
            json.WriteStartObject();
            json.WriteString("budget", shift.Budget);
            json.WriteString("before", shift.Before);
            json.WriteString("after", shift.After);
            json.WriteString("limit", shift.Limit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
