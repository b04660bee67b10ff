using System.Globalization;
using Microsoft.Extensions.Configuration;
using static LlmCostCache.AI.ConfigurationValue;

namespace LlmCostCache.AI;

/// <summary>A budget of a configuration: period, limit, unit, who it counts and what it does.</summary>
internal static class BudgetConfiguration
{
    public static Budget BudgetOf(IConfigurationSection section)
    {
        var period = (section["Period"] ?? throw Missing(section, "Period")).ToUpperInvariant();
        var unit = section["Unit"] is null ? BudgetUnit.Usd : Name<BudgetUnit>(section.GetSection("Unit"));
        var limit = unit == BudgetUnit.Usd
            ? Read(section.GetSection("Limit"), static text => BudgetAmount.FromUsd(decimal.Parse(text, NumberStyles.Number, CultureInfo.InvariantCulture)), "an amount in US dollars")
            : Read(section.GetSection("Limit"), text => BudgetAmount.Of(unit, long.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowThousands, CultureInfo.InvariantCulture)), "a whole number");
        var span = section["Span"] is null
            ? (period == "ROLLING" ? throw Missing(section, "Span") : (TimeSpan?)null)
            : period == "ROLLING" ? Read(section.GetSection("Span"), static text => TimeSpan.Parse(text, CultureInfo.InvariantCulture), "a time span such as 24:00:00 or 7.00:00:00")
            : throw Wrong(section.GetSection("Span"), "no span, because only the period Rolling has one");
        Budget budget;
        try
        {
            budget = period switch
            {
                "PERCALL" => Budget.PerCall(limit),
                "MINUTE" => Budget.PerMinute(limit),
                "HOUR" or "HOURLY" => Budget.Hourly(limit),
                "DAY" or "DAILY" => Budget.Daily(limit),
                "WEEK" or "WEEKLY" => Budget.Weekly(limit),
                "MONTH" or "MONTHLY" => Budget.Monthly(limit),
                "QUARTER" or "QUARTERLY" => Budget.Quarterly(limit),
                "YEAR" or "YEARLY" => Budget.Yearly(limit),
                "ROLLING" => Budget.Rolling(limit, span!.Value),
                "TOTAL" => Budget.Total(limit),
                _ => throw Wrong(section.GetSection("Period"), "PerCall, Minute, Hour, Day, Week, Month, Quarter, Year, Rolling or Total"),
            };
        }
        catch (ArgumentOutOfRangeException exception) when (exception.ParamName == "span")
        {
            throw Wrong(section.GetSection("Span"), "a span from one second to 366 days, in whole milliseconds");
        }
        catch (ArgumentOutOfRangeException)
        {
            throw Wrong(section.GetSection("Limit"), unit == BudgetUnit.Usd ? "an amount in US dollars, zero or more" : "a whole number, zero or more");
        }

        foreach (var entry in section.GetChildren())
        {
            var key = entry.Key.ToUpperInvariant();
            var value = entry.Value ?? "";
            budget = key switch
            {
                "PERIOD" or "LIMIT" or "UNIT" or "SPAN" => budget,
                "NAME" => budget.Named(value),
                "FALLBACKTO" => budget.FallBackTo(value),
                "MODE" => Name<BudgetMode>(entry) switch
                {
                    BudgetMode.Warn => budget.Warn(),
                    BudgetMode.Balanced => budget.Balanced(),
                    _ => budget,
                },
                _ => BudgetText.For(budget, entry.Key.ToLowerInvariant(), value) ?? throw Unknown(entry),
            };
        }

        return budget;
    }
}
