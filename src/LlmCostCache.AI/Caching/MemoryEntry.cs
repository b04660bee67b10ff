namespace LlmCostCache.AI;

/// <summary>An answer in the <see cref="MemoryLayer"/>, with the question it answers.</summary>
/// <param name="print">Where it is found.</param>
/// <param name="request">The canonical bytes of the question, never changed; null when the question is so large that its print decides.</param>
/// <param name="key">The key of the question.</param>
/// <param name="answer">The answer.</param>
internal sealed class MemoryEntry(RequestPrint print, byte[]? request, CacheKey key, StoredAnswer answer)
{
    // Its place in the table and the array around the bytes of the question; the objects around an answer count with the answer.
    private const int Overhead = 100;

    public RequestPrint Print => print;

    public byte[]? Request => request;

    public CacheKey Key => key;

    public StoredAnswer Answer => answer;

    public long Size { get; } = answer.SizeInMemory() + Overhead + (request?.Length ?? 0);

    public int Hits { get; set; }

    public bool InMain { get; set; }

    /// <summary>The neighbour that was put in later; owned by the queue that holds the entry.</summary>
    public MemoryEntry? Newer { get; set; }

    /// <summary>The neighbour that was put in earlier.</summary>
    public MemoryEntry? Older { get; set; }

    public bool Answers(ReadOnlySpan<byte> question) => request is null ? question.IsEmpty : question.SequenceEqual(request);
}
