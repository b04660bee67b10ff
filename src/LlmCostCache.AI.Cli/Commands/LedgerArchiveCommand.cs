using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger archive</c></summary>
internal sealed class LedgerArchiveCommand : Command, IHasExamples
{
    private const int UsualMonths = 3;
    private const int MostMonths = 1_200;

    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(2);

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _before = new("--before") { Description = "Archive what is older than this month (UTC)", HelpName = "YYYY-MM" };
    private readonly Option<int?> _keep = new("--keep") { Description = $"Keep so many months beside the current one [default: {UsualMonths}]", HelpName = "MONTHS" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say what would be archived" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask" };
    private long _told;

    public LedgerArchiveCommand(CommonOptions common, CliHost host)
        : base("archive", "Move old months out of ledger.db into files in the directory 'archive' beside it, which verify, reports and exports go on reading")
    {
        (_common, _host) = (common, host);
        foreach (var option in (ReadOnlySpan<Option>)[_before, _keep, _dryRun, _yes])
        {
            Options.Add(option);
        }

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger archive --dry-run", "llmcost ledger archive --before 2026-08 --yes", "llmcost ledger archive --keep 12"];

    public static void WriteArchives(Utf8JsonWriter json, ImmutableArray<ArchiveSize> archives)
    {
        json.WriteStartArray("archives");
        foreach (var archive in archives)
        {
            json.WriteStartObject();
            json.WriteString("file", $"{LedgerArchive.DirectoryName}/{archive.File}");
            json.WriteNumber("first_sequence", archive.FirstSequence);
            json.WriteNumber("last_sequence", archive.LastSequence);
            json.WriteNumber("rows", archive.Rows);
            TotalJson.WriteInstant(json, "from", archive.From);
            TotalJson.WriteInstant(json, "to", archive.To);
            if (archive.Bytes is { } bytes)
            {
                json.WriteNumber("bytes", bytes);
            }
            else
            {
                json.WriteNull("bytes");
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var before = Before(parse);
        var path = LedgerFile.PathIn(_common.HomeOf(parse, _host));
        var json = parse.GetValue(_common.Json);
        var archiver = new LedgerArchiver(path, _host.Time) { Progress = Tell };
        var plan = archiver.Plan(before);
        if (plan.IsEmpty || parse.GetValue(_dryRun))
        {
            Show(plan, before, json);
            return ExitCode.Done;
        }

        var rows = plan.Parts.Sum(static part => part.Rows) + plan.Unfinished.Sum(static archive => archive.LastSequence - archive.MovedThrough);
        var question = $"This moves {Amounts.Count(rows, "row")} from before {Month(before)} out of ledger.db into {Path.GetDirectoryName(path)}{Path.DirectorySeparatorChar}{LedgerArchive.DirectoryName}.";
        if (!parse.GetValue(_yes) && !await Confirmation.AskAsync(_host, Shown.OneLine(question), cancellationToken).ConfigureAwait(false))
        {
            Show(plan with { Parts = [], Unfinished = [] }, before, json, "Nothing was archived.");
            return ExitCode.Done;
        }

        var made = archiver.Run(before, cancellationToken);
        Show([.. made.Select(archive => ArchiveSize.Of(archive, LedgerArchive.DirectoryOf(path)))], plan.HeldBack, before, json);
        return ExitCode.Done;
    }

    private DateTimeOffset Before(ParseResult parse)
    {
        var current = LedgerArchivePlan.MonthOf(_host.Time.GetUtcNow());
        var (text, keep) = (parse.GetValue(_before), parse.GetValue(_keep));
        if (text is not null && keep is not null)
        {
            throw new UsageException("--before and --keep both say which months stay; choose one.");
        }

        if (keep is < 0 or > MostMonths)
        {
            throw new UsageException($"--keep {keep} is no number of months; it goes from 0 to {MostMonths}. The current month always stays.");
        }

        if (text is null)
        {
            return current.AddMonths(-(keep ?? UsualMonths));
        }

        if (!DateTimeOffset.TryParseExact(text, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var before))
        {
            throw new UsageException($"--before '{text}' is not a month like 2026-08.");
        }

        return before <= current ? before : throw new UsageException($"--before {text} would archive the month that is not over yet; {Month(current)} is the latest.");
    }

    private void Show(LedgerArchivePlan plan, DateTimeOffset before, bool json, string? nothing = null)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "ledger-archive/1", fields =>
            {
                WriteHead(fields, before, plan.HeldBack, dryRun: nothing is null);
                fields.WriteStartArray("would_archive");
                foreach (var part in plan.Parts)
                {
                    fields.WriteStartObject();
                    fields.WriteString("file", $"{LedgerArchive.DirectoryName}/{part.File}");
                    fields.WriteNumber("first_sequence", part.FirstSequence);
                    fields.WriteNumber("last_sequence", part.LastSequence);
                    fields.WriteNumber("rows", part.Rows);
                    fields.WriteEndObject();
                }

                fields.WriteEndArray();
                fields.WriteStartArray("would_complete");
                foreach (var archive in plan.Unfinished)
                {
                    fields.WriteStringValue(archive.Name);
                }

                fields.WriteEndArray();
                WriteArchives(fields, []);
            });
            return;
        }

        foreach (var archive in plan.Unfinished)
        {
            _host.Console.WriteLine($"{archive.Name}: {Amounts.Count(archive.LastSequence - archive.MovedThrough, "row")} of an interrupted run would be moved.");
        }

        foreach (var part in plan.Parts)
        {
            _host.Console.WriteLine($"{LedgerArchive.DirectoryName}/{part.File}: {Amounts.Count(part.Rows, "row")} would be moved, {Amounts.Count(part.FirstSequence)} to {Amounts.Count(part.LastSequence)}.");
        }

        if (plan.IsEmpty)
        {
            _host.Console.WriteLine(nothing ?? $"Nothing from before {Month(before)} {(plan.HeldBack is null ? "is to" : "can")} be archived{(plan.HeldBack is null ? "" : " now")}.");
        }

        ShowHeldBack(plan.HeldBack);
    }

