using System.Buffers.Binary;
using System.Security.Cryptography;

namespace LlmCostCache.AI;

/// <summary>Ids of calls and attempts: UUIDs of version 7 as 32 hexadecimal digits, so that the ledger's index grows at its end.</summary>
internal static class AttemptId
{
    private const int TimeBytes = 6;
    private const int Size = 16;

    // Guid.CreateVersion7 asks the operating system for random bytes each time, which takes as long as the rest of a small cache hit.
    private const int RandomBytes = 64 * (Size - TimeBytes);

    [ThreadStatic]
    private static byte[]? t_random;

    [ThreadStatic]
    private static int t_used;

    public static string New()
    {
        Span<byte> id = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(id, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        TakeRandom(id[TimeBytes..]);
        id[6] = (byte)(0x70 | (id[6] & 0x0F));
        id[8] = (byte)(0x80 | (id[8] & 0x3F));
        return Convert.ToHexStringLower(id);
    }

    private static void TakeRandom(Span<byte> destination)
    {
        if (t_random is not { } random || t_used + destination.Length > random.Length)
        {
            t_random = random = t_random ?? new byte[RandomBytes];
            RandomNumberGenerator.Fill(random);
            t_used = 0;
        }

        random.AsSpan(t_used, destination.Length).CopyTo(destination);
        t_used += destination.Length;
    }
}
