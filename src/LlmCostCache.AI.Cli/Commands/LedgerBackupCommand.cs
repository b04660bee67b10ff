using System.CommandLine;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger backup</c></summary>
internal sealed class LedgerBackupCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _file = new("FILE") { Description = "Where to; it appears when it is whole and checked" };

    public LedgerBackupCommand(CommonOptions common, CliHost host)
        : base("backup", "Copy the ledger while applications write to it, and check the copy; exit code 1 when the copy shows that the ledger was changed")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger backup /backup/ledger-2026-11-22.db"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var backup = LedgerBackup.Take(LedgerFile.PathIn(_common.HomeOf(parse, _host)), InputFile.Named("FILE", parse.GetValue(_file)!), cancellationToken);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "ledger-backup/1", json =>
            {
                json.WriteString("file", backup.File);
                json.WriteNumber("bytes", backup.Bytes);
                LedgerVerifyCommand.WriteFields(json, backup.Check);
            });
        }
        else
        {
            _host.Console.WriteLine(Shown.OneLine($"{backup.File}: {Sizes.Text(backup.Bytes)}"));
            LedgerVerifyCommand.Show(_host.Console, backup.Check);
        }

        return Task.FromResult(backup.Check.IsIntact ? ExitCode.Done : ExitCode.Found);
    }
}
