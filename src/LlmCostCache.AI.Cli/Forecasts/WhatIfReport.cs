using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>The same calls, and what they would have cost otherwise.</summary>
internal sealed record WhatIfReport
{
    public required WhatIfQuestion Question { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required WhatIfRun Run { get; init; }

    /// <summary>Null when no hardware was asked about.</summary>
    public BreakEven? BreakEven { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("model", Question.Model);
        json.WriteString("provider", Question.Provider);
        json.WriteString("tier", Question.Tier);
        json.WriteString("for", Question.For);
        TotalJson.WriteInstant(json, "since", Filter.Since);
        TotalJson.WriteInstant(json, "until", Filter.Until);
        json.WriteStartArray("models");
        foreach (var model in Run.Models)
        {
            json.WriteStartObject();
            json.WriteString("model", model.Model);
            Write(json, model);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("total");
        Write(json, Run.Total);
        json.WriteEndObject();
        json.WriteNumber("too_long", Run.TooLong);
        json.WriteNumber("too_much_output", Run.TooMuchOutput);
        json.WriteNumber("counted_alike", Run.CountedAlike);
        json.WriteString("reason", Run.WhyNot);
        if (BreakEven is null)
        {
            json.WriteNull("break_even");
        }
        else
        {
            BreakEven.WriteFields(json);
        }
    }

    public void Show(IAnsiConsole console)
    {
        if (Question.AsksForPrices)
        {
            var table = new FittingTable().Words("answered by").Number("calls", 1).Number("booked").Number("would cost").Number("difference").Number("percent", 2).Number("unknown", 3);
            foreach (var model in Run.Models)
            {
                Row(table, model.Model ?? "(none)", model);
            }

            Row(table, "total", Run.Total);
            table.WriteTo(console);
            console.WriteLine();
            foreach (var sentence in Sentences())
            {
                console.WriteLine(sentence);
            }
        }

        if (BreakEven is not null)
        {
            if (Question.AsksForPrices)
            {
                console.WriteLine();
            }

            foreach (var sentence in BreakEven.Sentences())
            {
                console.WriteLine(sentence);
            }
        }
    }

    private static void Row(FittingTable table, string name, WhatIfTotal total) => table.Row(
        name, Amounts.Count(total.Calls), Known(total, total.Booked), Known(total, total.Other),
        Known(total, total.Difference, total.Difference > Money.Zero ? "+" : ""),
        total.Percent is { } percent ? percent.ToString("+0.0'%';-0.0'%';0.0'%'", CultureInfo.InvariantCulture) : "-",
        Amounts.Count(total.Unknown));

    /// <summary>A sum of nothing known is not zero.</summary>
    private static string Known(WhatIfTotal total, Money amount, string sign = "") => total.Unknown == total.Calls ? "-" : sign + Amounts.Text(amount);

    private static void Write(Utf8JsonWriter json, WhatIfTotal total)
    {
        json.WriteNumber("calls", total.Calls);
        json.WriteNumber("total_tokens", total.Tokens);
        json.WriteNumber("spent_nanos", total.AllBooked.Nanos);
        json.WriteNumber("booked_nanos", total.Booked.Nanos);
        json.WriteNumber("other_nanos", total.Other.Nanos);
        json.WriteNumber("difference_nanos", total.Difference.Nanos);
        if (total.Percent is { } percent)
        {
            json.WriteNumber("difference_percent", percent);
        }
        else
        {
            json.WriteNull("difference_percent");
        }

        json.WriteNumber("unknown", total.Unknown);
        json.WriteNumber("unpriced", total.Unpriced);
    }

    private IEnumerable<string> Sentences()
    {
        var total = Run.Total;
        if (total.Unknown > 0)
        {
            yield return $"Of {Amounts.Count(total.Unknown, "call")} one side is not known{(Run.WhyNot is { } why ? $" ({why.TrimEnd('.')})" : "")}; they are in neither sum.";
        }

        if (total.Low != total.Booked)
        {
            yield return $"Some costs are estimates, counted at their upper end: booked between {Amounts.Text(total.Low)} and {Amounts.Text(total.Booked)}.";
        }

        if (Question.Model is { } model)
        {
            yield return $"Prices of {model} as they are now, what was booked as it was booked; cache hits stay free.";
            if (Run.CountedAlike < total.Calls)
            {
                yield return "The token counts are those of the model that answered. Another model's tokenizer counts the same text differently, by a tenth or more, and its answers have another length.";
            }

            if (Run.TooLong > 0)
            {
                yield return $"{Amounts.Count(Run.TooLong, "call")} had more input than the {Amounts.Count(Run.Facts!.ContextWindow!.Value)} tokens that {model} takes.";
            }

            if (Run.TooMuchOutput > 0)
            {
                yield return $"{Amounts.Count(Run.TooMuchOutput, "call")} had an answer longer than the {Amounts.Count(Run.Facts!.MaxOutputTokens!.Value)} tokens that {model} writes.";
            }
        }
        else
        {
            yield return "Prices of each call's own time. A model without that tier has no price there and is not known.";
        }
    }
}
