using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Unicode;

namespace LlmCostCache.AI;

/// <summary>Gathers tagged, length-prefixed fields and hashes them. Every field says how long it is, so no two sequences of fields share
/// their bytes.</summary>
internal sealed class CanonicalHasher : IDisposable
{
    /// <summary>Closes a group whose number of fields is not written ahead; no field starts with it.</summary>
    public const byte End = 0;

    private const int BufferSize = 16 << 10;

    // Never part of well-formed UTF-8: what follows are the two bytes of a surrogate that stands alone.
    private const byte LoneSurrogate = 0xFF;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private int _used;

    public void Byte(byte value)
    {
        if (_used == BufferSize)
            Drain();

        _buffer[_used++] = value;
    }

    public void Field(byte tag, bool value)
    {
        Byte(tag);
        Byte(value ? (byte)1 : (byte)0);
    }

    public void Field(byte tag, long value)
    {
        Byte(tag);
        Int64(value);
    }

    /// <summary>A text of the length it has in UTF-16, in UTF-8; surrogates that stand alone are escaped, so that no two of them look
    /// the same.</summary>
    public void Field(byte tag, ReadOnlySpan<char> text)
    {
        Byte(tag);
        Int32(text.Length);
        while (!text.IsEmpty)
        {
            var status = Utf8.FromUtf16(text, _buffer.AsSpan(_used), out var read, out var written, replaceInvalidSequences: false);
            _used += written;
            text = text[read..];
            if (status == OperationStatus.InvalidData)
            {
                Byte(LoneSurrogate);
                Byte((byte)text[0]);
                Byte((byte)(text[0] >> 8));
                text = text[1..];
            }
            else if (status == OperationStatus.DestinationTooSmall)
            {
                Drain();
            }
        }
    }

    /// <summary>A text, or nothing at all when it is null.</summary>
    public void Optional(byte tag, string? text)
    {
        if (text is not null)
            Field(tag, text.AsSpan());
    }

    public void Field(byte tag, ReadOnlySpan<byte> bytes)
    {
        Byte(tag);
        Int64(bytes.Length);
        if (bytes.Length <= BufferSize - _used)
        {
            bytes.CopyTo(_buffer.AsSpan(_used));
            _used += bytes.Length;
            return;
        }

        Drain();
        _hash.AppendData(bytes);
    }

    public CacheKey Finish()
    {
        Drain();
        Span<byte> digest = stackalloc byte[CacheKey.Size];
        _hash.GetHashAndReset(digest);
        return new CacheKey(digest);
    }

    /// <summary>Forgets what was gathered, so that the next question starts clean.</summary>
    public void Reset()
    {
        _used = 0;
        Span<byte> ignored = stackalloc byte[CacheKey.Size];
        _hash.GetHashAndReset(ignored);
    }

    public void Dispose() => _hash.Dispose();

    private void Int32(int value)
    {
        if (BufferSize - _used < sizeof(int))
            Drain();

        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_used), value);
        _used += sizeof(int);
    }

    private void Int64(long value)
    {
        if (BufferSize - _used < sizeof(long))
            Drain();

        BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(_used), value);
        _used += sizeof(long);
    }

    private void Drain()
    {
        _hash.AppendData(_buffer, 0, _used);
        _used = 0;
    }
}
