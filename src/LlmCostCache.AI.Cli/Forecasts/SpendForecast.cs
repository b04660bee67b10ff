namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>What will be spent when a period ends, and between which ends that lies in four of five cases.</summary>
/// <remarks>
/// The expected amount is the one of budgets (<see cref="BudgetProjection"/>). The interval is made of how much days differed from what was usual for them: the days to come differ as
/// much, and so did the days that the expectation was learned from. Days are taken to differ independently; a change that stays (a launch, a new customer) is in no history.
/// </remarks>
internal sealed record SpendForecast
{
    /// <summary>The share of cases in which the truth lies in the interval.</summary>
    public const decimal Confidence = 0.8m;

    /// <summary>With fewer whole days nobody knows how much days differ.</summary>
    public const int LeastDays = 3;

    private const int DaysOfWeek = 7;
    private const int MostWeeks = 4;

    /// <summary>Student's t for 80 %, by degrees of freedom from 1; beyond the last one it hardly changes.</summary>
    private static readonly decimal[] s_quantiles =
    [
        3.078m, 1.886m, 1.638m, 1.533m, 1.476m, 1.440m, 1.415m, 1.397m, 1.383m, 1.372m, 1.363m, 1.356m, 1.350m, 1.345m, 1.341m, 1.337m, 1.333m, 1.330m, 1.328m, 1.325m, 1.323m,
    ];

    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    public required Money Spent { get; init; }

    /// <summary>Null when nothing can be said.</summary>
    public Money? Expected { get; init; }

    /// <summary>Null when the history is too short to say how far off it may be.</summary>
    public Money? Low { get; init; }

    /// <inheritdoc cref="Low"/>
    public Money? High { get; init; }

    public ProjectionBasis Basis { get; init; }

    /// <summary>So many days until now, or for zero the last hour, had no spending at all, and they are what it would go by; null when there was some.</summary>
    public int? SilentDays { get; init; }

    /// <summary>Whole days of history that it goes by; at most 28.</summary>
    public int HistoryDays { get; init; }

    /// <param name="spent">What is spent in the period already.</param>
    /// <param name="history">What was spent before now.</param>
    /// <param name="endsAt">When the period ends.</param>
    /// <param name="now">Now.</param>
    /// <param name="zone">Whose hours of the week.</param>
    public static SpendForecast Of(Money spent, SpendHistory history, DateTimeOffset endsAt, DateTimeOffset now, TimeZoneInfo zone)
    {
        var (count, basis) = BudgetProjection.Of(spent.Nanos, history, endsAt, now, zone);
        if (count is not { } expected)
        {
            return new() { Spent = spent, Basis = basis };
        }

        var current = SpendHistory.QuarterOf(now);
        var whole = (int)Math.Min(SpendHistory.Length.Days, (current - history.Quarters[0].StartsAt).Ticks / s_day.Ticks);
        if (SilentDaysOf(history, current, whole, basis) is { } silent)
        {
            // Nothing going on as nothing would be a forecast of what is spent already, give or take zero.
            return new() { Spent = spent, HistoryDays = whole, SilentDays = silent };
        }

        var forecast = new SpendForecast { Spent = spent, Expected = Money.FromNanos(expected), Basis = basis, HistoryDays = whole };
        var halfWidth = basis switch
        {
            ProjectionBasis.HourOfWeek => ByHourOfWeek(history, endsAt, now, zone, Math.Min(MostWeeks, whole / DaysOfWeek)),
            ProjectionBasis.LastDay when whole >= LeastDays => ByDay(history, endsAt, now, whole),
            _ => (decimal?)null,
        };
        return halfWidth is not { } half ? forecast : forecast with
        {
            // What is spent stays spent.
            Low = Money.Max(spent, Money.FromUsd(forecast.Expected.Value.Usd - half)),
            High = Money.FromUsd(forecast.Expected.Value.Usd + half),
        };
    }

    private static int? SilentDaysOf(SpendHistory history, DateTimeOffset current, int whole, ProjectionBasis basis)
    {
        if (basis == ProjectionBasis.LastHour)
        {
            return history.LastHour == 0 ? 0 : null;
        }

        var days = basis switch { ProjectionBasis.HourOfWeek => DaysOfWeek, ProjectionBasis.LastDay => whole, _ => 0 };
        return days > 0 && history.Since(current - days * s_day, current) == 0 ? days : null;
    }

