using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>A <see cref="StoredAnswer"/> as bytes for the disk and the distributed cache: texts as they are, JSON only for JSON.</summary>
/// <remarks>
/// An <see cref="AnswerSeal"/> closes it, so that a frame that was changed, cut or copied under another key is recognised. Reading believes nothing: no
/// length is trusted beyond the bytes that are there, no type is loaded by name, and no frame takes more memory than an answer may have.
/// </remarks>
internal static class AnswerFrame
{
    /// <summary>No frame is larger; a larger one is malformed. Room for the largest answer that is kept in memory, 32 MB of UTF-16.</summary>
    public const int MaxBytes = (16 << 20) + (64 << 10);

    public const int CurrentVersion = 3;

    // The versions before the seal: 16 bytes of SHA-256 over key and frame at the end. Another version is a miss, never a guess. The first one has
    // fewer token buckets and no terms.
    private const uint SecondMagic = 0x0241434C;
    private const uint FirstMagic = 0x0141434C;
    private const int ChecksumBytes = 16;

    private const byte ChatKind = 1;
    private const byte EmbeddingKind = 2;

    /// <summary>A frame with a checksum only.</summary>
    public static byte[] Encode(CacheKey key, StoredAnswer answer) => Encode(key, answer, AnswerSeal.None);

    public static byte[] Encode(CacheKey key, StoredAnswer answer, AnswerSeal seal)
    {
        var buffer = FrameWriter.EmptyBuffer();
        var to = new FrameWriter(buffer);
        to.Byte(answer.Vector is null ? ChatKind : EmbeddingKind);
        to.Int64(answer.AskedAt);
        to.Int64(answer.StoredAt.UtcTicks);
        to.Int64(answer.ExpiresAt.UtcTicks);
        to.Int64(answer.KeptUntil.UtcTicks);
        to.Int64(answer.SlidingFor?.Ticks ?? 0);
        to.Text(answer.Model);
        to.Text(answer.Namespace);
        to.Text(answer.Tenant);
        to.Text(answer.SystemPrompt);
        to.Int32(answer.Tags.Count);
        foreach (var tag in answer.Tags)
            to.Text(tag);

        to.Text(answer.ResponseId);
        to.Text(answer.ResponseModel);
        to.Text(answer.FinishReason);
        to.Time(answer.CreatedAt);
        MessageFrame.Write(to, answer.Properties);
        Write(to, answer.Original);
        Write(to, answer.Purchase);
        if (answer.Vector is { } vector)
        {
            to.Floats(vector.Span);
        }
        else
        {
            MessageFrame.Write(to, answer.Messages);
        }

        return seal.Seal(key, SealedPart.Answer, buffer.WrittenSpan);
    }

    /// <summary>Reads a frame back; false for everything that is not exactly what <see cref="Encode(CacheKey, StoredAnswer)"/> wrote for this key.</summary>
    public static bool TryDecode(CacheKey key, ReadOnlySpan<byte> frame, [NotNullWhen(true)] out StoredAnswer? answer)
    {
        var result = TryDecode(key, frame, AnswerSeal.None, out answer);
        return result == SealResult.Opened && answer is not null;
    }

    /// <summary>Reads a frame back. There is an answer exactly when it could be <see cref="SealResult.Opened"/>.</summary>
    public static SealResult TryDecode(CacheKey key, ReadOnlySpan<byte> frame, AnswerSeal seal, out StoredAnswer? answer)
    {
        answer = null;
        if (frame.Length is < ChecksumBytes + sizeof(uint) or > MaxBytes)
            return SealResult.Broken;

        // Whoever uses a secret or encryption trusts nothing that was written without.
        var magic = BinaryPrimitives.ReadUInt32LittleEndian(frame);
        if (magic is FirstMagic or SecondMagic && ReferenceEquals(seal, AnswerSeal.None))
            return IsOlderIntact(key, frame) && TryDecodeBody(frame[sizeof(uint)..^ChecksumBytes], magic == FirstMagic ? 1 : 2, out answer) ? SealResult.Opened : SealResult.Broken;

        var opened = seal.TryOpen(key, SealedPart.Answer, frame, out var body);
        return opened == SealResult.Opened && !TryDecodeBody(body, CurrentVersion, out answer) ? SealResult.Broken : opened;
    }

