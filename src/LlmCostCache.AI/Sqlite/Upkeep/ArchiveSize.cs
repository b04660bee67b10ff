namespace LlmCostCache.AI;

/// <summary>How large a file of archived rows is.</summary>
/// <param name="File">Its name.</param>
/// <param name="FirstSequence">Its first row.</param>
/// <param name="LastSequence">Its last row.</param>
/// <param name="From">When its earliest call was made.</param>
/// <param name="To">When its latest call was made.</param>
/// <param name="Bytes">Its size; null when it is missing.</param>
internal readonly record struct ArchiveSize(string File, long FirstSequence, long LastSequence, DateTimeOffset From, DateTimeOffset To, long? Bytes)
{
    public long Rows => LastSequence - FirstSequence + 1;

    public static ArchiveSize Of(LedgerArchive archive, string directory)
    {
        var file = new FileInfo(Path.Combine(directory, archive.File));
        return new(archive.File, archive.FirstSequence, archive.LastSequence, LedgerTime.Instant(archive.FirstAt), LedgerTime.Instant(archive.LastAt), file.Exists ? file.Length : null);
    }
}
