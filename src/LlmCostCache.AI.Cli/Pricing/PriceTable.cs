using System.Globalization;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Rates and costs for people.</summary>
internal static class PriceTable
{
    public static void Show(IAnsiConsole console, PriceListing listing)
    {
        var entry = listing.Entry!;
        console.WriteLine(Shown.OneLine($"{entry.Id} ({entry.Provider ?? "any provider"}), {entry.Currency} per million tokens"));
        ShowRates(console, listing);
        if (listing.Adjustment is { } adjustment)
        {
            console.WriteLine($"These are list prices; what is paid is {AdjustmentText(adjustment.Discount, adjustment.Margin)}.");
        }

        if (listing.Priced is { Cost.Amount: not null } priced)
        {
            console.WriteLine();
            ShowCost(console, priced);
        }

        if (listing.Priced is not null && PriceAnswer.Remark(listing.Problem is null ? listing.Priced.Cost.Reason : null, listing.IsClamped, []) is { } remark)
        {
            console.WriteLine(Shown.OneLine($"Note: {remark}."));
        }

        console.WriteLine(Shown.OneLine($"Price {listing.Revision}{Dates(listing.Price!)}{(entry.Sources.Count > 0 ? $", from {string.Join(", ", entry.Sources)}" : "")}"));
    }

    /// <summary>Since when the price holds and since when the book knows, as far as either has a beginning.</summary>
    private static string Dates(DatedPrice price)
    {
        var effective = price.EffectiveFrom is { } from ? string.Create(CultureInfo.InvariantCulture, $", in effect since {from:O}") : "";
        return price.KnownFrom is { } known ? string.Create(CultureInfo.InvariantCulture, $"{effective}, known since {known:O}") : effective;
    }

    private static void ShowRates(IAnsiConsole console, PriceListing listing)
    {
        var table = Plain.Table();
        table.AddColumn(Plain.Words(""));
        foreach (var (condition, _) in listing.Cards)
        {
            table.AddColumn(Plain.Number(condition));
        }

        for (var kind = 0; kind < RateCard.Kinds; kind++)
        {
            if (listing.Cards.Any(card => card.Rates[(RateKind)kind] is not null))
            {
                table.AddRow([Plain.Cell(Name(kind)), .. listing.Cards.Select(card => Plain.Cell(card.Rates[(RateKind)kind] is { } rate ? Decimals.Text(rate) : ""))]);
            }
        }

        console.Write(table);
    }

    private static void ShowCost(IAnsiConsole console, PricedUsage priced)
    {
        var table = Plain.Table();
        table.AddColumn(Plain.Words("cost"));
        table.AddColumn(Plain.Number("USD"));
        for (var kind = 0; kind < RateCard.Kinds; kind++)
        {
            if (priced.Parts.TryGetValue(RateCard.PartNames[kind], out var part))
            {
                table.AddRow(Plain.Cell(Name(kind)), Plain.Cell(Decimals.Text(part)));
            }
        }

        var cost = priced.Cost;
        table.AddRow(Plain.Cell(cost.Certainty == CostCertainty.Bounded ? "at most" : "total"), Plain.Cell(Decimals.Text(cost.Amount!.Value)));
        if (cost.Certainty == CostCertainty.Bounded)
        {
            table.AddRow(Plain.Cell("at least"), Plain.Cell(Decimals.Text(cost.Low)));
        }

        console.Write(table);
        if (priced is { ListCost: { } list, NativeCost: { } adjusted } && (priced.Discount != 0m || priced.Margin != 0m))
        {
            console.WriteLine($"List price {Decimals.Text(list)} {priced.Currency}, {AdjustmentText(priced.Discount, priced.Margin)}: {Decimals.Text(adjusted)} {priced.Currency}");
        }

        if (priced is { NativeCost: { } native, FxRate: { } rate })
        {
            var day = priced.FxDate is { } date ? $"of {date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}" : "assumed";
            console.WriteLine($"{Decimals.Text(native)} {priced.Currency} at {Decimals.Text(rate)} for a dollar ({day})");
        }
    }

    /// <summary>As in "10 % less, then 5 % more".</summary>
    private static string AdjustmentText(decimal discount, decimal margin)
    {
        List<string> parts = [];
        if (discount != 0m)
        {
            parts.Add($"{Decimals.Text(discount * 100m)} % less");
        }

        if (margin != 0m)
        {
            parts.Add($"{Decimals.Text(margin * 100m)} % more");
        }

        return string.Join(", then ", parts);
    }

    private static string Name(int kind) => (RateKind)kind switch
    {
        RateKind.WebSearch => "each web search",
        RateKind.Request => "each request",
        RateKind.Image => "each image",
        RateKind.AudioSecond => "second of audio",
        RateKind.VideoSecond => "second of video",
        RateKind.ComputeSecond => "second of compute",
        RateKind.Characters => "million characters",
        RateKind.StorageGbDay => "GB stored for a day",
        _ => RateCard.FieldNames[kind].Replace('_', ' '),
    };
}
