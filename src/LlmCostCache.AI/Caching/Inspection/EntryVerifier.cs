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

                if (WhyBad(row, out var isUnknownKey) is { } reason)
                {
                    badRows++;
                    if (bad.Count < MostNamed)
                    {
                        bad.Add(new(row.Id, row.Entry?.AskedAt, Convert.ToHexStringLower(row.KeyBytes), reason));
                    }
                }
                else if (isUnknownKey)
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

    /// <summary>Deletes bad rows, in short transactions beside whoever uses the file; a row that was written anew meanwhile stays.</summary>
    /// <returns>How many were deleted.</returns>
    public static long Delete(string path, IReadOnlyList<BadRow> rows)
    {
        const int RowsATransaction = 100;
        try
        {
            using var connection = SqliteFile.Open(path, SqliteOpenMode.ReadWrite);
            using var delete = new SqliteStatement(connection, "DELETE FROM answer WHERE id = ?1 AND (asked_at = ?2 OR ?2 IS NULL)");
            var deleted = 0L;
            foreach (var some in rows.Chunk(RowsATransaction))
            {
                SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
                foreach (var row in some)
                {
                    deleted += delete.Bind(1, row.Id).Bind(2, row.AskedAt).Run();
                }

                SqliteFile.Execute(connection, "COMMIT");
            }

            return deleted;
        }
        catch (SqliteException error)
        {
            throw CacheFile.Unavailable(path, error);
        }
    }

    private string? WhyBad(CacheRow row, out bool isUnknownKey)
    {
        isUnknownKey = false;
        if (row.Entry is not { } entry)
        {
            return "its key is none";
        }

        // Removed while this ran.
        if (row.ReadFrame() is not { } frame)
        {
            return file.WithKey(entry.Key.ToString(), 1) is [var still] && still.Id == row.Id ? EntryFault.Of(SealResult.Broken, null) : null;
        }

        var opened = AnswerFrame.TryDecode(entry.Key, frame, seal, out var answer);
        isUnknownKey = opened == SealResult.UnknownKey;
        if (opened == SealResult.Broken)
        {
            return EntryFault.Of(opened, frame);
        }

        if (row.ReadOutline() is { } outline && OutlineFrame.TryDecode(entry.Key, outline, seal, out _) == SealResult.Broken)
        {
            return "what its question consisted of was changed";
        }

        return answer is null ? null : EntryAgreement.WhyNot(entry, answer, seal);
    }
}
