using System.Globalization;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What became of the rows of another ledger.</summary>
internal sealed class MergeReport(BucketDays days)
{
    private readonly HashSet<string> _notTaken = new(StringComparer.Ordinal);

    public IntakeReport Intake { get; } = new();

    /// <summary>How many of the new rows correct a call.</summary>
    public long Adjustments { get; private set; }

    /// <summary>Whether a row can be asked for at all; one that cannot is rejected.</summary>
    public bool Fits(ForeignRow row)
    {
        if (row.CallId is { } call && _notTaken.Contains(call))
        {
            Reject(row, "corrects a call that was not taken over");
            return false;
        }

        if (row.CallId is null && SqliteLedgerStore.WhyNot(row.Entry.ToRecord()) is { } wrong)
        {
            Reject(row, $"('{row.Entry.Id}'): {wrong}");
            return false;
        }

        if (row.CallId is null && days.WhyNot(row.Entry.Id, LedgerTime.Instant(row.Entry.At), "the other ledger", lookup => lookup.Judge(row, willHaveCall: false)) is { } twice)
        {
            Reject(row, $"('{row.Entry.Id}') {twice}");
            return false;
        }

        return true;
    }

    public void Count(ForeignRow row, IntakeOutcome outcome)
    {
        switch (outcome)
        {
            case IntakeOutcome.New:
                Intake.Read++;
                Intake.New++;
                Adjustments += row.CallId is null ? 0 : 1;
                Intake.Unpriced += row.Entry.Unpriced;
                Intake.Cost += Money.FromNanos(row.Entry.BookedNanos);
                break;
            case IntakeOutcome.Known:
                Intake.Read++;
                Intake.Known++;
                break;
            case IntakeOutcome.Differs:
                Reject(row, $"('{row.Entry.Id}') is another row here; that one stays");
                break;
            case IntakeOutcome.Unfit:
                Reject(row, $"corrects '{row.CallId}', which is not here or was corrected otherwise; what is here stays");
                break;
            default:
                Reject(row, $"('{row.Entry.Id}') makes a sum of the ledger larger than it can hold");
                break;
        }
    }

    /// <summary>A row that no writer wrote so.</summary>
    public void RejectUnreadable(long sequence, string why) => Reject(sequence, $"cannot be read: {why}");

    private void Reject(ForeignRow row, string reason)
    {
        if (row.CallId is null)
        {
            _notTaken.Add(row.Entry.Id);
        }

        Reject(row.Entry.Sequence, reason);
    }

    private void Reject(long sequence, string reason)
    {
        Intake.Read++;
        Intake.Reject(null, new SourceRow(sequence) { Place = string.Create(CultureInfo.InvariantCulture, $"row {sequence}") }, reason);
    }
}
