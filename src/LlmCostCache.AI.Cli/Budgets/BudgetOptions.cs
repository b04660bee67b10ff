using System.CommandLine;
using System.Globalization;

namespace LlmCostCache.AI.Cli.Budgets;

/// <summary>The options that say which budget is meant: scope, period, unit and name, which make its identity.</summary>
internal sealed class BudgetOptions
{
    private static readonly string[] s_periods = ["call", "minute", "hour", "day", "week", "month", "quarter", "year", "rolling", "total"];

    private readonly Option<string[]> _scope = new("--scope")
    {
        Description = "Whose calls count, such as user=alice; * gives each value a budget of its own. Several narrow it: team=search,user=*. "
            + "Names: tenant, project, team, user, feature, session, agent, model, tag [default: every call]",
        HelpName = "NAME=VALUE",
    };

    private readonly Option<string?> _period = new("--period") { Description = $"What the limit is for: {string.Join(", ", s_periods)}", HelpName = "PERIOD" };
    private readonly Option<string?> _span = new("--span") { Description = "How long the span of a rolling budget is, such as 90s, 30m, 24h or 7d", HelpName = "SPAN" };
    private readonly Option<string?> _unit = new("--unit") { Description = "What is counted: usd, tokens, requests [default: usd]", HelpName = "UNIT" };
    private readonly Option<string?> _name = new("--name") { Description = "The name of the budget, part of what makes it this one", HelpName = "NAME" };

    public BudgetOptions()
    {
        _period.AcceptOnlyFromAmong([.. s_periods, "percall"]);
        _unit.AcceptOnlyFromAmong("usd", "tokens", "requests");
    }

    public Option<string?> Note { get; } = new("--note") { Description = "Why, for the history", HelpName = "TEXT" };

    public Option<string?> By { get; } = new("--by") { Description = "Who, for the history [default: the user who runs this]", HelpName = "WHO" };

    public void AddTo(Command command, bool changes)
    {
        command.Options.Add(_scope);
        command.Options.Add(_period);
        command.Options.Add(_span);
        command.Options.Add(_unit);
        command.Options.Add(_name);
        if (changes)
        {
            command.Options.Add(Note);
            command.Options.Add(By);
        }
    }

    public BudgetUnit UnitOf(ParseResult parse) => parse.GetValue(_unit) is { } unit ? Enum.Parse<BudgetUnit>(unit, ignoreCase: true) : BudgetUnit.Usd;

    /// <summary>An amount as it was written, in a unit.</summary>
    public static BudgetAmount Amount(string argument, string text, BudgetUnit unit)
    {
        try
        {
            if (unit == BudgetUnit.Usd && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var usd))
            {
                var amount = BudgetAmount.FromUsd(usd);
                return amount.Count > 0 || usd == 0m ? amount
                    : throw new UsageException($"{argument} '{text}' is less than can be counted, which is 0.000000001 dollars.");
            }
        }
        catch (OverflowException)
        {
            throw new UsageException($"{argument} '{text}' is more than can be counted, which is 9.2 billion dollars.");
        }

