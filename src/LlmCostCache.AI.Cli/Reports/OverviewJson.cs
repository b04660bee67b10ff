using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The overview as machines read it; each field is explained in docs/reference/json.md.</summary>
internal sealed class OverviewJson(Overview overview)
{
    public const string Schema = "overview/1";

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", overview.At);
        json.WriteString("timezone", overview.Zone.Id);
        json.WriteStartArray("periods");
        foreach (var (name, since, until, total) in overview.Periods)
        {
            json.WriteStartObject();
            json.WriteString("period", name.Replace(' ', '_'));
            TotalJson.WriteInstant(json, "since", since);
            TotalJson.WriteInstant(json, "until", until);
            TotalJson.WriteFields(json, total);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteBudgets(json);
        WriteTotals(json, "models", "model", overview.Models);
        WriteTotals(json, "days", "day", overview.LastDays);
        Conversions.WriteFields(json, overview.Converted);
        overview.Display?.WriteFields(json, overview.Month);
    }

    private void WriteBudgets(Utf8JsonWriter json)
    {
        var projected = overview.Projected.ToDictionary(pair => pair.Balance.Window, pair => pair.Status);
        json.WriteStartArray("budgets");
        foreach (var balance in overview.Budgets)
        {
            var (window, limit, spent, reserved) = balance;
            json.WriteStartObject();
            json.WriteString("name", window.Budget.Name);
            json.WriteString("key", window.Key);
            json.WriteString("scope", window.Budget.Scope.ToString());
            json.WriteString("period", BudgetText.Word(window.Budget.Period));
            json.WriteString("mode", window.Budget.Mode.ToString().ToLowerInvariant());
            TotalJson.WriteInstant(json, "since", window.StartsAt);
            TotalJson.WriteInstant(json, "until", window.EndsAt);
            var unit = window.Budget.Unit;
            var suffix = unit == BudgetUnit.Usd ? "nanos" : BudgetText.Word(unit);
            json.WriteString("unit", BudgetText.Word(unit));
            json.WriteNumber($"limit_{suffix}", limit.Count);
            json.WriteNumber($"spent_{suffix}", spent.Count);
            json.WriteNumber($"reserved_{suffix}", reserved.Count);
            json.WriteNumber($"left_{suffix}", BudgetGauge.Left(balance).Count);
            json.WriteNumber("used_share", decimal.Round(BudgetStatus.Share(spent, limit), 4));
            var status = projected.GetValueOrDefault(window);
            if (status?.Projected is { } end)
            {
                json.WriteNumber($"projected_{suffix}", end.Count);
            }
            else
            {
                json.WriteNull($"projected_{suffix}");
            }

            json.WriteString("projected_by", Word(status?.ProjectionBasis ?? ProjectionBasis.None));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTotals(Utf8JsonWriter json, string list, string name, IReadOnlyList<LedgerTotal> totals)
    {
        json.WriteStartArray(list);
        foreach (var total in totals)
        {
            json.WriteStartObject();
            json.WriteString(name, total.Key);
            TotalJson.WriteFields(json, total);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string? Word(ProjectionBasis basis) => basis switch
    {
        ProjectionBasis.LastHour => "last_hour",
        ProjectionBasis.LastDay => "last_day",
        ProjectionBasis.HourOfWeek => "hour_of_week",
        _ => null,
    };
}
