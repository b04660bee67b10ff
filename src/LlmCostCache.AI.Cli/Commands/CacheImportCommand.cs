using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache import</c></summary>
internal sealed class CacheImportCommand : Command, IHasExamples
{
    // What the application's limit is, is not ours to know; it evicts by itself.
    private const long NoLimit = 1L << 40;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly EntryOptions _entries = new();
    private readonly SecretOptions _secrets = new();
    private readonly Argument<string> _file = new("FILE") { Description = "What 'llmcost cache export' wrote; - is standard input" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only check the lines and say what would be stored" };

    public CacheImportCommand(CommonOptions common, CliHost host)
        : base("import", "Take entries over that were exported; every line is checked, none replaces a newer entry; exit code 1 when lines were skipped")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        Options.Add(_dryRun);
        _entries.AddTo(this);
        _secrets.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache import answers.jsonl --dry-run", "llmcost cache import answers.jsonl --namespace shop --home ./data"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var path = parse.GetValue(_file)!;
        var (filter, seal, isDryRun) = (_entries.Read(parse), _secrets.SealOf(parse, _host), parse.GetValue(_dryRun));
        var home = _common.HomeOf(parse, _host);

        // Told before anything is written: a layer that is opened sets a damaged file aside.
        CacheFile.TryOpen(home)?.Dispose();
        var outcome = await ReadAsync(path, async stream =>
        {
            var (failure, invalidations) = ("", new Invalidations(_host.Time));
            if (!isDryRun)
            {
                LlmCostsHome.Prepare(home);
            }

            using var disk = isDryRun ? null : DiskLayer.TryOpen(home, NoLimit, seal, _host.Time, invalidations, NullLogger.Instance, what => failure = what);
            if (disk is null && !isDryRun)
            {
                throw SqliteFile.Refusal(CacheFile.PathIn(home), $"cannot be written: {failure}.");
            }

            using var progress = new Rendering.Progress(_host, "reading entries");
            var import = new EntryImport(disk, home, seal, invalidations, _host.Time) { Filter = filter, IsDryRun = isDryRun, Progress = progress.Report };
            return await import.ReadAsync(stream, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "cache-import/1", json => WriteFields(json, outcome, isDryRun));
        }
        else
        {
            Show(outcome, isDryRun, filter);
        }

        return outcome.SkippedLines > 0 ? ExitCode.Found : ExitCode.Done;
    }

    private async Task<ImportOutcome> ReadAsync(string path, Func<Stream, Task<ImportOutcome>> read)
    {
        var name = path == "-" ? "standard input" : $"'{path}'";
        try
        {
            var stream = InputFile.Open(path, _host.Input);
            await using (stream.ConfigureAwait(false))
            {
                return await read(stream).ConfigureAwait(false);
            }
        }
        catch (InvalidDataException wrong)
        {
            throw new UsageException($"{name} cannot be imported: {wrong.Message}.");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"{name} cannot be read: {unreadable.Message}");
        }
    }

    private void Show(ImportOutcome outcome, bool isDryRun, EntryFilter filter)
    {
        _host.Console.WriteLine($"{Amounts.Count(outcome.Lines)} entries read: {Amounts.Count(outcome.Stored)} {(isDryRun ? "would be stored" : "stored")}, {Amounts.Count(outcome.Known)} already there"
            + $"{(outcome.NotMeant > 0 ? $", {Amounts.Count(outcome.NotMeant)} not meant" : "")}, {Amounts.Count(outcome.SkippedLines)} skipped.");
        foreach (var (reason, count) in outcome.Skipped)
        {
            _host.Console.WriteLine(Shown.OneLine($"  {Amounts.Count(count)}: {reason}"));
        }

        foreach (var (line, reason) in outcome.Named)
        {
            _host.Error.WriteLine($"llmcost: line {line}: {reason}");
        }

        if (filter.Namespace is not null && outcome.NotMeant > 0)
        {
            _host.Console.WriteLine("--namespace chooses entries; it cannot move them to another namespace, which is part of their key.");
        }
    }

    private static void WriteFields(Utf8JsonWriter json, ImportOutcome outcome, bool isDryRun)
    {
        json.WriteBoolean("dry_run", isDryRun);
        json.WriteNumber("lines", outcome.Lines);
        json.WriteNumber("stored", outcome.Stored);
        json.WriteNumber("known", outcome.Known);
        json.WriteNumber("not_meant", outcome.NotMeant);
        json.WriteNumber("skipped", outcome.SkippedLines);
        json.WriteStartArray("reasons");
        foreach (var (reason, count) in outcome.Skipped)
        {
            json.WriteStartObject();
            json.WriteString("reason", reason);
            json.WriteNumber("count", count);
            json.WriteNumber("first_line", outcome.Named.FirstOrDefault(named => named.Reason == reason).Line);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
