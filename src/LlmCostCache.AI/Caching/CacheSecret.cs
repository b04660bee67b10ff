using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>A secret that only the applications that share a cache know; see <see cref="LlmCostsOptions.CacheSecret"/>.</summary>
/// <remarks>It cannot be read back: not by <see cref="ToString"/>, a debugger, a log or a serialiser.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class CacheSecret
{
    /// <summary>The environment variable that is read when <see cref="LlmCostsOptions.CacheSecret"/> is not set.</summary>
    public const string VariableName = "LLMCOSTCACHE_CACHE_SECRET";

    /// <summary>The fewest bytes it may have: 16, as many as nobody can guess when they are random.</summary>
    public const int MinimumBytes = 16;

    private readonly byte[] _bytes;

    /// <summary>Takes bytes, 16 at least. They should be random: <c>openssl rand -base64 32</c> makes good ones.</summary>
    /// <param name="bytes">The secret.</param>
    /// <exception cref="ArgumentException">There are fewer than 16.</exception>
    public CacheSecret(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length < MinimumBytes)
        {
            throw new ArgumentException(
                $"A cache secret needs at least {MinimumBytes} bytes, this one has {bytes.Length}. Make one with: openssl rand -base64 32", nameof(bytes));
        }

        _bytes = [.. bytes];
    }

    /// <summary>Takes a text, 16 bytes of UTF-8 at least.</summary>
    /// <param name="text">The secret.</param>
    /// <exception cref="ArgumentException">It is shorter.</exception>
    public CacheSecret(string text)
        : this(Encoding.UTF8.GetBytes(text ?? throw new ArgumentNullException(nameof(text))))
    {
    }

    /// <summary>Says that there is one, not what it is.</summary>
    public override string ToString() => "cache secret (hidden)";

    /// <summary>A key for one purpose; those of two purposes say nothing about each other.</summary>
    internal byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes, outputLength: 32, info: Encoding.UTF8.GetBytes(purpose));
}
