using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>A share over time as a line between nothing and everything; it breaks where there is none.</summary>
internal sealed class RateChart
{
    private const int Left = 56;
    private const int Right = 22;
    private const int Above = 10;
    private const int Below = 26;

    public required string Id { get; init; }

    public required string Title { get; init; }

    public required string Description { get; init; }

    public required IReadOnlyList<string> Names { get; init; }

    public required IReadOnlyList<decimal?> Shares { get; init; }

    public int Width { get; init; } = 530;

    public int Height { get; init; } = 200;

    public void WriteTo(StringBuilder page)
    {
        BarChart.Begin(page, Id, Title, Description, Width, Height);
        for (var tick = 0m; tick <= 1; tick += 0.25m)
        {
            var y = Markup.Number(Y(tick));
            page.Append(CultureInfo.InvariantCulture, $"<line class=\"{(tick == 0 ? "zero" : "grid")}\" x1=\"{Left}\" y1=\"{y}\" x2=\"{Width - Right}\" y2=\"{y}\"/>");
            page.Append(CultureInfo.InvariantCulture, $"<text class=\"tick end\" x=\"{Left - 8}\" y=\"{y}\" dy=\"4\">{tick.ToString("0%", CultureInfo.InvariantCulture)}</text>\n");
        }

        var band = (decimal)(Width - Left - Right) / Math.Max(1, Names.Count);
        var path = new StringBuilder();
        for (var i = 0; i < Shares.Count; i++)
        {
            if (Shares[i] is not { } share)
            {
                continue;
            }

            var (x, y) = (Markup.Number(Left + (band * i) + (band / 2)), Markup.Number(Y(share)));
            path.Append(CultureInfo.InvariantCulture, $"{(i > 0 && Shares[i - 1] is not null ? 'L' : 'M')}{x} {y}");
            page.Append(CultureInfo.InvariantCulture, $"<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"3\"><title>{Markup.Text($"{Names[i]}: {Markup.Percent(share)}")}</title></circle>\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"<path class=\"line\" d=\"{path}\"/>\n");
        BarChart.WriteLabels(page, Names, Left, band, Height - 8, most: 6);
        page.Append("</svg>\n");
    }

    private decimal Y(decimal share) => Above + ((1 - share) * (Height - Above - Below));
}
