using System.Globalization;
using System.Security;
using System.Text;
using LlmCostCache.AI.Cli.Drawing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>What was saved on a card to show to others: figures only, no names of people or projects but those that somebody writes into the title.</summary>
/// <param name="report">What was saved.</param>
/// <param name="title">The headline.</param>
/// <param name="hidesAmounts">Shows shares and no dollars.</param>
internal sealed class ShareCard(SavingsReport report, string title, bool hidesAmounts)
{
    private const int MostOfTitle = 60;
    private const int Width = 1200;
    private const int Height = 630;
    private const int BarWidth = 1040;
    private const int BarHeight = 28;
    private const string Ground = "#0f172a";

    private string Title { get; } = Shortened(Shown.OneLine(title));

    private string Headline => $"{(hidesAmounts ? Share : Dollars(report.Cache.Net))} saved";

    private string HitRate => report.Run.Calls == 0 ? "-" : SavingsReport.Percent((decimal)report.Run.Hits / report.Run.Calls);

    private string Share => report.ShareText ?? "-";

    private string Days => report.Year.Days < 1 ? "within a day" : $"in {Amounts.Count((long)decimal.Round(report.Year.Days), "day")}";

    private string AtLeast => report.IsLeast ? "at least " : "";

    /// <summary>For example <c>$9.04 a year at an assumed 10,000 calls a month</c>; null when no year can be projected, or amounts are not shown.</summary>
    private string? Year => hidesAmounts || report.Year.UsdPerYear is not { } usd ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"{(usd < 0 ? "-$" : "$")}{Math.Abs(usd):#,0.00} a year at {(report.Year.CallsPerMonth is { } assumed ? $"an assumed {Amounts.Count(assumed)} calls a month" : $"{report.Year.CallsPerYear:#,0} calls")}");

    /// <summary>A sentence or two to paste.</summary>
    public string Text()
    {
        var calls = $"{Amounts.Count(report.Run.Calls, "model call")} {Days}";
        var text = new StringBuilder(hidesAmounts
            ? $"{Title}: {Share} saved on {calls}, {HitRate} answered from the cache."
            : $"{Title}: saved {Dollars(report.Cache.Net)} of {AtLeast}{Dollars(report.Without)} ({Share}) on {calls}, {HitRate} answered from the cache.");
        if (Year is { } year)
        {
            text.Append($" That {(report.Year.CallsPerMonth is null ? "is" : "would be")} {year}.");
        }

        return text.Append(" Net of the provider's own prompt caching. Measured with LlmCostCache.AI.").ToString();
    }

    /// <summary>The card as a picture without anything from outside: no fonts, scripts or links.</summary>
    public string Svg()
    {
        var svg = new StringBuilder($"""
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{Height}" viewBox="0 0 {Width} {Height}" role="img" aria-label="{Escaped(Headline)}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">
              <rect width="{Width}" height="{Height}" fill="{Ground}"/>

            """);
        foreach (var part in Parts())
        {
            svg.Append(part switch
            {
                CardText text => $"  <text x=\"{text.X}\" y=\"{text.Y}\" font-size=\"{text.Size}\"{(text.IsBold ? " font-weight=\"700\"" : "")} fill=\"{text.Color}\">{Escaped(text.Text)}</text>\n",
                _ => $"  <rect x=\"{part.X}\" y=\"{part.Y}\" width=\"{((CardBar)part).Width}\" height=\"{BarHeight}\" rx=\"{BarHeight / 2}\" fill=\"{part.Color}\"/>\n",
            });
        }

        return svg.Append("</svg>\n").ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The same picture as PNG, with letters of our own.</summary>
    /// <param name="unknown">The first character of the title that has no letter among them; null when all have.</param>
    public byte[] Png(out string? unknown)
    {
        var (canvas, regular, bold) = (new Canvas(Width, Height), Typeface.Regular(), Typeface.Bold());
        unknown = regular.FirstUnknownIn(Title);
        canvas.Fill(Outline.Box(0, 0, Width, Height, 0), Ground);
        foreach (var part in Parts())
        {
            canvas.Fill(
                part is CardText text ? (text.IsBold ? bold : regular).Outline(text.Text, text.X, text.Y, text.Size) : Outline.Box(part.X, part.Y, ((CardBar)part).Width, BarHeight, BarHeight / 2f),
                part.Color);
        }

        return PngFile.Write(canvas);
    }

    private IEnumerable<CardPart> Parts()
    {
        var line = hidesAmounts
            ? "of what the same calls would have cost without a cache"
            : $"of {AtLeast}{Dollars(report.Without)} that the same calls would have cost without a cache";
        yield return new CardText(80, 110, Size(34, Title), "#94a3b8", Title);
        yield return new CardText(80, 240, Size(104, Headline), "#f8fafc", Headline, IsBold: true);
        yield return new CardText(80, 300, Size(30, line), "#cbd5e1", line);
        yield return new CardBar(80, 340, BarWidth, "#334155");
        yield return new CardBar(80, 340, (int)(BarWidth * Math.Clamp(report.Share ?? 0m, 0m, 1m)), "#22c55e");
        yield return new CardText(80, 440, 24, "#94a3b8", "saved");
        yield return new CardText(80, 486, Size(40, Share, 320), "#f8fafc", Share);
        yield return new CardText(420, 440, 24, "#94a3b8", "from the cache");
        yield return new CardText(420, 486, 40, "#f8fafc", HitRate);
        yield return new CardText(760, 440, 24, "#94a3b8", $"calls {Days}");
        yield return new CardText(760, 486, 40, "#f8fafc", Amounts.Count(report.Run.Calls));
        yield return new CardText(80, 556, 24, "#cbd5e1", Year ?? "");
        yield return new CardText(80, 594, 20, "#64748b", "Net of the provider's own prompt caching. Measured with LlmCostCache.AI.");
    }

    /// <summary>The largest letters that let a text fit; a bold letter is about two thirds as wide as it is high.</summary>
    private static int Size(int largest, string text, int width = BarWidth) => Math.Min(largest, width * 100 / (66 * Math.Max(1, text.Length)));

    /// <summary>Cents where there are dollars: nobody shows micro-dollars around.</summary>
    private static string Dollars(Money amount) => Math.Abs(amount.Usd) >= 1 ? amount.ToString("#,0.00", CultureInfo.InvariantCulture) : Amounts.Text(amount);

    /// <summary>Two characters can stand in no XML, however they are written.</summary>
    private static string Escaped(string text) => SecurityElement.Escape(text.Replace('\uFFFE', '\uFFFD').Replace('\uFFFF', '\uFFFD'));

    private static string Shortened(string text)
    {
        var letters = StringInfo.GetTextElementEnumerator(text);
        var kept = new StringBuilder();
        for (var i = 0; letters.MoveNext(); i++)
        {
            if (i == MostOfTitle)
            {
                return kept.Append('…').ToString();
            }

            kept.Append(letters.GetTextElement());
        }

        return text;
    }
}
