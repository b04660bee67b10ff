namespace LlmCostCache.AI;

/// <summary>
/// How a rolling span is counted: in slices of the clock, each a window of its own. A call must fit beside everything in its own slice and in as many slices on either side as the span has,
/// which together contain every span of that length that contains the call. So slicing can only refuse too early, by at most one slice, and never too late.
/// </summary>
internal readonly record struct RollingSlices
{
    private const int Usual = 60;
    private const long Quarter = 15 * TimeSpan.TicksPerMinute;

    public static readonly TimeSpan ShortestSpan = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan LongestSpan = TimeSpan.FromDays(366);

    private RollingSlices(long length, int count)
    {
        Length = TimeSpan.FromTicks(length);
        Count = count;
    }

    /// <summary>How long a slice is.</summary>
    public TimeSpan Length { get; }

    /// <summary>How many slices the span has.</summary>
    public int Count { get; }

    /// <summary>
    /// A sixtieth of the span; from four hours on, whole quarter-hours, because the ledger keeps sums of those and a budget that is new need not read every row of a month.
    /// </summary>
    public static RollingSlices Of(TimeSpan span)
    {
        var length = span >= TimeSpan.FromHours(4) ? RoundUp(Divide(span.Ticks, Usual), Quarter) : RoundUp(Divide(span.Ticks, Usual), TimeSpan.TicksPerMillisecond);
        return new(length, (int)Divide(span.Ticks, length));
    }

    /// <summary>The slice that contains an instant.</summary>
    public (DateTimeOffset StartsAt, DateTimeOffset EndsAt) SliceOf(DateTimeOffset at)
    {
        var start = at.UtcTicks - at.UtcTicks % Length.Ticks;
        return (new DateTimeOffset(start, TimeSpan.Zero), new DateTimeOffset(start + Length.Ticks, TimeSpan.Zero));
    }

    /// <summary>The first instant of the slices that count for a call in the slice that begins here.</summary>
    public DateTimeOffset FirstBeside(DateTimeOffset slice) => slice - Count * Length;

    /// <summary>The start of the last slice that counts for a call in the slice that begins here: a clock that was set back must not find room where there is none.</summary>
    public DateTimeOffset LastBeside(DateTimeOffset slice) => slice + Count * Length;

    private static long Divide(long value, long by) => (value + by - 1) / by;

    private static long RoundUp(long value, long to) => Divide(value, to) * to;
}
