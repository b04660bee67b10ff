using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>Amounts over time as bars, stacked when there are several series.</summary>
internal sealed class BarChart
{
    private const int Left = 84;
    private const int Right = 22;
    private const int Above = 10;
    private const int Below = 26;
    private const int MostLabels = 12;
    private const decimal WidestBar = 44;

    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>What can be seen, in a sentence, for those who cannot.</summary>
    public required string Description { get; init; }

    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>An amount for each name; the class of its colour.</summary>
    public required IReadOnlyList<(string Name, string Colour, IReadOnlyList<Money> Amounts)> Series { get; init; }

    public int Width { get; init; } = 1080;

    public int Height { get; init; } = 300;

    public void WriteTo(StringBuilder page)
    {
        Begin(page, Id, Title, Description, Width, Height);
        var most = Enumerable.Range(0, Names.Count).Select(i => Series.Sum(series => Math.Max(0, series.Amounts[i].Nanos))).DefaultIfEmpty(0).Max();
        var least = Enumerable.Range(0, Names.Count).Select(i => Series.Sum(series => Math.Min(0, series.Amounts[i].Nanos))).DefaultIfEmpty(0).Min();
        var axis = new Axis(Money.FromNanos(least), Money.FromNanos(most));
        foreach (var tick in axis.Ticks)
        {
            var y = Markup.Number(Y(axis, tick));
            page.Append(CultureInfo.InvariantCulture, $"<line class=\"{(tick == 0 ? "zero" : "grid")}\" x1=\"{Left}\" y1=\"{y}\" x2=\"{Width - Right}\" y2=\"{y}\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<text class=\"tick end\" x=\"{Left - 8}\" y=\"{y}\" dy=\"4\">{Markup.Text(Amounts.Text(Money.FromUsd(tick)))}</text>\n");
        }

        var band = (decimal)(Width - Left - Right) / Math.Max(1, Names.Count);
        var bar = Math.Min(WidestBar, band * 0.72m);
        for (var i = 0; i < Names.Count; i++)
        {
            WriteBar(page, axis, i, Left + (band * i) + ((band - bar) / 2), bar);
        }

        WriteLabels(page, Names, Left, band, Height - 8, Width < 600 ? MostLabels / 2 : MostLabels);
        page.Append("</svg>\n");
    }

    public static void Begin(StringBuilder page, string id, string title, string description, int width, int height) => page.Append(CultureInfo.InvariantCulture, $"""
        <svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{Markup.Text(title)}</title><desc id="{id}-desc">{Markup.Text(description)}</desc>

        """);

    /// <summary>As many of the names below the bars as can be read.</summary>
    public static void WriteLabels(StringBuilder page, IReadOnlyList<string> names, decimal left, decimal band, int y, int most)
    {
        var every = (names.Count + most - 1) / most;
        for (var i = 0; i < names.Count; i += every)
        {
            page.Append(CultureInfo.InvariantCulture, $"<text class=\"tick middle\" x=\"{Markup.Number(left + (band * i) + (band / 2))}\" y=\"{y}\">{Markup.Text(names[i])}</text>\n");
        }
    }

    private void WriteBar(StringBuilder page, Axis axis, int index, decimal x, decimal width)
    {
        var (up, down) = (0m, 0m);
        foreach (var (name, colour, amounts) in Series)
        {
            var amount = amounts[index].Usd;
            if (amount == 0)
            {
                continue;
            }

            var from = amount > 0 ? up : down;
            (up, down) = amount > 0 ? (up + amount, down) : (up, down + amount);
            var (top, bottom) = (Y(axis, Math.Max(from, from + amount)), Y(axis, Math.Min(from, from + amount)));
            page.Append(CultureInfo.InvariantCulture, $"<rect class=\"{(amount < 0 ? "c4" : colour)}\" x=\"{Markup.Number(x)}\" y=\"{Markup.Number(top)}\" width=\"{Markup.Number(width)}\" height=\"{Markup.Number(Math.Max(0.5m, bottom - top))}\">");
            page.Append(CultureInfo.InvariantCulture, $"<title>{Markup.Text($"{Names[index]}, {name}: {Amounts.Text(amounts[index])}")}</title></rect>\n");
        }
    }

    private decimal Y(Axis axis, decimal usd) => Above + ((1 - axis.ShareOf(usd)) * (Height - Above - Below));
}
