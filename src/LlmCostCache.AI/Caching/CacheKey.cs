using System.Buffers;
using System.Buffers.Binary;

namespace LlmCostCache.AI;

/// <summary>What names a question: the SHA-256 of its canonical bytes.</summary>
internal readonly struct CacheKey : IEquatable<CacheKey>
{
    public const int Size = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    public CacheKey(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, Size);
        _a = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string digits, out CacheKey key)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isOne = digits.Length == Size * 2 && Convert.FromHexString(digits, bytes, out _, out _) == OperationStatus.Done;
        key = isOne ? new CacheKey(bytes) : default;
        return isOne;
    }

    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, _a);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], _d);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    public bool Equals(CacheKey other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public override bool Equals(object? obj) => obj is CacheKey other && Equals(other);

    // The bits of a SHA-256 are as good as any other hash of them.
    public override int GetHashCode() => (int)_a;

    public override string ToString() => Convert.ToHexStringLower(ToArray());
}
