using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Estimates;

/// <summary>The estimates of one input at several models, the cheapest first.</summary>
internal sealed class EstimateComparison
{
    public required EstimateOptions Assumed { get; init; }

    public required InputMeasure Input { get; init; }

    public required long Requests { get; init; }

    public required IReadOnlyList<CallEstimate> Estimates { get; init; }

    /// <summary>By likely cost; what has no price comes last. Equals keep the order in which they were asked for.</summary>
    public static IReadOnlyList<CallEstimate> Cheapest(IEnumerable<CallEstimate> estimates) =>
        [.. estimates.OrderBy(estimate => estimate.Likely is null).ThenBy(estimate => estimate.Likely ?? Money.Zero)];

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words("model").Words("provider", 3).Number("input", 1).Number("output", 2).Number("likely").Number("at least", 4).Number("at most");
        if (Requests > 1)
        {
            table.Number(string.Create(CultureInfo.InvariantCulture, $"{Requests:N0} calls"));
        }

        table.Words("certainty", 5);
        foreach (var estimate in Estimates)
        {
            table.Row([.. Cells(estimate)]);
        }

        table.WriteTo(console);
        foreach (var (note, models) in Notes())
        {
            console.WriteLine(Shown.OneLine($"{string.Join(", ", models)}: {note}."));
        }
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", Assumed.At);
        TotalJson.WriteInstant(json, "known_at", Assumed.KnownAt);
        json.WriteString("service_tier", Assumed.ServiceTier);
        json.WriteNumber("input_bytes", Input.Bytes);
        json.WriteNumber("messages", Input.Messages);
        json.WriteNumber("requests", Requests);
        json.WriteStartArray("estimates");
        foreach (var estimate in Estimates)
        {
            json.WriteStartObject();
            WriteEstimate(json, estimate);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Warnings and reasons, each once with the models it is about.</summary>
    private IEnumerable<(string Note, IEnumerable<string> Models)> Notes() =>
        Estimates.SelectMany(estimate => estimate.Warnings.Append(estimate.Cost.Reason).OfType<string>(), (estimate, note) => (note, estimate.Model))
            .GroupBy(pair => pair.note, pair => pair.Model)
            .Select(group => (group.Key, group.AsEnumerable()));

    private IEnumerable<string> Cells(CallEstimate estimate)
    {
        yield return estimate.Model;
        yield return estimate.Provider ?? "-";
        yield return estimate.Provider is null ? "-" : (estimate.LeastInputTokens == estimate.MostInputTokens ? "" : "~") + Amounts.Count(estimate.InputTokens);
        yield return estimate.Provider is null ? "-" : Amounts.Count(estimate.OutputTokens);
        yield return estimate.Likely is { } likely ? Amounts.Text(likely) : "unknown";
        yield return estimate.Likely is null ? "-" : Amounts.Text(estimate.Cost.Low);
        yield return estimate.Likely is null ? "-" : Amounts.Text(estimate.Cost.High);
        if (Requests > 1)
        {
            yield return Times(estimate.Likely) is { } total ? Amounts.Text(total) : "unknown";
        }

        yield return PriceAnswer.Word(estimate.Cost.Certainty);
    }

    private void WriteEstimate(Utf8JsonWriter json, CallEstimate estimate)
    {
        json.WriteString("model", estimate.Model);
        json.WriteString("provider", estimate.Provider);
        json.WriteString("priced_as", estimate.PricedAs);
        json.WriteString("revision", estimate.Cost.PriceRevision);
        json.WriteString("certainty", PriceAnswer.Word(estimate.Cost.Certainty));
        json.WriteString("counted_by", estimate.Encoding ?? "bytes");
        json.WriteNumber("input_tokens", estimate.InputTokens);
        json.WriteNumber("least_input_tokens", estimate.LeastInputTokens);
        json.WriteNumber("most_input_tokens", estimate.MostInputTokens);
        json.WriteNumber("cached_input_tokens", estimate.CachedInputTokens);
        json.WriteNumber("output_tokens", estimate.OutputTokens);
        json.WriteNumber("most_output_tokens", estimate.MostOutputTokens);
        WriteMoney(json, "likely", estimate.Likely);
        WriteMoney(json, "low", estimate.Likely is null ? null : estimate.Cost.Low);
        WriteMoney(json, "high", estimate.Likely is null ? null : estimate.Cost.High);
        WriteMoney(json, "all_requests", Times(estimate.Likely));
        if (estimate.ContextWindow is { } window)
        {
            json.WriteNumber("context_window", window);
        }
        else
        {
            json.WriteNull("context_window");
        }

        json.WriteStartArray("warnings");
        foreach (var warning in estimate.Warnings)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
        json.WriteString("reason", estimate.Cost.Reason);
    }

    private static void WriteMoney(Utf8JsonWriter json, string name, Money? amount)
    {
        if (amount is { } money)
        {
            json.WriteString($"{name}_usd", Decimals.Text(money));
            json.WriteNumber($"{name}_nanos", money.Nanos);
        }
        else
        {
            json.WriteNull($"{name}_usd");
            json.WriteNull($"{name}_nanos");
        }
    }

    /// <summary>Null when it is not known, or is more than can be counted.</summary>
    private Money? Times(Money? amount)
    {
        try
        {
            return amount * Requests;
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}
