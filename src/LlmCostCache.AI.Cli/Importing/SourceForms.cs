using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>The forms of price lists by name, and what could not be taken over from one.</summary>
internal static class SourceForms
{
    private const string Auto = "auto";

    private static readonly Dictionary<string, SourceForm> s_names = new(StringComparer.Ordinal)
    {
        ["litellm"] = SourceForm.LiteLlm,
        ["genai-prices"] = SourceForm.GenAiPrices,
        ["models.dev"] = SourceForm.ModelsDev,
        ["llmcost"] = SourceForm.LlmCost,
    };

    public static Option<string> Option()
    {
        var option = new Option<string>("--from") { Description = "The form of the list: litellm, genai-prices, models.dev, llmcost", HelpName = "FORM", DefaultValueFactory = _ => Auto };
        option.AcceptOnlyFromAmong([Auto, .. s_names.Keys]);
        return option;
    }

    /// <summary>The form; null when the list itself is to say it.</summary>
    public static SourceForm? Named(string? name) => name is null or Auto ? null : s_names[name];

    public static string NameOf(SourceForm form) => s_names.First(pair => pair.Value == form).Key;

    public static void ShowLeftOut(IAnsiConsole console, SourceList list)
    {
        if (list.WithoutPrice + list.InOtherUnits > 0)
        {
            console.WriteLine($"Left out: {Amounts.Count(list.WithoutPrice)} models without a price, {Amounts.Count(list.InOtherUnits)} billed in units that are not known here.");
        }

        if (list.UnknownFields.Count > 0)
        {
            console.WriteLine(Shown.OneLine($"Not understood: {string.Join(", ", list.UnknownFields.Select(field => $"{field.Key} ({Amounts.Count(field.Value)})"))}."));
        }
    }

    public static void WriteLeftOut(Utf8JsonWriter json, SourceList list)
    {
        json.WriteNumber("without_price", list.WithoutPrice);
        json.WriteNumber("in_other_units", list.InOtherUnits);
        json.WriteStartArray("unknown_fields");
        foreach (var (name, count) in list.UnknownFields)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteNumber("count", count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
