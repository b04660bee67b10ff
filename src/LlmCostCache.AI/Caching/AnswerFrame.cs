using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>A <see cref="StoredAnswer"/> as bytes for the disk and the distributed cache: texts as they are, JSON only for JSON.</summary>
/// <remarks>
/// The last 16 bytes are a checksum over the key and everything before, so that a frame that was changed, cut or copied under another key
/// is recognised. Reading believes nothing: no length is trusted beyond the bytes that are there, no type is loaded by name.
/// </remarks>
internal static class AnswerFrame
{
    /// <summary>No frame is larger; a larger one is malformed.</summary>
    public const int MaxBytes = 48 << 20;

    // "LCA" and the version. Another version is a miss, never a guess; the first one has fewer token buckets and no terms.
    private const uint Magic = 0x0241434C;
    private const uint FirstMagic = 0x0141434C;

    private const int ChecksumBytes = 16;
    private const byte ChatKind = 1;
    private const byte EmbeddingKind = 2;

    public static byte[] Encode(CacheKey key, StoredAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var to = new FrameWriter(buffer);
        to.Int32(unchecked((int)Magic));
        to.Byte(answer.Vector is null ? ChatKind : EmbeddingKind);
        to.Int64(answer.AskedAt);
        to.Int64(answer.StoredAt.UtcTicks);
        to.Int64(answer.ExpiresAt.UtcTicks);
        to.Text(answer.Model);
        to.Int32(answer.Tags.Count);
        foreach (var tag in answer.Tags)
            to.Text(tag);

        to.Text(answer.ResponseId);
        to.Text(answer.ResponseModel);
        to.Text(answer.FinishReason);
        to.Time(answer.CreatedAt);
        Write(to, answer.Properties);
        Write(to, answer.Original);
        Write(to, answer.Purchase);
        if (answer.Vector is { } vector)
        {
            to.Floats(vector.Span);
        }
        else
        {
            to.Int32(answer.Messages.Count);
            foreach (var message in answer.Messages)
                Write(to, message);
        }

        Checksum(key, buffer.WrittenSpan, buffer.GetSpan(ChecksumBytes)[..ChecksumBytes]);
        buffer.Advance(ChecksumBytes);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a frame back; false for everything that is not exactly what <see cref="Encode"/> wrote for this key.</summary>
    public static bool TryDecode(CacheKey key, ReadOnlySpan<byte> frame, [NotNullWhen(true)] out StoredAnswer? answer)
    {
        answer = null;
        if (frame.Length is < ChecksumBytes + sizeof(uint) or > MaxBytes)
            return false;

        var body = frame[..^ChecksumBytes];
        Span<byte> checksum = stackalloc byte[ChecksumBytes];
        Checksum(key, body, checksum);
        return checksum.SequenceEqual(frame[^ChecksumBytes..]) && TryDecodeBody(body, out answer);
    }

    /// <summary>Reads what stands before the checksum.</summary>
    public static bool TryDecodeBody(ReadOnlySpan<byte> body, [NotNullWhen(true)] out StoredAnswer? answer)
    {
        answer = null;
        try
        {
            var from = new FrameReader(body);
            var buckets = unchecked((uint)from.Int32()) switch { Magic => TokenBuckets.Count, FirstMagic => TokenBuckets.FirstCount, _ => 0 };
            if (buckets == 0)
                return false;

            var read = ReadAnswer(ref from, buckets);
            if (!from.IsAtEnd)
                return false;

            // Whoever can write a valid checksum can still write nonsense that the types refuse; better here than in the caller's hands.
            _ = read.Vector is null ? (object)read.ToResponse() : read.ToEmbedding();
            answer = read;
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or JsonException or FormatException or OverflowException
            or InvalidOperationException)
        {
            return false;
        }
    }

    private static StoredAnswer ReadAnswer(ref FrameReader from, int buckets)
    {
        var kind = from.Byte();
        if (kind is not ChatKind and not EmbeddingKind)
            throw new InvalidDataException();

        var answer = new StoredAnswer
        {
            AskedAt = from.Int64(),
            StoredAt = new DateTimeOffset(from.Int64(), TimeSpan.Zero),
            ExpiresAt = new DateTimeOffset(from.Int64(), TimeSpan.Zero),
            Model = from.Text() ?? "",
            Tags = ReadTags(ref from),
            ResponseId = from.Text(),
            ResponseModel = from.Text(),
            FinishReason = from.Text(),
            CreatedAt = from.Time(),
            Properties = ReadProperties(ref from),
            Original = ReadCost(ref from, buckets),
            Purchase = buckets == TokenBuckets.Count ? ReadPurchase(ref from) : null,
            Messages = [],
        };
        if (kind == EmbeddingKind)
            return answer with { Vector = from.Floats() };

        var count = from.Count();
        var messages = new List<StoredMessage>();
        for (var i = 0; i < count; i++)
            messages.Add(ReadMessage(ref from));

        return answer with { Messages = messages };
    }

    private static string[] ReadTags(ref FrameReader from)
    {
        var count = from.Count();
        if (count == 0)
            return [];

        var tags = new List<string>();
        for (var i = 0; i < count; i++)
            tags.Add(from.RequiredText());

        return [.. tags];
    }

    private static void Write(FrameWriter to, CallCost cost)
    {
        to.Byte((byte)cost.Certainty);
        to.Byte(cost.Amount is null ? (byte)0 : (byte)1);
        to.Int64(cost.Amount?.Nanos ?? 0);
        to.Int64(cost.Low.Nanos);
        to.Int64(cost.High.Nanos);
        to.Int64(cost.Saved.Nanos);
        to.Text(cost.PriceRevision);
        to.Text(cost.Reason);
        Span<long> counts = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(cost.Usage, counts);
        foreach (var count in counts)
            to.Int64(count);
    }

    private static CallCost ReadCost(ref FrameReader from, int buckets)
    {
        var certainty = (CostCertainty)from.Byte();
        var hasAmount = from.Byte() == 1;
        var amount = Money.FromNanos(from.Int64());
        if (!Enum.IsDefined(certainty) || hasAmount == (certainty == CostCertainty.Unknown))
            throw new InvalidDataException();

        var cost = new CallCost
        {
            Certainty = certainty,
            Amount = hasAmount ? amount : null,
            Low = Money.FromNanos(from.Int64()),
            High = Money.FromNanos(from.Int64()),
            Saved = Money.FromNanos(from.Int64()),
            PriceRevision = from.Text(),
            Reason = from.Text(),
            Usage = ReadUsage(ref from, buckets),
        };
        TokenBuckets.RequirePossible(cost.Usage, nameof(from));
        return cost.Low >= Money.Zero ? cost : throw new InvalidDataException();
    }

    private static void Write(FrameWriter to, Purchase? purchase)
    {
        to.Byte(purchase is null ? (byte)0 : (byte)1);
        if (purchase is null)
            return;

        to.Text(purchase.Provider);
        to.Text(purchase.Host);
        to.Text(purchase.Model);
        to.Text(purchase.ServiceTier);
        to.Text(purchase.Region);
        to.Byte((byte)((purchase.IsProviderCost ? 1 : 0) | (purchase.IsVague ? 2 : 0)));
    }

    private static Purchase? ReadPurchase(ref FrameReader from)
    {
        if (from.Byte() == 0)
            return null;

        var purchase = new Purchase { Provider = from.Text(), Host = from.Text(), Model = from.Text(), ServiceTier = from.Text(), Region = from.Text() };
        var marks = from.Byte();
        return marks <= 3 ? purchase with { IsProviderCost = (marks & 1) != 0, IsVague = (marks & 2) != 0 } : throw new InvalidDataException();
    }

    private static TokenUsage ReadUsage(ref FrameReader from, int buckets)
    {
        Span<long> counts = stackalloc long[TokenBuckets.Count];
        counts.Clear();
        for (var i = 0; i < buckets; i++)
            counts[i] = from.Int64();

        return TokenBuckets.Read(counts);
    }

    private static void Write(FrameWriter to, StoredMessage message)
    {
        to.Text(message.Role);
        to.Text(message.AuthorName);
        to.Text(message.MessageId);
        to.Time(message.CreatedAt);
        Write(to, message.Properties);
        to.Int32(message.Contents.Count);
        foreach (var content in message.Contents)
            Write(to, content);
    }

    private static StoredMessage ReadMessage(ref FrameReader from)
    {
        var role = from.RequiredText();
        var author = from.Text();
        var id = from.Text();
        var createdAt = from.Time();
        var properties = ReadProperties(ref from);
        var count = from.Count();
        var contents = new List<StoredContent>();
        for (var i = 0; i < count; i++)
            contents.Add(ReadContent(ref from));

        return new()
        {
            Role = role,
            AuthorName = author,
            MessageId = id,
            CreatedAt = createdAt,
            Properties = properties,
            Contents = contents,
        };
    }

    private static void Write(FrameWriter to, StoredContent content)
    {
        to.Byte((byte)content.Kind);
        to.Text(content.Text);
        to.Text(content.Detail);
        to.Bytes(content.Data.Span);
        to.Byte(content.Arguments is null ? (byte)0 : (byte)1);
        if (content.Arguments is not null)
            Write(to, content.Arguments);

        Write(to, content.Properties);
        to.Int32(content.Annotations.Count);
        foreach (var annotation in content.Annotations)
            Write(to, annotation);
    }

    private static StoredContent ReadContent(ref FrameReader from)
    {
        var kind = (StoredContentKind)from.Byte();
        if (!Enum.IsDefined(kind))
            throw new InvalidDataException();

        var text = from.RequiredText();
        var detail = from.Text();
        var data = from.Bytes().ToArray();
        var arguments = from.Byte() == 1 ? ReadProperties(ref from) : null;
        var properties = ReadProperties(ref from);
        var count = from.Count();
        var annotations = new List<StoredAnnotation>();
        for (var i = 0; i < count; i++)
            annotations.Add(ReadAnnotation(ref from));

        return new()
        {
            Kind = kind,
            Text = text,
            Detail = detail,
            Data = data,
            Arguments = arguments,
            Properties = properties,
            Annotations = annotations,
        };
    }

    private static void Write(FrameWriter to, StoredAnnotation annotation)
    {
        to.Byte(annotation.IsCitation ? (byte)1 : (byte)0);
        to.Text(annotation.Title);
        to.Text(annotation.Url);
        to.Text(annotation.FileId);
        to.Text(annotation.ToolName);
        to.Text(annotation.Snippet);
        to.Int32(annotation.Regions?.Count ?? -1);
        foreach (var (start, end) in annotation.Regions ?? [])
        {
            to.Int64(start ?? long.MinValue);
            to.Int64(end ?? long.MinValue);
        }

        Write(to, annotation.Properties);
    }

    private static StoredAnnotation ReadAnnotation(ref FrameReader from)
    {
        var citation = from.Byte() == 1;
        var title = from.Text();
        var url = from.Text();
        var fileId = from.Text();
        var toolName = from.Text();
        var snippet = from.Text();
        List<(int?, int?)>? regions = null;
        var count = from.Int32();
        if (count != -1)
        {
            regions = [];
            for (var i = 0; i < from.Bounded(count); i++)
                regions.Add((from.OptionalInt32(), from.OptionalInt32()));
        }

        return new()
        {
            IsCitation = citation,
            Title = title,
            Url = url,
            FileId = fileId,
            ToolName = toolName,
            Snippet = snippet,
            Regions = regions,
            Properties = ReadProperties(ref from),
        };
    }

    private static void Write(FrameWriter to, StoredProperties properties)
    {
        to.Int32(properties.Values.Count);
        foreach (var (name, value) in properties.Values)
        {
            to.Text(name);
            to.Value(value);
        }
    }

    private static StoredProperties ReadProperties(ref FrameReader from)
    {
        var count = from.Count();
        if (count == 0)
            return StoredProperties.None;

        var values = new List<KeyValuePair<string, object?>>();
        for (var i = 0; i < count; i++)
            values.Add(KeyValuePair.Create(from.RequiredText(), from.Value()));

        return new StoredProperties([.. values]);
    }

    private static void Checksum(CacheKey key, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        hash.AppendData(bytes);
        hash.AppendData(body);
        hash.GetHashAndReset(bytes);
        bytes[..ChecksumBytes].CopyTo(destination);
    }
}