        return unit != BudgetUnit.Usd && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? unit == BudgetUnit.Tokens ? BudgetAmount.Tokens(count) : BudgetAmount.Requests(count)
            : throw new UsageException(unit == BudgetUnit.Usd
                ? $"{argument} '{text}' is not an amount of dollars like 5 or 0.25."
                : $"{argument} '{text}' is not a whole number of {unit.ToString().ToLowerInvariant()} like 100000.");
    }

    /// <summary>A span as it was written: a number with s, m, h or d behind it.</summary>
    public static TimeSpan SpanOf(string option, string text)
    {
        var unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3_600, 'd' => 86_400, _ => 0 };
        var span = unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? TimeSpan.FromSeconds(Math.Min((long)count * unit, int.MaxValue))
            : TimeSpan.Zero;
        return span >= RollingSlices.ShortestSpan && span <= RollingSlices.LongestSpan
            ? span
            : throw new UsageException($"{option} '{text}' is not a span from 1s to 366d, such as 90s, 30m, 24h or 7d.");
    }

    /// <summary>What is wrong, without the parameter's name, which is not an option's.</summary>
    public static string Sentence(ArgumentException wrong) => wrong.Message.Split(" (Parameter", 2)[0];

    /// <summary>The budget that the options describe, with a limit.</summary>
    public Budget Described(ParseResult parse, BudgetAmount limit)
    {
        var span = Span(parse);
        var budget = Period(parse) switch
        {
            null when span is null => throw new UsageException($"--period is missing; give one of {string.Join(", ", s_periods)}."),
            "rolling" or null when span is null => throw new UsageException("A rolling budget needs a --span such as 24h."),
            "rolling" or null => Budget.Rolling(limit, span!.Value),
            _ when span is not null => throw new UsageException("Only a rolling budget has a --span; give --period rolling, or leave it out."),
            "call" => Budget.PerCall(limit),
            "minute" => Budget.PerMinute(limit),
            "hour" => Budget.Hourly(limit),
            "day" => Budget.Daily(limit),
            "week" => Budget.Weekly(limit),
            "month" => Budget.Monthly(limit),
            "quarter" => Budget.Quarterly(limit),
            "year" => Budget.Yearly(limit),
            _ => Budget.Total(limit),
        };
        budget = Scoped(parse, budget);
        return parse.GetValue(_name) is { } name ? budget.Named(Named(name)) : budget;
    }

    /// <summary>The one budget of those there are that the options leave.</summary>
    public BudgetStanding Find(ParseResult parse, IReadOnlyList<BudgetStanding> standings)
    {
        var found = standings.Where(Chosen(parse)).ToList();
        if (found.Count > 1 && !IsGiven(parse, _scope) && found.Where(standing => standing.Budget.Scope == BudgetScope.Everything).ToList() is [var plain])
        {
            // No scope is a scope too: the calls of everybody.
            return plain;
        }

        return found switch
        {
            [var only] => only,
            [] => throw new UsageException(standings.Count == 0
                ? "There are no budgets yet. Set one with 'llmcost budget set'."
                : $"No budget is like that. There are: {Names(standings)}."),
            _ => throw new UsageException($"Several budgets are like that: {Names(found)}. Say which with --scope, --period, --unit or --name."),
        };
    }

    /// <summary>Whether a budget is one that the options leave; every one without options.</summary>
    public Func<BudgetStanding, bool> Chosen(ParseResult parse)
    {
        var like = Like(parse);
        return standing => like(standing.Budget);
    }

    public Func<Budget, bool> Like(ParseResult parse)
    {
        var scope = IsGiven(parse, _scope) ? Scoped(parse, Budget.Total(0m)).Scope : null;
        var span = Span(parse);
        var period = Period(parse) ?? (span is null ? null : "rolling");
        var unit = parse.GetValue(_unit) is null ? (BudgetUnit?)null : UnitOf(parse);
        var name = parse.GetValue(_name);
        return budget => (scope is null || budget.Scope == scope) && (period is null || BudgetFields.Period(budget) == period) && (span is null || budget.Span == span)
            && (unit is null || budget.Unit == unit) && (name is null || budget.GivenName == name || budget.Name == name);
    }

    private Budget Scoped(ParseResult parse, Budget budget)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in (parse.GetValue(_scope) ?? []).SelectMany(scope => scope.Split(',')))
        {
            var split = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = split < 0 ? (part, "") : (part[..split], part[(split + 1)..]);
            if (string.IsNullOrWhiteSpace(value))
            {
                throw new UsageException($"--scope '{part}' is not a name with a value, such as user=alice or user=*.");
            }

            if (!names.Add(name))
            {
                throw new UsageException($"--scope names '{name}' twice: a budget counts the calls of one {name}, or gives each its own with {name}=*. Set one budget for each.");
            }

            if (value == BudgetScope.Each && name is ("model" or "tag"))
            {
                throw new UsageException($"--scope '{part}': a {name} has no budget for each of its values; name one.");
            }

            budget = BudgetText.For(budget, name, value)
                ?? throw new UsageException($"--scope '{part}': calls have no '{name}'; give tenant, project, team, user, feature, session, agent, model or tag.");
        }

        return budget;
    }

    // The word of earlier versions, which scripts may still say.
    private string? Period(ParseResult parse) => parse.GetValue(_period) is "percall" ? "call" : parse.GetValue(_period);

    private TimeSpan? Span(ParseResult parse) => parse.GetValue(_span) is { } text ? SpanOf("--span", text) : null;

    private static bool IsGiven(ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    private static string Named(string name) => string.IsNullOrWhiteSpace(name) ? throw new UsageException("--name is empty; leave the option out for no name.")
        : name == BudgetScope.Each ? throw new UsageException("--name '*' is not a name; --scope user=* and the like give each value a budget of its own.") : name;

    private static string Names(IEnumerable<BudgetStanding> standings)
    {
        const int Most = 10;
        var names = standings.Take(Most + 1).Select(standing => $"'{standing.Budget.Name}'").ToList();
        return names.Count > Most ? $"{string.Join(", ", names.Take(Most))} and others" : string.Join(", ", names);
    }
}