    /// <summary>
    /// How much days differ is a share of what is usual for them, since busy days differ by more dollars. The variance has three parts: of the days to come; of the last seven days, which set the
    /// level; of the weeks that the shape was learned from.
    /// </summary>
    private static decimal ByHourOfWeek(SpendHistory history, DateTimeOffset endsAt, DateTimeOffset now, TimeZoneInfo zone, int weeks)
    {
        var current = SpendHistory.QuarterOf(now);
        var days = Days(history, current, weeks * DaysOfWeek);
        var usual = new decimal[DaysOfWeek];
        for (var i = 0; i < days.Length; i++)
        {
            usual[i % DaysOfWeek] += days[i] / weeks;
        }

        // As many numbers as the usual days are taken from those that could differ.
        var differed = days.Select((day, i) => Square(day - usual[i % DaysOfWeek])).Sum() * weeks / (weeks - 1);
        var expectedSquares = usual.Select(Square).Sum() * weeks;
        if (expectedSquares == 0)
        {
            return 0;
        }

        var share = differed / expectedSquares;
        var (ahead, total) = Ahead(history, endsAt, now, zone);
        var lastWeek = days.Take(DaysOfWeek).Sum();
        var level = lastWeek == 0 ? 0 : Square(total / lastWeek) * usual.Select(Square).Sum();
        return Quantile((weeks - 1) * DaysOfWeek) * Root(share * (ahead + level + ahead / weeks));
    }

    /// <summary>Each day to come differs as days did, and so did the one day that stands for all of them.</summary>
    private static decimal ByDay(SpendHistory history, DateTimeOffset endsAt, DateTimeOffset now, int whole)
    {
        var days = Days(history, SpendHistory.QuarterOf(now), whole);
        var mean = days.Sum() / whole;
        var variance = days.Select(day => Square(day - mean)).Sum() / (whole - 1);
        var ahead = (decimal)(endsAt - now).Ticks / s_day.Ticks;
        return Quantile(whole - 1) * Root(variance * (ahead + Square(ahead)));
    }

    /// <summary>Dollars of whole days, backwards from now; the first one is the last 24 hours.</summary>
    private static decimal[] Days(SpendHistory history, DateTimeOffset current, int count)
    {
        var days = new decimal[count];
        foreach (var (startsAt, nanos) in history.Quarters)
        {
            var day = (current - startsAt).Ticks - 1;
            if (startsAt < current && day / s_day.Ticks < count)
            {
                days[day / s_day.Ticks] += Money.FromNanos(nanos).Usd;
            }
        }

        return days;
    }

    /// <summary>The squares of the dollars that are expected of each day to come, and their sum; after a week they come again.</summary>
    private static (decimal Squares, decimal Total) Ahead(SpendHistory history, DateTimeOffset endsAt, DateTimeOffset now, TimeZoneInfo zone)
    {
        var week = new decimal[DaysOfWeek];
        var before = 0m;
        for (var i = 0; i < DaysOfWeek; i++)
        {
            var sum = Money.FromNanos(BudgetProjection.Of(0, history, now + (i + 1) * s_day, now, zone).Count ?? 0).Usd;
            (week[i], before) = (sum - before, sum);
        }

        var (squares, total) = (0m, 0m);
        for (var i = 0; now + i * s_day < endsAt; i++)
        {
            var part = Math.Min(1, (decimal)(endsAt - now - i * s_day).Ticks / s_day.Ticks);
            squares += Square(week[i % DaysOfWeek] * part);
            total += week[i % DaysOfWeek] * part;
        }

        return (squares, total);
    }

    private static decimal Quantile(int freedom) => s_quantiles[Math.Min(freedom, s_quantiles.Length) - 1];

    private static decimal Square(decimal value) => value * value;

    private static decimal Root(decimal value)
    {
        if (value <= 0)
        {
            return 0;
        }

        var root = Math.Max(1, value);
        while (true)
        {
            var next = (root + value / root) / 2;
            if (next >= root)
            {
                return root;
            }

            root = next;
        }
    }
}
