using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Budgets;

/// <summary>Budgets, grants and changes as people and as machines read them.</summary>
internal static class BudgetFields
{
    /// <summary>The word of <c>--period</c>.</summary>
    public static string Period(Budget budget) => BudgetText.Word(budget.Period);

    public static string PeriodText(Budget budget) => budget.Span is { } span ? $"any {BudgetText.Length(span)}" : Period(budget);

    public static string Text(BudgetAmount amount) => amount.Unit == BudgetUnit.Usd ? Amounts.Text(amount.Money) : amount.ToString();

    /// <summary>Empty when it is not known.</summary>
    public static string Text(BudgetAmount? amount) => amount is { } known ? Text(known) : "";

    public static string Time(DateTimeOffset at, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(at, zone).ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    /// <summary>An amount that nobody knows to the cent.</summary>
    public static string About(BudgetAmount amount) => amount.Unit == BudgetUnit.Usd && amount.Usd >= 0.01m ? $"~{amount.Money.ToString("#,0.00", CultureInfo.InvariantCulture)}" : $"~{Text(amount)}";

    /// <summary>The name of a budget, and whose window it is where each has their own.</summary>
    public static string NameOf(BudgetWindow window) => window.Key.Length == 0 ? window.Budget.Name : $"{window.Budget.Name} [{window.Key}]";

    public static string ResetText(BudgetWindow window, TimeZoneInfo zone) =>
        window.Budget.Span is { } span ? $"rolls, {BudgetText.Length(span)}" : window.EndsAt == DateTimeOffset.MaxValue ? "never" : Time(window.EndsAt, zone);

    public static string Source(BudgetStanding standing) => !standing.IsSetAtRunTime ? "code" : standing.LimitInCode is { } code ? $"set (code: {Text(code)})" : "set";

    /// <summary>When it is announced, in percent of the limit: <c>50, 80, 90, 100 %</c>; empty when it never is.</summary>
    public static string Thresholds(Budget budget) => budget.Thresholds.Count == 0 ? "" : $"{string.Join(", ", budget.Thresholds.Select(share => Decimals.Text(share * 100)))} %";

    public static void Write(Utf8JsonWriter json, Budget budget)
    {
        json.WriteString("name", budget.Name);
        json.WriteString("scope", budget.Scope.ToString());
        json.WriteString("period", Period(budget));
        if (budget.Span is { } span)
        {
            json.WriteNumber("span_seconds", (decimal)span.Ticks / TimeSpan.TicksPerSecond);
        }

        json.WriteString("unit", BudgetText.Word(budget.Unit));
    }

    /// <summary>Money as its exact dollars and nano-dollars, tokens and requests as their number.</summary>
    public static void Write(Utf8JsonWriter json, string name, BudgetAmount? amount, BudgetUnit unit)
    {
        if (unit != BudgetUnit.Usd)
        {
            WriteNumber(json, $"{name}_{BudgetText.Word(unit)}", amount?.Count);
            return;
        }

        if (amount is { } money)
        {
            json.WriteString($"{name}_usd", Decimals.Text(money.Usd));
        }
        else
        {
            json.WriteNull($"{name}_usd");
        }

        WriteNumber(json, $"{name}_nanos", amount?.Count);
    }

    public static void Write(Utf8JsonWriter json, BudgetStanding standing, BudgetStatuses? statuses = null)
    {
        json.WriteStartObject();
        Write(json, standing.Budget);
        json.WriteString("mode", BudgetText.Word(standing.Budget.Mode));
        json.WriteString("fallback", standing.Budget.FallbackModel);
        json.WriteStartArray("fallbacks");
        foreach (var model in standing.Budget.FallbackModels)
        {
            json.WriteStringValue(model);
        }

        json.WriteEndArray();
        json.WriteStartArray("thresholds");
        foreach (var share in standing.Budget.Thresholds)
        {
            json.WriteNumberValue(share);
        }

        json.WriteEndArray();
        Write(json, "limit", standing.Budget.Amount, standing.Budget.Unit);
        json.WriteString("source", standing.IsSetAtRunTime ? "set" : "code");
        Write(json, "limit_in_code", standing.LimitInCode, standing.Budget.Unit);
        TotalJson.WriteInstant(json, "given_at", standing.GivenSince);
        TotalJson.WriteInstant(json, "last_given_at", standing.LastGivenAt);
        TotalJson.WriteInstant(json, "set_at", standing.SetAt);
        json.WriteString("set_by", standing.SetBy);
        json.WriteString("note", standing.Note);
        json.WriteStartArray("grants");
        foreach (var grant in standing.Grants)
        {
            json.WriteStartObject();
            WriteFields(json, grant);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("windows");
        foreach (var use in standing.Uses)
        {
            json.WriteStartObject();
            json.WriteString("key", use.Key);
            TotalJson.WriteInstant(json, "since", use.StartsAt);
            TotalJson.WriteInstant(json, "until", use.EndsAt);
            Write(json, "limit", use.Limit, use.Limit.Unit);
            Write(json, "spent", use.Spent, use.Limit.Unit);
            Write(json, "reserved", use.Reserved, use.Limit.Unit);
            Write(json, "left", use.Left, use.Limit.Unit);
            if (statuses is not null)
            {
                var status = statuses.Of(standing.Budget, use.Key);
                Write(json, "hourly_rate", status?.HourlyRate, use.Limit.Unit);
                Write(json, "projected", status?.Projected, use.Limit.Unit);
                json.WriteString("projection_basis", Basis(status?.ProjectionBasis));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void WriteFields(Utf8JsonWriter json, BudgetGrant grant)
    {
        json.WriteNumber("grant", grant.Id);
        json.WriteString("key", grant.Key);
        Write(json, "amount", grant.Amount, grant.Amount.Unit);
        TotalJson.WriteInstant(json, "from", grant.From);
        TotalJson.WriteInstant(json, "until", grant.Until);
        json.WriteString("by", grant.By);
        json.WriteString("note", grant.Note);
    }

    private static string? Basis(ProjectionBasis? basis) => basis switch
    {
        ProjectionBasis.LastHour => "last_hour",
        ProjectionBasis.LastDay => "last_day",
        ProjectionBasis.HourOfWeek => "hour_of_week",
        _ => null,
    };

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
