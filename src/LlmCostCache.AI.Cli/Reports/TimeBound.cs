using System.Globalization;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A bound as it was written: an instant, or a day that begins when the report's zone says so.</summary>
internal readonly record struct TimeBound(DateTimeOffset? Instant, DateOnly? Day)
{
    public static TimeBound Parse(string option, string text)
    {
        var bound = Instants.TryParseDay(text, out var day) ? new TimeBound(null, day)
            : Instants.TryParse(text, out var instant) ? new TimeBound(instant, null)
            : throw new UsageException($"{option} '{text}' is not a time like 2026-08-20 or 2026-08-20T14:30:00Z.");

        // The first and the last year that can be written have no day before or after them, which every zone needs.
        return (bound.Day?.Year ?? bound.Instant!.Value.UtcDateTime.Year) is > 1 and < 9_999 ? bound
            : throw new UsageException($"{option} '{text}' is further away than can be counted; leave the option out for all calls.");
    }

    /// <summary>The length of a span such as <c>24h</c> or <c>7d</c>.</summary>
    public static TimeSpan ParseSpan(string option, string text)
    {
        var hours = text.Length == 0 ? 0 : text[^1] switch { 'h' => 1, 'd' => 24, 'w' => 7 * 24, _ => 0 };
        return hours > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= 100_000
            ? TimeSpan.FromHours((long)count * hours)
            : throw new UsageException($"{option} '{text}' is not a span like 24h, 7d or 4w.");
    }

    public DateTimeOffset In(LedgerCalendar calendar) => Instant ?? calendar.StartOf(Day!.Value);
}
