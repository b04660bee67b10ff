using System.Globalization;
using System.Net;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>Text and numbers as they may stand in a page: names come from callers, and a browser would obey what is in them.</summary>
internal static class Markup
{
    public static string Text(string text) => WebUtility.HtmlEncode(Shown.OneLine(text));

    /// <summary>A length in a drawing.</summary>
    public static string Number(decimal number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    public static string Percent(decimal share) => share.ToString("0.0%", CultureInfo.InvariantCulture);
}
