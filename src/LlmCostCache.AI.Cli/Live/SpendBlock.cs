using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Live;

/// <summary>A stretch of work: it begins with the full hour of its first call and lasts a set number of hours; the next one begins with the first call after it.</summary>
internal sealed record SpendBlock
{
    public required DateTimeOffset StartsAt { get; init; }

    public required DateTimeOffset EndsAt { get; init; }

    /// <summary>What was spent in each clock hour of it that had calls.</summary>
    public required IReadOnlyList<(DateTimeOffset StartsAt, LedgerTotal Total)> Hours { get; init; }

    public Money Spent => Hours.Aggregate(Money.Zero, (sum, hour) => sum + hour.Total.Spent);

    /// <summary>The lower end of <see cref="Spent"/>.</summary>
    public Money Low => Hours.Aggregate(Money.Zero, (sum, hour) => sum + hour.Total.Low);

    public Money Saved => Hours.Aggregate(Money.Zero, (sum, hour) => sum + hour.Total.Saved);

    public long Calls => Hours.Sum(hour => hour.Total.Calls);

    public long Hits => Hours.Sum(hour => hour.Total.Hits);

    public long Unpriced => Hours.Sum(hour => hour.Total.Unpriced);

    public long Tokens => Hours.Sum(hour => hour.Total.Usage.TotalTokens);

    /// <summary>Cuts totals by hour into blocks.</summary>
    public static IReadOnlyList<SpendBlock> Of(IReadOnlyList<LedgerTotal> byHour, LedgerCalendar calendar, TimeSpan length)
    {
        var periods = new Periods(LedgerDimension.Hour, calendar);
        var blocks = new List<SpendBlock>();
        var hours = new List<(DateTimeOffset StartsAt, LedgerTotal Total)>();
        foreach (var (startsAt, total) in byHour.Select(total => (periods.StartOf(total.Key!), total)).OrderBy(hour => hour.Item1))
        {
            if (hours.Count > 0 && startsAt - hours[0].StartsAt >= length)
            {
                blocks.Add(Block(hours, length));
                hours = [];
            }

            hours.Add((startsAt, total));
        }

        if (hours.Count > 0)
        {
            blocks.Add(Block(hours, length));
        }

        return blocks;
    }

    private static SpendBlock Block(List<(DateTimeOffset StartsAt, LedgerTotal Total)> hours, TimeSpan length) => new()
    {
        StartsAt = hours[0].StartsAt,
        EndsAt = hours[0].StartsAt + length,
        Hours = hours,
    };
}
