using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One update of a stream that several read: what the leader gets, and a copy that nobody gets but from which followers' copies are
/// made.</summary>
internal sealed class StreamPiece
{
    private ChatResponseUpdate? _original;

    private StreamPiece()
    {
    }

    /// <summary>What stands before the first piece.</summary>
    public static StreamPiece Start() => new();

    /// <summary>The provider's update as it was, whatever its reader does to it; null when it cannot be copied.</summary>
    public ChatResponseUpdate? Snapshot { get; private init; }

    /// <summary>How much of the answer there is up to here, in bytes of what it says.</summary>
    public long EndsAt { get; private init; }

    /// <summary>Whether it is one of those that an answer fit to be shared consists of.</summary>
    public bool IsShareable { get; private init; }

    public StreamPiece? Next { get; set; }

    public static StreamPiece Of(ChatResponseUpdate update, long startsAt, CachePolicy policy)
    {
        ChatResponseUpdate? snapshot;
        try
        {
            snapshot = Copy(update);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The values are other people's code. The reader gets its piece all the same, only nobody else does.
            snapshot = null;
        }

        return new StreamPiece
        {
            _original = update,
            Snapshot = snapshot,
            EndsAt = startsAt + SizeOf(update),
            IsShareable = snapshot is not null && policy.MayShare(update),
        };
    }

    /// <summary>The provider's own update, once.</summary>
    public ChatResponseUpdate TakeOriginal() => Interlocked.Exchange(ref _original, null) ?? throw new InvalidOperationException("The piece was taken already.");

    /// <summary>A copy for one follower: without usage, cost, conversation and raw form, which are the leader's. Null when nothing is left.</summary>
    public ChatResponseUpdate? CopyForFollower()
    {
        if (Snapshot is not { } snapshot)
            return null;

        var contents = new List<AIContent>(snapshot.Contents.Count);
        for (var i = 0; i < snapshot.Contents.Count; i++)
        {
            if (snapshot.Contents[i] is not UsageContent)
                contents.Add(Copy(snapshot.Contents[i], keepsRaw: false));
        }

        var properties = CostCarrier.WithoutOwn(snapshot.AdditionalProperties);
        if (contents.Count == 0 && snapshot.FinishReason is null && properties is null)
            return null;

        return new ChatResponseUpdate
        {
            Role = snapshot.Role,
            AuthorName = snapshot.AuthorName,
            Contents = contents,
            MessageId = snapshot.MessageId,
            ResponseId = snapshot.ResponseId,
            ModelId = snapshot.ModelId,
            CreatedAt = snapshot.CreatedAt,
            FinishReason = snapshot.FinishReason,
            AdditionalProperties = properties?.Clone(),
        };
    }

    /// <summary>A copy that the reader of the original cannot change.</summary>
    private static ChatResponseUpdate Copy(ChatResponseUpdate update)
    {
        var copy = update.Clone();
        var contents = new List<AIContent>(update.Contents.Count);
        for (var i = 0; i < update.Contents.Count; i++)
            contents.Add(Copy(update.Contents[i], keepsRaw: true));

        copy.Contents = contents;
        copy.AdditionalProperties = update.AdditionalProperties?.Clone();
        return copy;
    }

    private static AIContent Copy(AIContent content, bool keepsRaw)
    {
        AIContent copy;
        if (content.GetType() == typeof(TextContent) && content is { Annotations: null, AdditionalProperties: null })
            copy = new TextContent(((TextContent)content).Text);
        else if (content is UsageContent usage)
            copy = new UsageContent(usage.Details);
        else if (content is TextContent or TextReasoningContent or DataContent or FunctionCallContent && StoredContent.TryCopy(content) is { } stored)
            copy = stored.ToContent();
        else if (content is TextContent text)
            copy = WithNotesOf(content, new TextContent(text.Text));
        else if (content is TextReasoningContent reasoning)
            copy = WithNotesOf(content, new TextReasoningContent(reasoning.Text) { ProtectedData = reasoning.ProtectedData });
        else
            return content;

        if (keepsRaw)
            copy.RawRepresentation = content.RawRepresentation;

        return copy;
    }

    // Notes of an unknown kind cannot be copied and are handed on as they are; what a reader does to the text stays its own.
    private static AIContent WithNotesOf(AIContent content, AIContent copy)
    {
        copy.Annotations = content.Annotations is null ? null : [.. content.Annotations];
        copy.AdditionalProperties = content.AdditionalProperties?.Clone();
        return copy;
    }

    private static long SizeOf(ChatResponseUpdate update)
    {
        long size = 0;
        for (var i = 0; i < update.Contents.Count; i++)
        {
            size += update.Contents[i] switch
            {
                TextContent text => 2L * text.Text.Length,
                TextReasoningContent reasoning => 2L * reasoning.Text.Length,
                DataContent data => data.Data.Length,
                _ => 200,
            };
        }

        return size;
    }
}
