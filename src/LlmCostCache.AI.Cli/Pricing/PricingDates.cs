using System.CommandLine;
using System.CommandLine.Parsing;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>The two dates of a price as options: when it must be in effect, and when it must have been known.</summary>
internal sealed class PricingDates
{
    public Option<DateTimeOffset?> AsOf { get; } = Instant("--as-of", "Use the prices in effect at this time [default: now]");

    public Option<DateTimeOffset?> KnownAt { get; } = Instant("--known-at", "Use only prices that were known at this time [default: all that are known now]");

    public void AddTo(Command command)
    {
        command.Options.Add(AsOf);
        command.Options.Add(KnownAt);
    }

    /// <summary>When prices must be in effect, and when they must have been known (null: now).</summary>
    public (DateTimeOffset At, DateTimeOffset? KnownAt) Read(ParseResult parse, TimeProvider time) => (parse.GetValue(AsOf) ?? time.GetUtcNow(), parse.GetValue(KnownAt));

    /// <summary>An option whose value is an instant; a day alone begins at midnight in UTC.</summary>
    public static Option<DateTimeOffset?> Instant(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = Parse,
    };

    private static DateTimeOffset? Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Instants.TryParse(text, out var instant))
        {
            return instant;
        }

        var option = result.Parent as OptionResult;
        result.AddError($"{option?.IdentifierToken?.Value ?? option?.Option.Name} '{text}' is not a time like 2026-08-20 or 2026-08-20T14:30:00Z.");
        return null;
    }
}
