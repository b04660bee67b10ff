namespace LlmCostCache.AI.Cli.Caching;

/// <summary>An entry with what is in it, as far as it can be opened.</summary>
internal sealed record EntryContent
{
    public required CacheEntry Entry { get; init; }

    public StoredAnswer? Answer { get; init; }

    public RequestOutline? Outline { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Why it cannot be opened; null when it can.</summary>
    public string? Fault { get; init; }

    /// <summary>The beginning of the last message of the user, when it was kept.</summary>
    public string? Prompt => Outline?.Prompt;

    /// <summary>The answer as text; null for an embedding.</summary>
    public string? Text => Answer is { Vector: null } answer ? answer.ToResponse().Text : null;

    public static EntryContent Read(CacheFile file, CacheEntry entry, AnswerSeal seal)
    {
        var frame = file.FrameOf(entry);
        var (opened, answer) = (SealResult.Broken, (StoredAnswer?)null);
        if (frame is not null)
        {
            opened = AnswerFrame.TryDecode(entry.Key, frame, seal, out answer);
        }

        RequestOutline? outline = null;
        if (file.OutlineOf(entry) is { } bytes)
        {
            OutlineFrame.TryDecode(entry.Key, bytes, seal, out outline);
        }

        return new()
        {
            Entry = entry,
            Answer = answer,
            Outline = outline,
            Tags = answer?.Tags ?? (entry.IsSealed ? [] : file.TagsOf(entry)),
            Fault = opened == SealResult.Opened ? null : EntryFault.Of(opened, frame, seal),
        };
    }
}
