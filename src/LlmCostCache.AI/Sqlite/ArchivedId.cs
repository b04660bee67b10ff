using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>The id of an archived row in a few bytes. Those that we give are UUIDs of version 7 and keep their order, so that their table grows at its end; others become digests.</summary>
internal static class ArchivedId
{
    private const int Size = 16;
    private const byte Uuid = 1;
    private const byte Digest = 2;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    public static byte[] Of(string id)
    {
        var key = new byte[1 + Size];
        if (id.Length == 2 * Size && !id.AsSpan().ContainsAnyExcept(s_digits))
        {
            key[0] = Uuid;
            Convert.FromHexString(id, key.AsSpan(1), out _, out _);
            return key;
        }

        key[0] = Digest;
        SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, Size).CopyTo(key.AsSpan(1));
        return key;
    }
}
