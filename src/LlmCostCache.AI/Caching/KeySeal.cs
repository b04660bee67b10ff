using System.Buffers.Binary;
using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>The one place where the SHA-256 of a question becomes its <see cref="CacheKey"/>, and that of a part of it the number in its outline.</summary>
/// <param name="secret">With a secret nobody who lacks it can tell from a key in a shared store which question it stands for; null for none.</param>
/// <param name="partSecret">The same for the parts of a question. One of its own, so that a part that is all there is to a question says nothing of its key.</param>
internal sealed class KeySeal(byte[]? secret, byte[]? partSecret)
{
    /// <summary>The digest is the key.</summary>
    public static KeySeal None { get; } = new(null, null);

    public CacheKey Seal(ReadOnlySpan<byte> digest)
    {
        if (secret is null)
            return new CacheKey(digest);

        Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, digest, tag);
        return new CacheKey(tag);
    }

    /// <summary>A number that is equal for equal parts. Without a secret whoever guesses a part can check the guess.</summary>
    public ulong Digest(ReadOnlySpan<byte> part)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (partSecret is null)
            SHA256.HashData(part, digest);
        else
            HMACSHA256.HashData(partSecret, part, digest);

        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }
}
