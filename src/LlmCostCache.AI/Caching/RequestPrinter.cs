using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>Makes the prints by which the memory layer finds questions without a cryptographic hash of every one.</summary>
/// <remarks>
/// Up to <see cref="MostCompared"/> a print only says where to look: whoever finds an entry compares the whole question. Above, the print decides, and is therefore a
/// message authentication code under a key that nobody knows and that dies with the process. GMAC is a polynomial in a secret point: two different questions of n bytes
/// have the same code with a probability of at most (n / 16 + 1) / 2^128, whoever chose them, since codes are never shown to anybody. That is also why one nonce will do.
/// </remarks>
internal class RequestPrinter
{
    /// <summary>The largest question whose bytes are kept and compared.</summary>
    public const int MostCompared = 64 << 10;

    private static readonly byte[] s_key = RandomNumberGenerator.GetBytes(32);
    private static readonly long s_seed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
    private static readonly byte[] s_nonce = new byte[12];

    // An instance is for one thread at a time.
    [ThreadStatic]
    private static AesGcm? t_code;

    public virtual RequestPrint Of(ReadOnlySpan<byte> canonical)
    {
        if (canonical.Length <= MostCompared)
        {
            var hash = XxHash128.HashToUInt128(canonical, s_seed);
            return new RequestPrint((ulong)hash, (ulong)(hash >> 64));
        }

        Span<byte> code = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (AesGcm.IsSupported)
            (t_code ??= new AesGcm(s_key, 16)).Encrypt(s_nonce, default, default, code[..16], canonical);
        else
            HMACSHA256.HashData(s_key, canonical, code);

        var halves = MemoryMarshal.Cast<byte, ulong>(code);
        return new RequestPrint(halves[0], halves[1]);
    }
}
