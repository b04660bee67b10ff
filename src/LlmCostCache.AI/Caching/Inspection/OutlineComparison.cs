namespace LlmCostCache.AI;

/// <summary>Two questions held against each other, part by part.</summary>
internal sealed class OutlineComparison
{
    // "message 3 (user)" and "message 3 (assistant)" are one place.
    private const string RoleBegins = " (";

    private OutlineComparison(int equal, IReadOnlyList<PartDifference> differences, bool sharesContent, int commonPrompt)
    {
        EqualParts = equal;
        Differences = differences;
        SharesContent = sharesContent;
        CommonPrompt = commonPrompt;
    }

    public int EqualParts { get; }

    /// <summary>Exactly the parts that differ, in the order of the question that is asked.</summary>
    public IReadOnlyList<PartDifference> Differences { get; }

    /// <summary>Whether a text of both is the same: a message, the instructions.</summary>
    public bool SharesContent { get; }

    /// <summary>How many characters at the beginning of both prompts are the same, as far as they were kept.</summary>
    public int CommonPrompt { get; }

    public static OutlineComparison Of(RequestOutline asked, RequestOutline stored, IReadOnlySet<string> ignored)
    {
        var left = asked.Parts.Where(part => !ignored.Contains(part.Name)).ToList();
        var right = stored.Parts.Where(part => !ignored.Contains(part.Name)).ToList();
        var unmatched = new Dictionary<string, Queue<RequestPart>>(StringComparer.Ordinal);
        foreach (var part in right)
        {
            if (!unmatched.TryGetValue(part.Name, out var parts))
            {
                unmatched.Add(part.Name, parts = new());
            }

            parts.Enqueue(part);
        }

        var (equal, shares, differences) = (0, false, new List<PartDifference>());
        foreach (var part in left)
        {
            if (!unmatched.TryGetValue(part.Name, out var parts) || !parts.TryDequeue(out var other))
            {
                differences.Add(new(part.Name, PartChange.OnlyAsked));
            }
            else if (other.Digest == part.Digest)
            {
                equal++;
                shares |= IsContent(part.Name);
            }
            else
            {
                differences.Add(new(part.Name, PartChange.Differs));
            }
        }

        foreach (var (name, parts) in unmatched)
        {
            for (var i = 0; i < parts.Count; i++)
            {
                AddStored(differences, name);
            }
        }

        // Equal parts in another order are another question: of messages and tools the order counts.
        if (differences.Count == 0 && !left.SequenceEqual(right))
        {
            differences.AddRange(left.Where((part, place) => part != right[place]).Select(part => new PartDifference(part.Name, PartChange.Moved)));
        }

        return new(equal, differences, shares, Common(asked.Prompt, stored.Prompt));
    }

    private static void AddStored(List<PartDifference> differences, string name)
    {
        var place = PlaceOf(name);
        var same = place is null ? -1 : differences.FindIndex(difference => difference.Change == PartChange.OnlyAsked && PlaceOf(difference.Name) == place);
        if (same >= 0)
        {
            differences[same] = differences[same] with { Change = PartChange.Differs };
        }
        else
        {
            differences.Add(new(name, PartChange.OnlyStored));
        }
    }

    private static string? PlaceOf(string name) =>
        name.StartsWith("message ", StringComparison.Ordinal) && name.IndexOf(RoleBegins, StringComparison.Ordinal) is > 0 and var end ? name[..end] : null;

    private static bool IsContent(string name) => name is "instructions" or "text" || name.StartsWith("message ", StringComparison.Ordinal);

    private static int Common(string? left, string? right) => left is null || right is null ? 0 : left.AsSpan().CommonPrefixLength(right);
}
