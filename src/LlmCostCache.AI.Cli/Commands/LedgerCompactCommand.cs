using System.CommandLine;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger compact</c></summary>
internal sealed class LedgerCompactCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;

    public LedgerCompactCommand(CommonOptions common, CliHost host)
        : base("compact", "Give free pages of the ledger back to the disk; no row changes. Applications that write meanwhile wait, so best when none does")
    {
        (_common, _host) = (common, host);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger compact --home ./data"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        LedgerCompaction done;
        using (new Rendering.Progress(_host, "compacting the ledger; who writes to it waits"))
        {
            done = LedgerCompaction.Run(LedgerFile.PathIn(_common.HomeOf(parse, _host)), _host.Time, cancellationToken: cancellationToken);
        }

        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "ledger-compact/1", json =>
            {
                json.WriteNumber("bytes_before", done.BytesBefore);
                json.WriteNumber("bytes_after", done.BytesAfter);
            });
        }
        else
        {
            _host.Console.WriteLine($"{Sizes.Text(done.BytesBefore)} before, {Sizes.Text(done.BytesAfter)} now.");
        }

        return Task.FromResult(ExitCode.Done);
    }
}
