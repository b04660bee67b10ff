namespace LlmCostCache.AI;

/// <summary>One row of <c>cache.db</c>, whatever it holds; its bytes are read when they are asked for.</summary>
/// <param name="Id">The number of the row.</param>
/// <param name="Entry">What the row says; null when its key is none.</param>
/// <param name="KeyBytes">The key as it stands there.</param>
/// <param name="File">The file.</param>
internal sealed record CacheRow(long Id, CacheEntry? Entry, byte[] KeyBytes, CacheFile File)
{
    /// <summary>The answer; null when there is none, or one longer than any answer.</summary>
    public byte[]? ReadFrame() => File.Guarded(() => File.Blob("answer_frame", "frame", Id, AnswerFrame.MaxBytes));

    /// <summary>What the question consisted of; null when it was not noted.</summary>
    public byte[]? ReadOutline() => File.Guarded(() => File.Blob("answer_outline", "outline", Id, OutlineFrame.MaxBytes));
}
