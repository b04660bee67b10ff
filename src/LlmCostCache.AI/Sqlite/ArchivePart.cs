namespace LlmCostCache.AI;

/// <summary>Rows that move into one file.</summary>
/// <param name="File">The file's name.</param>
/// <param name="FirstSequence">The first of them.</param>
/// <param name="LastSequence">The last of them.</param>
internal sealed record ArchivePart(string File, long FirstSequence, long LastSequence)
{
    public long Rows => LastSequence - FirstSequence + 1;
}