    private void Show(ImmutableArray<ArchiveSize> made, string? heldBack, DateTimeOffset before, bool json)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "ledger-archive/1", fields =>
            {
                WriteHead(fields, before, heldBack, dryRun: false);
                WriteArchives(fields, made);
            });
            return;
        }

        foreach (var archive in made)
        {
            _host.Console.WriteLine($"{LedgerArchive.DirectoryName}/{archive.File}: {Amounts.Count(archive.Rows, "row")}, {Sizes.Text(archive.Bytes ?? 0)}");
        }

        ShowHeldBack(heldBack);
        _host.Console.WriteLine("Keep these files beside the ledger. 'llmcost ledger compact' gives the room that became free in ledger.db back to the disk.");
    }

    private void ShowHeldBack(string? why)
    {
        if (why is not null)
        {
            _host.Console.WriteLine(why);
        }
    }

    private static void WriteHead(Utf8JsonWriter json, DateTimeOffset before, string? heldBack, bool dryRun)
    {
        json.WriteBoolean("dry_run", dryRun);
        json.WriteString("before", Month(before));
        json.WriteString("held_back", heldBack);
    }

    /// <summary>A line now and then, so that a log stays short.</summary>
    private void Tell(string file, string what, long done, long all)
    {
        if (_told != 0 && done < all && _host.Time.GetElapsedTime(_told) < s_between)
        {
            return;
        }

        _told = _host.Time.GetTimestamp();
        _host.Error.WriteLine($"llmcost: {file}: {Amounts.Count(done)} of {Amounts.Count(all, "row")} {what}");
    }

    private static string Month(DateTimeOffset month) => month.ToString("yyyy-MM", CultureInfo.InvariantCulture);
}
