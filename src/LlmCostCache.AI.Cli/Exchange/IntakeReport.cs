using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What became of the rows that were read: how many, which were refused and why.</summary>
internal sealed class IntakeReport
{
    /// <summary>How many refused rows are named to people; machines get more.</summary>
    private const int Shown = 20;

    // A file of nothing but bad lines must not fill the memory.
    private const int MaxKept = 100_000;

    private readonly List<(string? File, SourceRow Row, string Reason)> _rejected = [];

    public long Read { get; set; }

    public long New { get; set; }

    public long Known { get; set; }

    public long Rejected { get; private set; }

    /// <summary>How many of the new rows have no price.</summary>
    public long Unpriced { get; set; }

    /// <summary>What the new rows cost, as far as it is known.</summary>
    public Money Cost { get; set; }

    public void Reject(string? file, SourceRow row, string reason)
    {
        Rejected++;
        if (_rejected.Count < MaxKept)
        {
            _rejected.Add((file, row, reason));
        }
    }

    public int ExitCode => Rejected > 0 ? Cli.ExitCode.Found : Cli.ExitCode.Done;

    /// <param name="console">Where the sum goes.</param>
    /// <param name="error">Where the refused rows go.</param>
    /// <param name="isDryRun">Whether nothing was written.</param>
    public void Show(IAnsiConsole console, TextWriter error, bool isDryRun)
    {
        console.WriteLine($"{Amounts.Count(Read, "row")} read: {Amounts.Count(New)} {(isDryRun ? "would be recorded" : "recorded")}, {Amounts.Count(Known)} already there, {Amounts.Count(Rejected)} rejected.");
        if (New > 0)
        {
            console.WriteLine(Unpriced == 0 ? $"They cost {Amounts.Text(Cost)}." : $"They cost at least {Amounts.Text(Cost)}; {Amounts.Unpriced(Unpriced)}.");
        }

        foreach (var (file, row, reason) in _rejected.Take(Shown))
        {
            error.WriteLine(Rendering.Shown.OneLine($"llmcost: {(file is null ? "" : $"{file}: ")}{row.Place ?? $"line {row.Line}"} {reason}"));
        }

        if (Rejected > Shown)
        {
            error.WriteLine($"llmcost: and {Amounts.Count(Rejected - Shown)} more; --json names them all");
        }
    }

    public void WriteFields(Utf8JsonWriter json, bool isDryRun)
    {
        json.WriteBoolean("dry_run", isDryRun);
        json.WriteNumber("read", Read);
        json.WriteNumber("new", New);
        json.WriteNumber("known", Known);
        json.WriteNumber("rejected", Rejected);
        json.WriteNumber("unpriced", Unpriced);
        json.WriteString("cost_usd", Decimals.Text(Cost));
        json.WriteStartArray("rejections");
        foreach (var (file, row, reason) in _rejected)
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            json.WriteNumber("line", row.Line);
            json.WriteString("place", row.Place);
            json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
