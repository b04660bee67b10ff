using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>What was found, what is fine and what could not be checked.</summary>
internal sealed record DoctorReport
{
    public required string Home { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>How many rows of the ledger were looked at.</summary>
    public long Rows { get; init; }

    public required IReadOnlyList<CheckResult> Results { get; init; }

    public IReadOnlyList<CheckResult> Findings => [.. Results.Where(result => result.IsFinding)];

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("home", Home);
        TotalJson.WriteInstant(json, "since", Since);
        TotalJson.WriteInstant(json, "until", Until);
        json.WriteNumber("rows", Rows);
        json.WriteStartArray("findings");
        foreach (var finding in Findings)
        {
            json.WriteStartObject();
            json.WriteString("check", finding.Check);
            json.WriteString("what", finding.What);
            WriteNumber(json, "calls", finding.Calls);
            WriteNumber(json, "cost_nanos", finding.Cost?.Nanos);
            json.WriteNumber("unpriced", finding.Unpriced);
            WriteNumber(json, "avoidable_nanos", finding.Avoidable?.Nanos);
            json.WriteString("remedy", finding.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("fine");
        foreach (var check in Fine())
        {
            json.WriteStringValue(check);
        }

        json.WriteEndArray();
        json.WriteStartArray("not_checked");
        foreach (var result in Results.Where(result => result.WhyNotChecked is not null))
        {
            json.WriteStartObject();
            json.WriteString("check", result.Check);
            json.WriteString("reason", result.WhyNotChecked);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public void Show(IAnsiConsole console)
    {
        foreach (var finding in Findings)
        {
            console.WriteLine($"! {Shown.OneLine(finding.What!)}");
            if (finding.Cost is { } cost)
            {
                console.WriteLine($"  Cost: {(finding.Unpriced > 0 ? ">= " : "")}{Amounts.Text(cost)}{(finding.Avoidable is { } avoidable ? $", of which at most {Amounts.Text(avoidable)} could be avoided" : "")}");
            }

            console.WriteLine($"  Now:  {Shown.OneLine(finding.Remedy!)}");
            console.WriteLine();
        }

        console.WriteLine($"Fine: {string.Join(", ", Fine()).Replace('_', ' ')}.");
        foreach (var result in Results.Where(result => result.WhyNotChecked is not null))
        {
            console.WriteLine(Shown.OneLine($"Not checked: {result.Check.Replace('_', ' ')}, because {result.WhyNotChecked}."));
        }

        console.WriteLine(Findings.Count == 0
            ? $"Nothing found in {Amounts.Count(Rows, "row")} of the ledger."
            : $"{Amounts.Count(Findings.Count, "finding")}; {Amounts.Count(Rows, "row")} of the ledger looked at.");
    }

    private IEnumerable<string> Fine() => Results.Where(result => result is { IsFinding: false, WhyNotChecked: null }).Select(result => result.Check).Distinct();

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
