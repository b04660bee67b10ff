using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache verify</c></summary>
internal sealed class CacheVerifyCommand : Command, IHasExamples
{
    private const int MostShown = 50;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SecretOptions _secrets = new();
    private readonly Option<bool> _repair = new("--repair") { Description = "Delete the rows that are wrong; their answers are bought again when they are asked for" };

    public CacheVerifyCommand(CommonOptions common, CliHost host)
        : base("verify", "Check every row of cache.db and the file itself; exit code 1 when something is wrong or could not be checked")
    {
        (_common, _host) = (common, host);
        Options.Add(_repair);
        _secrets.AddTo(this);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache verify", "llmcost cache verify --repair --home ./data"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var home = _common.HomeOf(parse, _host);
        var seal = _secrets.SealOf(parse, _host);
        using var file = CacheFile.TryOpen(home);
        var found = new EntryVerification { Rows = 0, NotOpened = 0, Bad = [], BadRows = 0, Problems = [] };
        if (file is not null)
        {
            using var progress = new Rendering.Progress(_host, "checking entries");
            found = new EntryVerifier(file, seal, progress.Report).Verify(cancellationToken);
        }

        if (parse.GetValue(_repair) && found.Bad.Count > 0)
        {
            found = found with { Deleted = EntryRemoval.OfBad(file!.Path, Repairable(found, seal)) };
        }

        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "cache-verify/1", json => WriteFields(json, found));
        }
        else if (file is null)
        {
            _host.Console.WriteLine(Shown.OneLine($"no cache.db in {home}: there is nothing to check"));
        }
        else
        {
            Show(found);
        }

        return Task.FromResult(found.IsIntact && found.NotOpened == 0 ? ExitCode.Done : ExitCode.Found);
    }

    /// <summary>With a wrong secret or key every row looks changed, and a repair would empty the cache.</summary>
    private static IReadOnlyList<BadRow> Repairable(EntryVerification found, AnswerSeal seal) =>
        found.BadRows == found.Rows && (seal.HasSecret || seal.Encrypts)
            ? throw new UsageException("Not one row could be opened, so the secret or key is most likely not the one they were stored with. Nothing was deleted; 'llmcost cache clear --all' empties the cache.")
            : found.Bad;

    private void Show(EntryVerification found)
    {
        var rows = $"{Amounts.Count(found.Rows)} {(found.Rows == 1 ? "row" : "rows")} checked";
        _host.Console.WriteLine(found.IsIntact ? $"{rows}, nothing wrong." : $"{rows}, {Amounts.Count(found.BadRows)} wrong.");
        foreach (var problem in found.Problems)
        {
            _host.Console.WriteLine(Shown.OneLine($"the file: {problem}"));
        }

        foreach (var row in found.Bad.Take(MostShown))
        {
            _host.Console.WriteLine($"{(row.Key.Length > EntryFields.ShortKeyLength ? row.Key[..EntryFields.ShortKeyLength] : $"row {row.Id}")}: {row.Reason}");
        }

        if (found.BadRows > MostShown)
        {
            _host.Console.WriteLine($"and {Amounts.Count(found.BadRows - MostShown)} more");
        }

        if (found.Deleted > 0)
        {
            _host.Console.WriteLine($"{Amounts.Count(found.Deleted)} deleted.");
        }

        if (found.NotOpened > 0)
        {
            _host.Console.WriteLine($"{Amounts.Count(found.NotOpened)} could not be checked: give their key with --key-file or {CacheEncryptionKey.VariableName}, or their secret with --secret-file or {CacheSecret.VariableName}.");
        }
    }

    private static void WriteFields(Utf8JsonWriter json, EntryVerification found)
    {
        json.WriteBoolean("intact", found.IsIntact);
        json.WriteNumber("rows", found.Rows);
        json.WriteNumber("not_opened", found.NotOpened);
        json.WriteNumber("bad_rows", found.BadRows);
        json.WriteNumber("deleted", found.Deleted);
        json.WriteStartArray("bad");
        foreach (var row in found.Bad)
        {
            json.WriteStartObject();
            json.WriteString("key", row.Key);
            json.WriteString("reason", row.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (var problem in found.Problems)
        {
            json.WriteStringValue(problem);
        }

        json.WriteEndArray();
    }
}
