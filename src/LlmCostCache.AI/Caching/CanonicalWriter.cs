using System.Buffers;
using System.Buffers.Binary;
using System.Text.Unicode;

namespace LlmCostCache.AI;

/// <summary>Gathers tagged, length-prefixed fields in one piece of memory. Every field says how long it is, so no two sequences of fields share
/// their bytes.</summary>
/// <remarks>The memory is its own up to <see cref="OwnSize"/> and borrowed above; what was borrowed is wiped before it goes back.</remarks>
internal sealed class CanonicalWriter
{
    /// <summary>Closes a group whose number of fields is not written ahead; no field starts with it.</summary>
    public const byte End = 0;

    /// <summary>The most bytes that are kept for the next question.</summary>
    public const int OwnSize = 64 << 10;

    // Never part of well-formed UTF-8: what follows are the two bytes of a surrogate that stands alone.
    private const byte LoneSurrogate = 0xFF;

    private readonly List<RequestMark> _marks = [];
    private byte[] _own = GC.AllocateUninitializedArray<byte>(4 << 10);
    private byte[] _buffer;
    private int _used;
    private int _partStart;

    public CanonicalWriter() => _buffer = _own;

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _used);

    /// <summary>What the parts of the bytes are, in their order.</summary>
    public List<RequestMark> Marks => _marks;

    /// <summary>Why the request has no canonical form; null when it has one.</summary>
    public string? Refusal { get; private set; }

    /// <summary>The request cannot be written faithfully; the first reason counts.</summary>
    public void Refuse(string reason) => Refusal ??= reason;

    /// <summary>What was written since the last part is one that a reader of the request would call by this name; nothing when nothing was written.</summary>
    public void EndPart(string label, string? name = null, int number = 0)
    {
        if (_used > _partStart)
            _marks.Add(new RequestMark(label, name, number, _partStart, _used));

        _partStart = _used;
    }

    /// <summary>What was written since the last part follows from the other parts.</summary>
    public void EndFrame() => _partStart = _used;

    public void Byte(byte value)
    {
        if (_used == _buffer.Length)
            Grow(1);

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
                Grow(text.Length);
            }
        }
    }

    /// <summary>A text, or nothing at all when it is null.</summary>
    public void Optional(byte tag, string? text)
    {
        if (text is not null)
            Field(tag, text.AsSpan());
    }

    public void Optional(byte tag, float? value)
    {
        if (value is { } number)
            Field(tag, (long)BitConverter.SingleToInt32Bits(number));
    }

    public void Optional(byte tag, int? value)
    {
        if (value is { } number)
            Field(tag, (long)number);
    }

    public void Optional(byte tag, long? value)
    {
        if (value is { } number)
            Field(tag, number);
    }

    public void Field(byte tag, ReadOnlySpan<byte> bytes)
    {
        Byte(tag);
        Int64(bytes.Length);
        if (bytes.Length > _buffer.Length - _used)
            Grow(bytes.Length);

        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }

    /// <summary>For lists that count the same when they are empty and when they are missing.</summary>
    public void Strings(byte tag, IList<string>? strings)
    {
        if (strings is { Count: > 0 })
            OptionalStrings(tag, strings);
    }

    /// <summary>For lists where "none" and "not said" differ: no allowed tools is not the same as no restriction.</summary>
    public void OptionalStrings(byte tag, IList<string>? strings)
    {
        if (strings is null)
            return;

        Field(tag, (long)strings.Count);
        for (var i = 0; i < strings.Count; i++)
            Field(0x01, strings[i].AsSpan());
    }

    /// <summary>Forgets what was gathered, so that the next question starts clean.</summary>
    public void Clear()
    {
        if (!ReferenceEquals(_buffer, _own))
        {
            // Others in this process borrow from the same pool, and what is in here is somebody's prompt.
            _buffer.AsSpan(0, _used).Clear();
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = _own;
        }

        _used = 0;
        _partStart = 0;
        _marks.Clear();
        Refusal = null;
    }

    private void Int32(int value)
    {
        if (_buffer.Length - _used < sizeof(int))
            Grow(sizeof(int));

        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_used), value);
        _used += sizeof(int);
    }

    private void Int64(long value)
    {
        if (_buffer.Length - _used < sizeof(long))
            Grow(sizeof(long));

        BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(_used), value);
        _used += sizeof(long);
    }

    private void Grow(int atLeast)
    {
        var size = (int)Math.Min(Array.MaxLength, Math.Max(2L * _buffer.Length, (long)_used + atLeast));
        if (size - _used < 1)
            throw new InvalidOperationException("The request is larger than 2 GB.");

        var isOwn = ReferenceEquals(_buffer, _own);
        var larger = size <= OwnSize ? GC.AllocateUninitializedArray<byte>(size) : ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _used).CopyTo(larger);
        if (size <= OwnSize)
        {
            _own = larger;
        }
        else if (!isOwn)
        {
            _buffer.AsSpan(0, _used).Clear();
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
