using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>What each hour of the week cost: the stronger the colour, the more.</summary>
internal sealed class WeekMap
{
    private const int Left = 84;
    private const int Above = 22;
    private const int CellWidth = 41;
    private const int CellHeight = 24;
    private const decimal Faintest = 0.12m;

    private static readonly DayOfWeek[] s_days =
        [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday, DayOfWeek.Saturday, DayOfWeek.Sunday];

    private readonly Dictionary<(DayOfWeek Day, int Hour), LedgerTotal> _hours;

    /// <param name="hours">Totals by hour of the clock, and by anything else.</param>
    public WeekMap(IReadOnlyList<LedgerTotal> hours) => _hours = hours
        .GroupBy(static hour => hour.Key!)
        .GroupBy(static hour => HourOfWeek(DateTimeOffset.ParseExact(hour.Key, "yyyy-MM-dd'T'HHzzz", CultureInfo.InvariantCulture)))
        .ToDictionary(static group => group.Key, static group => TotalSum.Of(group.SelectMany(static hour => hour)));

    public void WriteTo(StringBuilder page)
    {
        var most = _hours.Values.Select(total => total.Spent.Nanos).DefaultIfEmpty(0).Max();
        var busiest = most == 0 ? "Nothing was spent." : $"Most, {Amounts.Text(Money.FromNanos(most))}, on {Text(_hours.First(hour => hour.Value.Spent.Nanos == most).Key)}.";
        BarChart.Begin(page, "week", "Cost by hour of the week", $"Seven rows of days by twenty-four columns of hours. {busiest}", Left + (24 * CellWidth) + 8, Above + (7 * CellHeight) + 4);
        for (var hour = 0; hour < 24; hour += 3)
        {
            page.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{Left + (hour * CellWidth)}\" y=\"{Above - 8}\">{hour:00}:00</text>");
        }

        for (var row = 0; row < s_days.Length; row++)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n<text class=\"tick end\" x=\"{Left - 8}\" y=\"{Above + (row * CellHeight) + 16}\">{s_days[row]}</text>\n");
            for (var hour = 0; hour < 24; hour++)
            {
                WriteCell(page, s_days[row], hour, Left + (hour * CellWidth), Above + (row * CellHeight), most);
            }
        }

        page.Append(CultureInfo.InvariantCulture, $"</svg>\n<p class=\"quiet\">{Markup.Text(busiest)} Amounts of all weeks in the span together.</p>\n");
    }

    private void WriteCell(StringBuilder page, DayOfWeek day, int hour, int x, int y, long most)
    {
        var total = _hours.GetValueOrDefault((day, hour));
        var fill = total is null ? "class=\"none\"" : most == 0 ? "class=\"heat\" fill-opacity=\"0.12\"" : $"class=\"heat\" fill-opacity=\"{Markup.Number(Faintest + ((1 - Faintest) * total.Spent.Nanos / most))}\"";
        page.Append(CultureInfo.InvariantCulture, $"<rect {fill} x=\"{x}\" y=\"{y}\" width=\"{CellWidth - 2}\" height=\"{CellHeight - 2}\" rx=\"2\">");
        page.Append(CultureInfo.InvariantCulture, $"<title>{Markup.Text($"{Text((day, hour))}: {(total is null ? "no calls" : $"{Amounts.Spent(total)}, {Amounts.Count(total.Calls, "call")}")}")}</title></rect>");
    }

    private static (DayOfWeek Day, int Hour) HourOfWeek(DateTimeOffset local) => (local.DayOfWeek, local.Hour);

    private static string Text((DayOfWeek Day, int Hour) at) => string.Create(CultureInfo.InvariantCulture, $"{at.Day} {at.Hour:00}:00");
}
