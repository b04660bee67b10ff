using System.CommandLine;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger</c></summary>
internal sealed class LedgerCommand : Command, IHasExamples
{
    public LedgerCommand(CommonOptions common, CliHost host)
        : base("ledger", "Look after the ledger: check it, copy it, repair what can be computed anew, watch it")
    {
        Subcommands.Add(new LedgerVerifyCommand(common, host));
        Subcommands.Add(new LedgerStatsCommand(common, host));
        Subcommands.Add(new LedgerTailCommand(common, host));
        Subcommands.Add(new LedgerBackupCommand(common, host));
        Subcommands.Add(new LedgerArchiveCommand(common, host));
        Subcommands.Add(new LedgerRepairCommand(common, host));
        Subcommands.Add(new LedgerCompactCommand(common, host));
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger verify", "llmcost ledger stats", "llmcost ledger backup /backup/ledger-2026-11-22.db"];
}
