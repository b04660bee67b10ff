using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Estimates;

/// <summary>The input of a call that is to be estimated: text of any length, read in pieces, or a chat request as JSON.</summary>
/// <param name="name">The file as the user named it, or <c>-</c>.</param>
/// <param name="stream">Its bytes.</param>
internal sealed class EstimateInput(string name, Stream stream) : IDisposable
{
    /// <summary>A chat request is one JSON document and read whole.</summary>
    public const int LongestChat = 64 << 20;

    private const int PieceLength = 1 << 18;
    private const long ReportEvery = 16 << 20;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The chat request, when it is one; null for text.</summary>
    public ChatRequest? Chat { get; private set; }

    /// <summary>What of the input was read to find out what it is.</summary>
    private ReadOnlyMemory<byte> _head;

    /// <summary>Finds out whether this is a chat request, and reads it when it is.</summary>
    /// <param name="format">What the user says it is; null to look: an object with <c>messages</c>, or an array of messages.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="UsageException">The user says that it is a chat request, and it is none or too long.</exception>
    public async Task OpenAsync(EstimateFormat? format, CancellationToken cancellationToken)
    {
        if (format == EstimateFormat.Text)
        {
            return;
        }

        var head = new MemoryStream();
        await FillAsync(head, 64, cancellationToken).ConfigureAwait(false);
        if (format is null && !LooksLikeJson(head.GetBuffer().AsSpan(0, (int)head.Length)))
        {
            _head = head.GetBuffer().AsMemory(0, (int)head.Length);
            return;
        }

        await FillAsync(head, LongestChat + 1, cancellationToken).ConfigureAwait(false);
        _head = head.GetBuffer().AsMemory(0, (int)head.Length);
        if (head.Length > LongestChat)
        {
            if (format == EstimateFormat.Chat)
            {
                throw new UsageException($"'{name}' is longer than {LongestChat >> 20} MiB, which is the most that is read as a chat request; use --format text for its bytes as they are.");
            }

            return;
        }

        try
        {
            Chat = ChatRequest.Read(WithoutMark(_head));
        }
        catch (JsonException wrong) when (format == EstimateFormat.Chat)
        {
            throw new UsageException($"'{name}' is no chat request: {wrong.Message}");
        }
        catch (JsonException)
        {
            // Some other JSON, or text that begins with a brace: text.
        }
    }

    /// <summary>Adds everything to the measure.</summary>
    /// <param name="measure">The measure.</param>
    /// <param name="progress">Told how many bytes were read, now and then.</param>
    /// <param name="cancellationToken">Cancels the reading and counting.</param>
    /// <exception cref="UsageException">It is not text.</exception>
    public async Task MeasureAsync(InputMeasure measure, Action<long> progress, CancellationToken cancellationToken)
    {
        if (Chat is { } chat)
        {
            measure.Add(chat.Messages, chat.Options, cancellationToken);
            return;
        }

        using var reader = new StreamReader(new JoinedStream(_head, stream), s_strict, detectEncodingFromByteOrderMarks: false, bufferSize: 1 << 16);
        var buffer = new char[PieceLength];
        var (kept, pieces, bytes, reported) = (0, 0, 0L, 0L);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var length = kept;
            var isLast = false;
            while (!isLast && length < buffer.Length)
            {
                var read = await ReadAsync(reader, buffer.AsMemory(length), bytes, cancellationToken).ConfigureAwait(false);
                isLast = read == 0;
                length += read;
            }

            if (length == 0)
            {
                break;
            }

            var piece = buffer.AsSpan(0, isLast ? length : CutOf(buffer.AsSpan(0, length)));
            RefuseBinary(piece, bytes);
            measure.AddText(new string(bytes == 0 && piece[0] == '\uFEFF' ? piece[1..] : piece));
            pieces++;
            bytes += s_strict.GetByteCount(piece);
            if (bytes - reported >= ReportEvery)
            {
                progress(reported = bytes);
            }

            kept = length - piece.Length;
            buffer.AsSpan(piece.Length, kept).CopyTo(buffer);
            if (isLast)
            {
                break;
            }
        }

        measure.EndMessage(pieces);
    }

    private async ValueTask<int> ReadAsync(StreamReader reader, Memory<char> room, long bytes, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(room, cancellationToken).ConfigureAwait(false);
        }
        catch (DecoderFallbackException)
        {
            throw NotText($"not UTF-8 after byte {bytes}");
        }
        catch (IOException unreadable)
        {
            throw Unreadable(unreadable);
        }
    }

    private void RefuseBinary(ReadOnlySpan<char> piece, long bytes)
    {
        if (piece.IndexOf('\0') is >= 0 and var place)
        {
            throw NotText($"a zero byte at {bytes + s_strict.GetByteCount(piece[..place])}");
        }
    }

    private UsageException NotText(string what) =>
        new($"'{name}' is no text ({what}). Tokens of images, sound and documents depend on the model; convert the text to UTF-8, or describe media in a chat request.");

    public void Dispose() => stream.Dispose();

    /// <summary>After the last white space, where a tokenizer cuts as well; in its absence anywhere but inside a pair.</summary>
    private static int CutOf(ReadOnlySpan<char> text)
    {
        var space = text.LastIndexOfAny(" \n\t\r");
        if (space > 0)
        {
            return space;
        }

        return char.IsHighSurrogate(text[^1]) && text.Length > 1 ? text.Length - 1 : text.Length;
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> head)
    {
        var text = WithoutMark(head).TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] is (byte)'{' or (byte)'[';
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> bytes) => bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) => bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;

    private async Task FillAsync(MemoryStream into, int length, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(length, 1 << 16)];
        while (into.Length < length)
        {
            int read;
            try
            {
                read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - into.Length)), cancellationToken).ConfigureAwait(false);
            }
            catch (IOException unreadable)
            {
                throw Unreadable(unreadable);
            }

            if (read == 0)
            {
                return;
            }

            into.Write(buffer, 0, read);
        }
    }

    private UsageException Unreadable(IOException error) => new($"'{name}' cannot be read: {error.Message}");
}