    /// <summary>Reads what is under the seal.</summary>
    public static bool TryDecodeBody(ReadOnlySpan<byte> body, int version, [NotNullWhen(true)] out StoredAnswer? answer)
    {
        answer = null;
        try
        {
            var from = new FrameReader(body);
            var read = ReadAnswer(ref from, version);
            if (!from.IsAtEnd)
                return false;

            answer = read;
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or JsonException or FormatException or OverflowException
            or InvalidOperationException)
        {
            return false;
        }
    }

    private static StoredAnswer ReadAnswer(ref FrameReader from, int version)
    {
        var kind = from.Byte();
        if (kind is not ChatKind and not EmbeddingKind)
            throw new InvalidDataException();

        var askedAt = from.Int64();
        var storedAt = new DateTimeOffset(from.Int64(), TimeSpan.Zero);
        var expiresAt = new DateTimeOffset(from.Int64(), TimeSpan.Zero);
        var isOlder = version < CurrentVersion;
        var keptUntil = isOlder ? expiresAt : new DateTimeOffset(from.Int64(), TimeSpan.Zero);
        var slidingFor = isOlder ? 0 : from.Int64();
        if (slidingFor < 0)
            throw new InvalidDataException();

        return new StoredAnswer
        {
            AskedAt = askedAt,
            StoredAt = storedAt,
            ExpiresAt = expiresAt,
            KeptUntil = keptUntil,
            SlidingFor = slidingFor == 0 ? null : new TimeSpan(slidingFor),
            Model = from.Word() ?? "",
            Namespace = isOlder ? "" : from.RequiredWord(),
            Tenant = isOlder ? null : from.Text(),
            SystemPrompt = isOlder ? null : from.Text(),
            Tags = ReadTags(ref from),
            ResponseId = from.Text(),
            ResponseModel = from.Word(),
            FinishReason = MessageFrame.Named(from.Word()),
            CreatedAt = from.Time(),
            Properties = MessageFrame.ReadProperties(ref from),
            Original = ReadCost(ref from, version),
            Purchase = version == 1 ? null : ReadPurchase(ref from),

            // Without the type null would become an empty vector, which is not the same.
            Vector = kind == EmbeddingKind ? from.Floats() : (ReadOnlyMemory<float>?)null,
            Messages = kind == EmbeddingKind ? [] : MessageFrame.ReadMessages(ref from),
        };
    }

    private static string[] ReadTags(ref FrameReader from)
    {
        var count = from.Count();
        if (count == 0)
            return [];

        from.Charge(count, sizeof(long));
        var tags = new string[count];
        for (var i = 0; i < count; i++)
            tags[i] = from.RequiredText();

        return tags;
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
        to.Byte((byte)(counts.Length - counts.Count(0)));
        for (var i = 0; i < counts.Length; i++)
        {
            // Most of them are zero.
            if (counts[i] != 0)
            {
                to.Byte((byte)i);
                to.Int64(counts[i]);
            }
        }
    }

    private static CallCost ReadCost(ref FrameReader from, int version)
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
            PriceRevision = from.Word(),
            Reason = from.Text(),
            Usage = ReadUsage(ref from, version),
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

        var (provider, host, model, tier, region) = (from.Word(), from.Word(), from.Word(), from.Word(), from.Word());
        var marks = from.Byte();
        return marks > 3 ? throw new InvalidDataException() : new Purchase
        {
            Provider = provider,
            Host = host,
            Model = model,
            ServiceTier = tier,
            Region = region,
            IsProviderCost = (marks & 1) != 0,
            IsVague = (marks & 2) != 0,
        };
    }

    private static TokenUsage ReadUsage(ref FrameReader from, int version)
    {
        Span<long> counts = stackalloc long[TokenBuckets.Count];
        counts.Clear();
        if (version < CurrentVersion)
        {
            var buckets = version == 1 ? TokenBuckets.FirstCount : 23;
            for (var i = 0; i < buckets; i++)
                counts[i] = from.Int64();
        }
        else
        {
            for (var left = from.Byte(); left > 0; left--)
            {
                var bucket = from.Byte();
                counts[bucket < counts.Length ? bucket : throw new InvalidDataException()] = from.Int64();
            }
        }

        return TokenBuckets.Read(counts);
    }

    private static bool IsOlderIntact(CacheKey key, ReadOnlySpan<byte> frame)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[CacheKey.Size];
        key.CopyTo(bytes);
        hash.AppendData(bytes);
        hash.AppendData(frame[..^ChecksumBytes]);
        hash.GetHashAndReset(bytes);
        return bytes[..ChecksumBytes].SequenceEqual(frame[^ChecksumBytes..]);
    }
}
