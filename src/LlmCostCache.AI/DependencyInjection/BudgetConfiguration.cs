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
            ? Read(section.GetSection("Limit"), static text => BudgetAmount.FromUsd(Dollars(text)), "an amount in US dollars such as 10 or 0.25")
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
                "PERCALL" or "CALL" => Budget.PerCall(limit),
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
            budget = key switch
            {
                "PERIOD" or "LIMIT" or "UNIT" or "SPAN" => budget,
                "NAME" => Named(entry, budget.Named),
                "FALLBACKTO" => FallBackTo(budget, entry),
                "WAITFOR" => WaitFor(budget, entry),
                "NOTIFYAT" => NotifyAt(budget, entry),
                "MODE" => Name<BudgetMode>(entry) switch
                {
                    BudgetMode.Warn => budget.Warn(),
                    BudgetMode.Balanced => budget.Balanced(),
                    _ => budget,
                },
                _ => Named(entry, name => BudgetText.For(budget, entry.Key.ToLowerInvariant(), name)) ?? throw Unknown(entry),
            };
        }

        return budget;
    }

    /// <summary>Something with a name from a configuration; what is no name is refused with the place where it stands.</summary>
    internal static T Named<T>(IConfigurationSection entry, Func<string, T> name)
    {
        try
        {
            return name(entry.Value ?? "");
        }
        catch (ArgumentException)
        {
            throw Wrong(entry, entry.Key.ToUpperInvariant() is "NAME" or "MODEL" or "TAG" ? "a name" : "a name, or * for each of them");
        }
    }

    // One value with commas, as in an environment variable, or a list.
    private static string[] Values(IConfigurationSection entry) =>
        entry.Value is { } value ? value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [.. entry.GetChildren().Select(static child => child.Value ?? "")];

    private static Budget FallBackTo(Budget budget, IConfigurationSection entry)
    {
        try
        {
            return budget.FallBackTo(Values(entry));
        }
        catch (ArgumentException)
        {
            throw Wrong(entry, "a model, or several in the order in which they are asked");
        }
    }

    private static Budget WaitFor(Budget budget, IConfigurationSection entry)
    {
        try
        {
            return budget.WaitFor(Read(entry, static text => TimeSpan.Parse(text, CultureInfo.InvariantCulture), "a time span above zero and up to a day, such as 00:05:00"));
        }
        catch (ArgumentOutOfRangeException)
        {
            throw Wrong(entry, "a time span above zero and up to a day, such as 00:05:00");
        }
    }

    private static Budget NotifyAt(Budget budget, IConfigurationSection entry)
    {
        try
        {
            return budget with { AnnouncedAt = BudgetThresholds.Of(Values(entry).Select(static share => decimal.Parse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture))) };
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
        {
            throw Wrong(entry, "shares of the limit above 0 and up to 10, such as 0.5,0.8,1");
        }
    }
}
