using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Makes a stream of a stored answer: pieces that add up to it, as they would come from a provider.</summary>
internal static class Replay
{
    // A few words. Nobody sees the pieces of an answer that comes at once, so there are few of them and they may be long.
    private const int PieceLength = 32;
    private const int MostPiecesAtOnce = 2;

    /// <summary>The updates of an answer, which is taken apart for it.</summary>
    public static List<ChatResponseUpdate> Of(ChatResponse response, bool isPaced)
    {
        var whole = response.ToChatResponseUpdates();
        var pieces = new List<ChatResponseUpdate>(whole.Length + MostPiecesAtOnce);
        foreach (var update in whole)
            Split(update, isPaced, pieces);

        return pieces;
    }

    /// <summary>The same updates, at once, of the answer that nearly all are: one message with one plain text. Made without a copy of the whole, and cut once for all its readers.</summary>
    /// <returns>Null when the answer is another one.</returns>
    public static ChatResponseUpdate[]? OfText(StoredAnswer answer)
    {
        if (answer is not { Messages: [{ Contents: [{ Kind: StoredContentKind.Text, Annotations.Count: 0, Properties.Values.Count: 0 } content] } message], Properties.Values.Count: 0 })
            return null;

        var texts = answer.Worth.PiecesOf(content.Text);
        var updates = new ChatResponseUpdate[texts.Length];
        for (var i = 0; i < updates.Length; i++)
        {
            updates[i] = new ChatResponseUpdate
            {
                Role = new ChatRole(message.Role),
                AuthorName = message.AuthorName,
                Contents = [new TextContent(texts[i])],
                MessageId = message.MessageId,
                ResponseId = answer.ResponseId,
                ModelId = answer.ResponseModel,
                CreatedAt = message.CreatedAt ?? answer.CreatedAt,
            };
        }

        var last = updates[^1];
        last.FinishReason = answer.FinishReason is { } reason ? new ChatFinishReason(reason) : null;
        last.AdditionalProperties = message.Properties.ToDictionary();
        return updates;
    }

    /// <summary>A text in the pieces in which it comes at once.</summary>
    public static string[] Cut(string text)
    {
        var length = LengthAtOnce(text);
        if (text.Length <= length)
            return [text];

        var pieces = new List<string>(MostPiecesAtOnce);
        for (var from = 0; from < text.Length;)
        {
            var to = End(text, from, length);
            pieces.Add(text[from..to]);
            from = to;
        }

        return [.. pieces];
    }

    /// <summary>How many characters a reader gets to see with this update.</summary>
    public static int LengthOf(ChatResponseUpdate update)
    {
        var length = 0;
        for (var i = 0; i < update.Contents.Count; i++)
            length += (update.Contents[i] as TextContent)?.Text.Length ?? (update.Contents[i] as TextReasoningContent)?.Text.Length ?? 0;

        return length;
    }

    private static void Split(ChatResponseUpdate update, bool isPaced, List<ChatResponseUpdate> pieces)
    {
        var contents = update.Contents;
        if (contents.Count == 0 || (contents.Count == 1 && PieceOf(contents[0], isPaced) == 0))
        {
            pieces.Add(update);
            return;
        }

        for (var i = 0; i < contents.Count; i++)
        {
            var content = contents[i];
            if (PieceOf(content, isPaced) is var length and > 0)
                SplitText(update, content, length, pieces);
            else
                pieces.Add(Like(update, content));
        }

        // What belongs to the whole message comes with its last piece.
        var last = pieces[^1];
        last.FinishReason = update.FinishReason;
        last.AdditionalProperties = update.AdditionalProperties;
    }

    /// <summary>How long the pieces of a content are; zero when it comes whole. Texts with annotations do: these name places in them.</summary>
    private static int PieceOf(AIContent content, bool isPaced)
    {
        if (content.Annotations is not null || content.AdditionalProperties is not null)
            return 0;

        var text = content is TextContent { Text: var said } ? said : content is TextReasoningContent { Text: var thought } ? thought : "";
        var length = isPaced ? PieceLength : LengthAtOnce(text);
        return text.Length > length ? length : 0;
    }

    private static int LengthAtOnce(string text) => Math.Max(PieceLength, (text.Length / MostPiecesAtOnce) + 1);

    private static void SplitText(ChatResponseUpdate update, AIContent content, int length, List<ChatResponseUpdate> pieces)
    {
        var reasoning = content as TextReasoningContent;
        var text = reasoning?.Text ?? ((TextContent)content).Text;
        for (var from = 0; from < text.Length;)
        {
            var to = End(text, from, length);
            var piece = text[from..to];
            from = to;
            pieces.Add(Like(update, reasoning is null
                ? new TextContent(piece)
                : new TextReasoningContent(piece) { ProtectedData = from == text.Length ? reasoning.ProtectedData : null }));
        }
    }

    private static int End(string text, int from, int length)
    {
        var to = from + length;

        // A rest of a few characters is no piece of its own.
        if (to + (length / 4) >= text.Length)
            return text.Length;

        var half = length / 2;
        var space = text.AsSpan(to - half, half).LastIndexOf(' ');
        if (space >= 0)
            to += space - half + 1;

        return IsBoundary(text, to) ? to : NextBoundary(text, to);
    }

    // Latin letters, CJK ideographs and kana never join what stands before them.
    private static bool IsBoundary(string text, int at) => text[at] is (< '\u0300' and not '\n') or (>= '\u4E00' and <= '\u9FFF') or (>= '\u3041' and <= '\u3096') or (>= '\u30A1' and <= '\u30FA')
        && text[at - 1] != '\u200D';

    private static int NextBoundary(string text, int at)
    {
        var from = at - 1;
        while (from > 0 && at - from < 32 && !IsBoundary(text, from))
            from--;

        if (from > 0 && char.IsLowSurrogate(text[from]) && char.IsHighSurrogate(text[from - 1]))
            from--;

        while (from < at)
            from += StringInfo.GetNextTextElementLength(text.AsSpan(from));

        return from;
    }

    private static ChatResponseUpdate Like(ChatResponseUpdate update, AIContent content) => new()
    {
        Role = update.Role,
        AuthorName = update.AuthorName,
        Contents = [content],
        MessageId = update.MessageId,
        ResponseId = update.ResponseId,
        ConversationId = update.ConversationId,
        ModelId = update.ModelId,
        CreatedAt = update.CreatedAt,
    };
}
