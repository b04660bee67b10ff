using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger verify</c></summary>
internal sealed class LedgerVerifyCommand : Command, IHasExamples
{
    private const string Example = "1042:9f2c6d0b7a5e4c31885d1f0e6b2a9c744d3e5f60718293a4b5c6d7e8f9012345";

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _head = new("--head")
    {
        Description = "An end that an earlier check printed, as SEQUENCE:HASH: the ledger must still lead through it",
        HelpName = "SEQUENCE:HASH",
    };

    public LedgerVerifyCommand(CommonOptions common, CliHost host)
        : base("verify", "Check that no row of the ledger was changed, lost, moved or put in, and that all sums agree; exit code 1 when something is wrong")
    {
        (_common, _host) = (common, host);
        Options.Add(_head);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger verify --home ./data", $"llmcost ledger verify --head {Example}"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var head = parse.GetValue(_head);
        if (head is not null && !LedgerChain.TryReadHead(head, out _, out _))
        {
            throw new UsageException($"'{head}' is no end of a ledger; 'llmcost ledger verify' prints one, such as {Example}.");
        }

        // A ledger that is gone is not an intact one, so its absence is an error here.
        using var reader = LedgerReader.Open(LedgerFile.PathIn(_common.HomeOf(parse, _host)), _host.Time);
        var found = reader.Verify(head, cancellationToken);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "ledger-verify/2", json => WriteFields(json, found));
        }
        else
        {
            Show(_host.Console, found);
        }

        return Task.FromResult(found.IsIntact ? ExitCode.Done : ExitCode.Found);
    }

    public static void Show(IAnsiConsole console, LedgerVerification found)
    {
        console.WriteLine($"{Amounts.Count(found.Rows, "row")} checked, {(found.IsIntact ? "nothing wrong" : $"{Amounts.Count(found.Wrong, "problem")} found")}.");
        foreach (var problem in found.Problems)
        {
            console.WriteLine(Shown.OneLine(problem));
        }

        if (found.Wrong > found.Problems.Count)
        {
            console.WriteLine($"and {Amounts.Count(found.Wrong - found.Problems.Count)} more");
        }

        if (found.Head is not null)
        {
            console.WriteLine($"end: {found.Head}");
        }
    }

    public static void WriteFields(Utf8JsonWriter json, LedgerVerification found)
    {
        json.WriteBoolean("intact", found.IsIntact);
        json.WriteNumber("rows", found.Rows);
        json.WriteString("head", found.Head);
        if (found.FirstBadSequence is { } sequence)
        {
            json.WriteNumber("first_bad_sequence", sequence);
        }
        else
        {
            json.WriteNull("first_bad_sequence");
        }

        json.WriteNumber("wrong", found.Wrong);
        json.WriteStartArray("problems");
        foreach (var finding in found.Findings)
        {
            json.WriteStartObject();
            json.WriteString("kind", Word(finding.Kind));
            if (finding.Sequence is { } place)
            {
                json.WriteNumber("sequence", place);
            }
            else
            {
                json.WriteNull("sequence");
            }

            json.WriteString("id", finding.Id);
            json.WriteString("message", finding.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Word(LedgerFindingKind kind) => kind switch
    {
        LedgerFindingKind.RowChanged => "row_changed",
        LedgerFindingKind.RowMissing => "row_missing",
        LedgerFindingKind.RowMoved => "row_moved",
        LedgerFindingKind.RowAdded => "row_added",
        LedgerFindingKind.FileDamaged => "file_damaged",
        LedgerFindingKind.ArchiveMissing => "archive_missing",
        _ => "counter_wrong",
    };
}
