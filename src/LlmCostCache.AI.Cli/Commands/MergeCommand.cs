using System.CommandLine;
using LlmCostCache.AI.Cli.Exchange;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost merge</c></summary>
internal sealed class MergeCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _other = new("OTHER") { Description = "The other home directory, or its ledger.db; it is only read" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say what would be taken over" };
    private readonly Option<bool> _unverified = new("--unverified") { Description = "Also take over a ledger whose rows were changed or lost" };

    public MergeCommand(CommonOptions common, CliHost host)
        : base("merge", "Take the rows of another device's or person's ledger over into this one; nothing twice. Exit code 1 when rows were not taken")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_other);
        Options.Add(_dryRun);
        Options.Add(_unverified);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost merge /media/laptop/.llmcostcache --dry-run", "llmcost merge ./bob/ledger.db --home ./team"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (home, isDryRun) = (_common.HomeOf(parse, _host), parse.GetValue(_dryRun));
        var other = PathOf(parse.GetValue(_other)!);
        if (IsSame(other, LedgerFile.PathIn(home)))
        {
            throw new UsageException($"'{other}' is the ledger of this home; name the other one, or this one's home with --home.");
        }

        using var theirs = new ForeignLedger(other);
        var verification = theirs.Verify(cancellationToken);
        if (!verification.IsIntact && !parse.GetValue(_unverified))
        {
            _host.Error.WriteLine(Shown.OneLine($"llmcost: '{other}' is not as it was written: {verification.Problems[0]} Nothing was taken over. See 'llmcost ledger verify', or say --unverified."));
            return ExitCode.Found;
        }

        if (!isDryRun)
        {
            LlmCostsHome.Prepare(home);
        }

        var store = isDryRun ? null : SqliteLedgerStore.Open(home, new LlmCostsOptions { TimeProvider = _host.Time }, NullLogger.Instance, neverSync: false, _host.SayProgress);
        try
        {
            using var lookup = SqliteLedgerStore.Exists(home) ? new LedgerLookup(LedgerFile.PathIn(home)) : null;
            var before = BudgetShift.Read(home, store, _host.Time);
            var report = await TakeOverAsync(theirs, store, lookup, cancellationToken).ConfigureAwait(false);
            var shifts = BudgetShift.Between(before, BudgetShift.Read(home, store, _host.Time));
            Say(parse, report, other, isDryRun, shifts, theirs.Archived);
            return theirs.Archived > 0 ? ExitCode.Found : report.Intake.ExitCode;
        }
        finally
        {
            if (store is not null)
            {
                await store.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<MergeReport> TakeOverAsync(ForeignLedger theirs, SqliteLedgerStore? store, LedgerLookup? lookup, CancellationToken cancellationToken)
    {
        var (report, corrections) = (new MergeReport(new BucketDays(lookup)), new HashSet<string>(StringComparer.Ordinal));
        using var progress = new Rendering.Progress(_host, "reading rows");
        theirs.Unreadable = report.RejectUnreadable;
        while (theirs.Next() is { Count: > 0 } rows)
        {
            // First the calls: the correction of a call that turns out to be another one here must not reach the writer.
            foreach (var some in rows.GroupBy(static row => row.CallId is not null).OrderBy(static group => group.Key))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var fitting = some.Where(row => report.Fits(row)).ToList();
                var outcomes = store is null ? WouldBe(fitting, lookup, corrections) : await store.TakeInAsync(fitting, cancellationToken).ConfigureAwait(false);
                for (var i = 0; i < fitting.Count; i++)
                {
                    report.Count(fitting[i], outcomes[i]);
                }
            }

            progress.Report(report.Intake.Read);
        }

        return report;
    }

    /// <param name="rows">The rows.</param>
    /// <param name="lookup">What is here; null when nothing is.</param>
    /// <param name="corrections">The corrections that would have been taken before: the next ones of the same calls stand on them.</param>
    private static IntakeOutcome[] WouldBe(List<ForeignRow> rows, LedgerLookup? lookup, HashSet<string> corrections) =>
    [
        .. rows.Select(row =>
        {
            var willHaveCall = row.CallId is { } call && (lookup?.Has(call) != true || (row.PreviousAdjustmentId is { } before && corrections.Contains(before)));
            var outcome = lookup?.Judge(row, willHaveCall) ?? IntakeOutcome.New;
            if (outcome == IntakeOutcome.New && row.CallId is not null)
            {
                corrections.Add(row.Entry.Id);
            }

            return outcome;
        }),
    ];

    private void Say(ParseResult parse, MergeReport report, string other, bool isDryRun, IReadOnlyList<BudgetShift> shifts, long archived)
    {
        if (archived > 0)
        {
            _host.Error.WriteLine($"llmcost: {Amounts.Count(archived, "row")} of the other ledger lie in its archives and were not read. Merge before you archive, or import an export of it.");
        }

        if (!parse.GetValue(_common.Json))
        {
            report.Intake.Show(_host.Console, _host.Error, isDryRun);
            foreach (var shift in shifts)
            {
                _host.Console.WriteLine(Shown.OneLine(shift.Sentence));
            }

            return;
        }

        JsonOutput.Write(_host.Output, "merge/1", json =>
        {
            json.WriteString("other", other);
            json.WriteNumber("adjustments", report.Adjustments);
            json.WriteNumber("archived", archived);
            report.Intake.WriteFields(json, isDryRun);
            BudgetShift.Write(json, shifts);
        });
    }

    private static string PathOf(string other)
    {
        try
        {
            var path = Directory.Exists(other) ? LedgerFile.PathIn(other) : Path.GetFullPath(other);
            return File.Exists(path) ? path
                : throw new StoreUnavailableException($"'{other}' {(Directory.Exists(other) ? "has no ledger.db" : "does not exist")}; name the other home directory, or its ledger.db.");
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or NotSupportedException)
        {
            throw new UsageException($"'{other}' is no path: {wrong.Message}");
        }
    }

    private static bool IsSame(string left, string right)
    {
        static string Resolved(string path) => File.Exists(path) ? new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path : path;
        return string.Equals(Resolved(left), Resolved(right), OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
    }
}
