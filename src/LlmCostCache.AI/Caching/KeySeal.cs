using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>The one place where the SHA-256 of a question becomes its <see cref="CacheKey"/>.</summary>
/// <param name="secret">With a secret nobody who lacks it can tell from a key in a shared store which question it stands for; null for none.</param>
internal sealed class KeySeal(byte[]? secret)
{
    /// <summary>The digest is the key.</summary>
    public static KeySeal None { get; } = new(null);

    public CacheKey Seal(ReadOnlySpan<byte> digest)
    {
        if (secret is null)
            return new CacheKey(digest);

        Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, digest, tag);
        return new CacheKey(tag);
    }
}
