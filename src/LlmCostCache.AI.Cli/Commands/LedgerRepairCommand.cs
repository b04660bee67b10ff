using System.CommandLine;
using System.Globalization;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger repair</c></summary>
internal sealed class LedgerRepairCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _salvage = new("--salvage")
    {
        Description = "Save what can be read of a damaged ledger into a new one of this name; the damaged file stays as it is",
        HelpName = "FILE",
    };

    public LedgerRepairCommand(CommonOptions common, CliHost host)
        : base("repair", "Compute sums, counters of budgets and indices anew from the rows, after a copy was made; rows are never touched. Exit code 1 when something stays wrong")
    {
        (_common, _host) = (common, host);
        Options.Add(_salvage);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger repair --home ./data", "llmcost ledger repair --salvage ./saved-ledger.db"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var path = LedgerFile.PathIn(_common.HomeOf(parse, _host));
        var json = parse.GetValue(_common.Json);
        return Task.FromResult(parse.GetValue(_salvage) is { } target
            ? Salvage(Watched("reading what can be read", () => LedgerSalvage.Run(path, InputFile.Named("--salvage", target), _host.Time, cancellationToken)), json)
            : Repair(Watched("checking the ledger against its rows", () => LedgerRepair.Run(path, _host.Time, cancellationToken)), json));
    }

    private T Watched<T>(string what, Func<T> work)
    {
        using var progress = new Rendering.Progress(_host, what);
        return work();
    }

    private int Repair(LedgerRepair repair, bool json)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "ledger-repair/1", fields =>
            {
                fields.WriteNumber("repaired", repair.Repaired);
                fields.WriteString("copy", repair.Backup);
                LedgerVerifyCommand.WriteFields(fields, repair.After);
            });
        }
        else if (repair.Backup is null)
        {
            _host.Console.WriteLine($"{Amounts.Count(repair.Before.Rows, "row")} checked, nothing to repair.");
        }
        else
        {
            _host.Console.WriteLine(Shown.OneLine($"The ledger as it was: {repair.Backup}"));
            var left = repair.After.Problems.ToHashSet(StringComparer.Ordinal);
            foreach (var problem in repair.Before.Problems.Where(problem => !left.Contains(problem)))
            {
                _host.Console.WriteLine(Shown.OneLine($"repaired: {problem}"));
            }

            _host.Console.WriteLine(repair.After.IsIntact ? "Nothing is wrong any more." : "What the rows themselves show is evidence and stays:");
            foreach (var problem in left)
            {
                _host.Console.WriteLine(Shown.OneLine(problem));
            }
        }

        return repair.After.IsIntact ? ExitCode.Done : ExitCode.Found;
    }

    private int Salvage(LedgerSalvage saved, bool json)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "ledger-salvage/1", fields =>
            {
                fields.WriteString("file", saved.File);
                fields.WriteNumber("rows", saved.Rows);
                fields.WriteStartArray("lost");
                foreach (var (first, last) in saved.Lost)
                {
                    fields.WriteStartObject();
                    fields.WriteNumber("first", first);
                    fields.WriteNumber("last", last);
                    fields.WriteEndObject();
                }

                fields.WriteEndArray();
                fields.WriteStartArray("incomplete_tables");
                foreach (var table in saved.LostTables)
                {
                    fields.WriteStringValue(table);
                }

                fields.WriteEndArray();
            });
        }
        else
        {
            _host.Console.WriteLine(Shown.OneLine($"{Amounts.Count(saved.Rows, "row")} saved into {saved.File}."));
            foreach (var (first, last) in saved.Lost)
            {
                _host.Console.WriteLine(first == last
                    ? string.Create(CultureInfo.InvariantCulture, $"lost: row {first}")
                    : string.Create(CultureInfo.InvariantCulture, $"lost: rows {first} to {last} ({last - first + 1})"));
            }

            foreach (var table in saved.LostTables)
            {
                _host.Console.WriteLine($"not read to its end: the table '{table}'");
            }

            _host.Console.WriteLine("Stop the applications and put it in the place of ledger.db, whose helpers (-wal, -shm) go with the damaged file.");
        }

        return saved.Lost.IsEmpty && saved.LostTables.IsEmpty ? ExitCode.Done : ExitCode.Found;
    }
}
