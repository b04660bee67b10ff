using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>The days of a report are those of the clock on the wall, also where it is set forward and back, and add up to the range.</summary>
public class ReportDaysTests
{
    [Theory]
    [InlineData("UTC")]
    [InlineData("Asia/Kolkata")]
    [InlineData("America/St_Johns")]
    [InlineData("Europe/Berlin")]
    [InlineData("Asia/Kathmandu")]
    public async Task Days_add_up_to_the_range_and_are_those_of_the_zone(string zone)
    {
        // Clocks change on 8 March and 1 November in St. John's, on 29 March and 25 October in Berlin.
        var calls = Calls("2026-03-06", 5).Concat(Calls("2026-03-27", 5)).Concat(Calls("2026-10-23", 11)).ToArray();
        using var home = await SampleHome.CreateAsync(null, calls);
        var days = (from call in calls
                    group call.Cost.Amount!.Value.Nanos by TimeZoneInfo.ConvertTime(call.At, TimeZoneInfo.FindSystemTimeZoneById(zone)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) into day
                    orderby day.Key
                    select (Day: day.Key, Calls: day.Count(), Nanos: day.Sum())).ToList();

        var report = (await CliRun.Of("report", "--by", "day", "--timezone", zone, "--json", "--home", home.Path)).Json;

        Assert.Equal(days, report.GetProperty("groups").EnumerateArray().Select(group => (group.GetProperty("key").GetString()!, CallsOf(group), NanosOf(group))));
        Assert.Equal((calls.Length, days.Sum(day => day.Nanos)), (CallsOf(report.GetProperty("total")), NanosOf(report.GetProperty("total"))));
        foreach (var (day, next) in days.Zip(days.Skip(1)).Where(pair => pair.First.Day is "2026-03-07" or "2026-03-08" or "2026-03-28" or "2026-03-29" or "2026-10-24" or "2026-10-25" or "2026-10-31" or "2026-11-01"))
        {
            var alone = (await CliRun.Of("report", "--since", day.Day, "--until", next.Day, "--timezone", zone, "--json", "--home", home.Path)).Json.GetProperty("total");
            Assert.Equal((day.Calls, day.Nanos), (CallsOf(alone), NanosOf(alone)));
        }
    }

    private static int CallsOf(JsonElement total) => total.GetProperty("calls").GetInt32();

    private static long NanosOf(JsonElement total) => total.GetProperty("spent_nanos").GetInt64();

    /// <summary>A call each 47 minutes, each dearer than the one before.</summary>
    private static IEnumerable<UsageRecord> Calls(string first, int days)
    {
        var start = DateTimeOffset.Parse(first, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        for (var (at, nanos) = (start, 1L); at < start.AddDays(days); (at, nanos) = (at.AddMinutes(47), nanos + 3))
        {
            yield return SampleHome.Call(at.ToString("O", CultureInfo.InvariantCulture), Money.FromNanos(nanos).Usd);
        }
    }
}
