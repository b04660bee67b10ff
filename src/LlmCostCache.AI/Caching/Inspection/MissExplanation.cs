using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Why a question is not answered from the cache on disk, without a word of it.</summary>
internal sealed record MissExplanation
{
    public required MissVerdict Verdict { get; init; }

    /// <summary>Why the cache is bypassed, or the row is unreadable.</summary>
    public string? Reason { get; init; }

    /// <summary>The entry that was found, or the nearest one.</summary>
    public CacheEntry? Entry { get; init; }

    /// <summary>Exactly the parts that differ from the nearest entry.</summary>
    public IReadOnlyList<PartDifference> Differences { get; init; } = [];

    public int EqualParts { get; init; }

    /// <summary>How many characters at the beginning of both prompts are the same; null when the prompts are the same or were not kept.</summary>
    public int? CommonPrompt { get; init; }

    /// <summary>How many entries were compared.</summary>
    public long Compared { get; init; }

    /// <summary>How many entries say what their question was, but need a key or secret that was not given.</summary>
    public long NotOpened { get; init; }

    /// <summary>Parts that were left out of the comparison.</summary>
    public IReadOnlyList<string> NotCompared { get; init; } = [];

    /// <summary>The explanation in a sentence or two.</summary>
    public string Words => Verdict switch
    {
        MissVerdict.Hit when NotCompared.Count > 0 => $"would be a hit, provided that the same {string.Join(" and ", NotCompared)} {(NotCompared.Count == 1 ? "is" : "are")} asked",
        MissVerdict.Hit => "would be a hit",
        MissVerdict.Expired => string.Create(CultureInfo.InvariantCulture, $"was stored but expired on {Entry!.ExpiresAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z"),
        MissVerdict.Unreadable => $"is stored, but its row cannot be read: {Reason}",
        MissVerdict.Bypass => $"would bypass the cache because {Reason}",
        MissVerdict.Different => $"is not stored; the nearest entry differs in {string.Join(", ", Differences.Select(difference => difference.Name))}",
        _ => Compared == 0 ? "is not stored; no entry says what its question was" : "is not stored, and no entry is near",
    };
}
