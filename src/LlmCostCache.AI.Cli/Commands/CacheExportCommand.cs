using System.CommandLine;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost cache export</c></summary>
internal sealed class CacheExportCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly EntryOptions _entries = new();
    private readonly SecretOptions _secrets = new();
    private readonly Argument<string> _file = new("FILE") { Description = "Where to; it appears when it is whole. - is standard output" };

    public CacheExportCommand(CommonOptions common, CliHost host)
        : base("export", "Write entries as JSON lines, one an entry, to move them or to warm up another cache; the lines contain answers")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        _entries.AddTo(this);
        _secrets.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost cache export answers.jsonl --tag faq", "llmcost cache export - > all.jsonl"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var path = parse.GetValue(_file)!;
        var json = parse.GetValue(_common.Json);
        if (json && path == "-")
        {
            throw new UsageException("--json describes the file that is written; the entries themselves are JSON lines.");
        }

        var filter = _entries.Read(parse);
        var seal = _secrets.SealOf(parse, _host);
        var home = _common.HomeOf(parse, _host);
        using var file = CacheFile.TryOpen(home) ?? throw SqliteFile.Refusal(CacheFile.PathIn(home), "is not there or empty: there is nothing to export.");
        var export = await WriteAsync(file, path, filter, seal, cancellationToken).ConfigureAwait(false);

        if (json)
        {
            JsonOutput.Write(_host.Output, "cache-export/1", fields =>
            {
                fields.WriteString("file", Path.GetFullPath(path));
                fields.WriteNumber("entries", export.Written);
                fields.WriteNumber("expired", export.Expired);
                fields.WriteNumber("bad_rows", export.Bad);
            });
        }
        else
        {
            _host.Error.WriteLine($"llmcost: {Amounts.Count(export.Written)} {(export.Written == 1 ? "entry" : "entries")} written{(export.Expired > 0 ? $", {Amounts.Count(export.Expired)} left out that had expired or were invalidated" : "")}.");
        }

        if (export.Bad > 0)
        {
            _host.Error.WriteLine($"llmcost: {Amounts.Count(export.Bad)} {(export.Bad == 1 ? "row is wrong and was" : "rows are wrong and were")} left out; 'llmcost cache verify' names them.");
        }

        return export.Bad > 0 ? ExitCode.Found : ExitCode.Done;
    }

    private async Task<EntryExport> WriteAsync(CacheFile file, string path, EntryFilter filter, AnswerSeal seal, CancellationToken cancellationToken)
    {
        using var progress = new Progress(_host, "writing entries");
        var export = new EntryExport(file, seal, _host.Time.GetUtcNow()) { Progress = progress.Report, IsDead = file.ReadInvalidations(seal, _host.Time).IsDead };
        if (path == "-")
        {
            await export.WriteAsync(filter, _host.Output, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await WholeFile.WriteAsync(path, async destination =>
            {
                await export.WriteAsync(filter, destination, cancellationToken).ConfigureAwait(false);
                return export.Written;
            }).ConfigureAwait(false);
        }

        return export;
    }
}
