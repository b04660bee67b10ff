using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>SHA-256 over the values of a row: each with its type and its length, so that no two rows share an encoding.</summary>
internal sealed class RowHasher
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);

    public void Add(long value)
    {
        var span = _buffer.GetSpan(9);
        span[0] = 1;
        BinaryPrimitives.WriteInt64BigEndian(span[1..], value);
        _buffer.Advance(9);
    }

    public void AddNull()
    {
        _buffer.GetSpan(1)[0] = 0;
        _buffer.Advance(1);
    }

    /// <returns>The text in UTF-8, until something else is added.</returns>
    public ReadOnlySpan<byte> Add(string value)
    {
        // Room for the longest encoding, so that the text is read once.
        var span = _buffer.GetSpan(5 + Encoding.UTF8.GetMaxByteCount(value.Length));
        var length = Encoding.UTF8.GetBytes(value, span[5..]);
        span[0] = 2;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], length);
        _buffer.Advance(5 + length);
        return span.Slice(5, length);
    }

    public void Add(ReadOnlySpan<byte> value, byte type = 3)
    {
        value.CopyTo(Frame(type, value.Length));
        _buffer.Advance(5 + value.Length);
    }

    /// <summary>Forgets what was added.</summary>
    public void Reset() => _buffer.ResetWrittenCount();

    /// <summary>The digest of what was added; the hasher is then empty again.</summary>
    public byte[] Finish()
    {
        var hash = SHA256.HashData(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        return hash;
    }

    private Span<byte> Frame(byte type, int length)
    {
        var span = _buffer.GetSpan(5 + length);
        span[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], length);
        return span[5..];
    }
}
