using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The currency that the application wants to see beside US dollars (<see cref="LlmCostsOptions.Currency"/>), at the rate of today.</summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Rate">The rate; null when none is known.</param>
internal sealed record DisplayCurrency(string Currency, ExchangeRate? Rate)
{
    /// <summary>Null when dollars are enough. The command line does not see rates that the application sets in code.</summary>
    public static DisplayCurrency? Of(LedgerView? view, string home, CliHost host)
    {
        if (view is null || view.ReportCurrency == "USD")
        {
            return null;
        }

        return new(view.ReportCurrency, ExchangeRates.Load([], home, host.Environment).Find(view.ReportCurrency, host.Time.GetUtcNow()));
    }

    public void WriteFields(Utf8JsonWriter json, LedgerTotal total)
    {
        json.WriteStartObject("display");
        json.WriteString("currency", Currency);
        json.WriteString("fx_rate", Rate is { } rate ? Decimals.Text(rate.PerDollar) : null);
        json.WriteString("fx_date", Rate?.Day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        json.WriteString("spent", Rate is null ? null : Decimals.Text(total.Spent.Usd * Rate.PerDollar));
        json.WriteString("saved", Rate is null ? null : Decimals.Text(total.Saved.Usd * Rate.PerDollar));
        json.WriteEndObject();
    }

    /// <summary>As in "$12.40 is 88.04 CNY at 7.10 (2026-08-22)."</summary>
    public string Sentence(LedgerTotal total) => Rate is { } rate
        ? $"{Amounts.Spent(total)} is {(total.Unpriced > 0 ? ">= " : "")}{Decimals.Readable(total.Spent.Usd * rate.PerDollar, "#,0.00")} {Currency} at {Conversions.Rate(rate.PerDollar, rate.Day)}."
        : $"Amounts in {Shown.OneLine(Currency)} need an exchange rate: set {ExchangeRates.VariableName} or write {ExchangeRates.FileName} into the home directory.";
}
