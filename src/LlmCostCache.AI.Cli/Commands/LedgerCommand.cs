using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger verify</c></summary>
internal sealed class LedgerCommand : Command, IHasExamples
{
    public LedgerCommand(CommonOptions common, CliHost host)
        : base("ledger", "Look after the ledger") =>
        Subcommands.Add(new VerifyCommand(common, host));

    public IReadOnlyList<string> Examples => ["llmcost ledger verify"];

    internal sealed class VerifyCommand : Command, IHasExamples
    {
        private readonly CommonOptions _common;
        private readonly CliHost _host;

        public VerifyCommand(CommonOptions common, CliHost host)
            : base("verify", "Check that no row of the ledger was changed, lost or moved, and that all sums agree")
        {
            (_common, _host) = (common, host);
            SetAction(RunAsync);
        }

        public IReadOnlyList<string> Examples => ["llmcost ledger verify --home ./data"];

        private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
        {
            // A ledger that is gone is not an intact one, so its absence is an error here.
            var view = LedgerView.Open(_common.HomeOf(parse, _host), _host.Time);
            await using (view.ConfigureAwait(false))
            {
                var found = await view.Ledger.VerifyAsync(cancellationToken).ConfigureAwait(false);
                if (parse.GetValue(_common.Json))
                {
                    WriteJson(found);
                }
                else
                {
                    Show(found);
                }

                return found.IsIntact ? ExitCode.Done : ExitCode.Found;
            }
        }

        private void Show(LedgerVerification found)
        {
            _host.Console.WriteLine($"{Amounts.Count(found.Rows)} rows checked, {(found.IsIntact ? "nothing wrong" : $"{Amounts.Count(found.Problems.Count)} found")}.");
            foreach (var problem in found.Problems)
            {
                _host.Console.WriteLine(Shown.OneLine(problem));
            }
        }

        private void WriteJson(LedgerVerification found) => JsonOutput.Write(_host.Output, "ledger-verify/1", json =>
        {
            json.WriteBoolean("intact", found.IsIntact);
            json.WriteNumber("rows", found.Rows);
            if (found.FirstBadSequence is { } sequence)
            {
                json.WriteNumber("first_bad_sequence", sequence);
            }
            else
            {
                json.WriteNull("first_bad_sequence");
            }

            json.WriteStartArray("problems");
            foreach (var problem in found.Problems)
            {
                json.WriteStringValue(problem);
            }

            json.WriteEndArray();
        });
    }
}
