namespace LlmCostCache.AI;

/// <summary>Why a question would, or would not, be answered from <c>cache.db</c>. It contains no word of question or answer, so it may be logged.</summary>
public sealed class CacheExplanation
{
    private readonly string _words;

    internal CacheExplanation(MissExplanation explanation)
    {
        IsHit = explanation.Verdict == MissVerdict.Hit;
        Differences = [.. explanation.Differences.Select(difference => difference.Words)];
        Key = explanation.Entry?.Key.ToString();
        StoredAt = explanation.Entry?.StoredAt;
        _words = explanation.Words;
    }

    /// <summary>Whether it is stored and would be answered.</summary>
    public bool IsHit { get; }

    /// <summary>Exactly the parts that differ from the nearest entry, as in <c>temperature: not the same</c> or <c>tool get_weather: only in this request</c>; empty when
    /// the question is stored, or nothing near is.</summary>
    public IReadOnlyList<string> Differences { get; }

    /// <summary>The key of the entry that was found, or of the nearest one; <c>llmcost cache show</c> takes it. Null when there is none.</summary>
    public string? Key { get; }

    /// <summary>When that entry was stored.</summary>
    public DateTimeOffset? StoredAt { get; }

    /// <summary>The explanation as the rest of a sentence that begins with "the question".</summary>
    public override string ToString() => _words;
}
