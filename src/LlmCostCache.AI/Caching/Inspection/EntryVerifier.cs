using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Checks every row of <c>cache.db</c> as a look-up would, and more: that the columns say what the answer says.</summary>
internal sealed class EntryVerifier(CacheFile file, AnswerSeal seal, Action<long> progress)
{
    // A file that is nothing but damage must not fill the memory.
    private const int MostNamed = 10_000;
    private const int RowsBetweenLooks = 1_000;

    public EntryVerification Verify(CancellationToken cancellationToken)
    {
        var (rows, notOpened, badRows, bad, problems) = (0L, 0L, 0L, new List<BadRow>(), new List<string>());
        try
        {
            problems.AddRange(file.IntegrityProblems());
            foreach (var row in file.Rows(EntryFilter.All, seal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (++rows % RowsBetweenLooks == 0)
                {
                    progress(rows);
                }

                if (WhyBad(row, out var isSomebodyElses) is { } reason)
                {
                    badRows++;
                    if (bad.Count < MostNamed)
                    {
                        bad.Add(new(row.Id, row.Entry?.AskedAt, Convert.ToHexStringLower(row.KeyBytes), reason));
                    }
                }
                else if (isSomebodyElses)
                {
                    notOpened++;
                }
            }
        }
        catch (StoreUnavailableException damage) when (damage.InnerException is SqliteException { SqliteErrorCode: 11 or 26 })
        {
            problems.Add(damage.Message);
        }

        return new() { Rows = rows, NotOpened = notOpened, Bad = bad, BadRows = badRows, Problems = problems };
    }

    private string? WhyBad(CacheRow row, out bool isSomebodyElses)
    {
        isSomebodyElses = false;
        if (row.Entry is not { } entry)
        {
            return "its key is none";
        }

        // Removed while this ran.
        if (row.ReadFrame() is not { } frame)
        {
            return file.WithKey(entry.Key.ToString(), 1) is [var still] && still.Id == row.Id ? EntryFault.Of(SealResult.Broken, null, seal) : null;
        }

        var opened = AnswerFrame.TryDecode(entry.Key, frame, seal, out var answer);
        isSomebodyElses = EntryFault.IsSomebodyElses(opened, frame, seal);
        if (opened != SealResult.Opened)
        {
            return isSomebodyElses ? null : EntryFault.Of(opened, frame, seal);
        }

        if (row.ReadOutline() is { } outline && OutlineFrame.TryDecode(entry.Key, outline, seal, out _) != SealResult.Opened)
        {
            return "what its question consisted of was changed";
        }

        return EntryAgreement.WhyNot(entry, answer!, seal);
    }
}
