using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>A key of 32 bytes that encrypts cached answers (AES-256-GCM); see <see cref="LlmCostsOptions.CacheEncryptionKeys"/>.</summary>
/// <remarks>It cannot be read back: not by <see cref="ToString"/>, a debugger, a log or a serialiser.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class CacheEncryptionKey
{
    /// <summary>The environment variable that is read when <see cref="LlmCostsOptions.CacheEncryptionKeys"/> is empty: keys in Base64, separated by
    /// commas, the one that encrypts first.</summary>
    public const string VariableName = "LLMCOSTCACHE_CACHE_KEYS";

    /// <summary>How many bytes a key has.</summary>
    public const int Size = 32;

    private readonly byte[] _bytes;

    /// <summary>Takes 32 random bytes: <c>openssl rand -base64 32</c> makes them, or <see cref="RandomNumberGenerator.GetBytes(int)"/>.</summary>
    /// <param name="bytes">The key.</param>
    /// <exception cref="ArgumentException">They are not 32.</exception>
    public CacheEncryptionKey(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length != Size)
        {
            throw new ArgumentException(
                $"A cache encryption key has {Size} bytes (AES-256), this one has {bytes.Length}. Make one with: openssl rand -base64 32", nameof(bytes));
        }

        _bytes = [.. bytes];

        // Zero stands for "not encrypted" in the file.
        Id = Math.Max(1, BinaryPrimitives.ReadInt64LittleEndian(Derive("llmcostcache.cache.key-id")) & long.MaxValue);
    }

    /// <summary>Names the key in the rows that it encrypted; says nothing about its bytes.</summary>
    internal long Id { get; }

    /// <summary>Reads a key from Base64.</summary>
    /// <param name="text">32 bytes in Base64.</param>
    /// <exception cref="ArgumentException">It is not Base64, or not 32 bytes.</exception>
    public static CacheEncryptionKey FromBase64(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            // Without the cause: its message could quote what it read.
            throw new ArgumentException($"A cache encryption key is not Base64. Make one with: openssl rand -base64 {Size}", nameof(text));
        }

        return new CacheEncryptionKey(bytes);
    }

    /// <summary>Reads keys from Base64, separated by commas. What was written there and is no key is an error: whoever writes anything wants encryption.</summary>
    /// <exception cref="ArgumentException">There is none, or one of them is no key.</exception>
    internal static List<CacheEncryptionKey> ListFromBase64(string text)
    {
        List<CacheEncryptionKey> keys = [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(FromBase64)];
        return keys.Count > 0 ? keys : throw new ArgumentException($"There is no cache encryption key in it. Make one with: openssl rand -base64 {Size}", nameof(text));
    }

    /// <summary>Says that there is one, not what it is.</summary>
    public override string ToString() => "cache encryption key (hidden)";

    /// <summary>A key for one purpose; those of two purposes say nothing about each other.</summary>
    internal byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes, outputLength: Size, info: Encoding.UTF8.GetBytes(purpose));
}
