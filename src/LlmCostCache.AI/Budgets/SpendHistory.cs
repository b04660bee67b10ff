namespace LlmCostCache.AI;

/// <summary>What the calls of a budget took lately, in its unit.</summary>
/// <param name="LastHour">In the last 3,600 seconds.</param>
/// <param name="Quarters">In each quarter-hour of the last 28 days that has anything in it, by its beginning, the earliest first.</param>
internal sealed record SpendHistory(long LastHour, IReadOnlyList<(DateTimeOffset StartsAt, long Count)> Quarters)
{
    public static readonly TimeSpan Length = TimeSpan.FromDays(28);
    public static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    /// <summary>The quarter-hour that contains an instant.</summary>
    public static DateTimeOffset QuarterOf(DateTimeOffset at) => new(at.UtcTicks - at.UtcTicks % Quarter.Ticks, TimeSpan.Zero);

    /// <summary>What was taken in whole quarter-hours since then.</summary>
    public long Since(DateTimeOffset from, DateTimeOffset until) => Quarters.Where(quarter => quarter.StartsAt >= from && quarter.StartsAt < until).Sum(static quarter => quarter.Count);
}
