using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads the fields of an <see cref="AnswerFrame"/>; what is not there, or not as it should be, is an
/// <see cref="InvalidDataException"/>.</summary>
internal ref struct FrameReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    /// <summary>A number of things that follow; each takes at least one byte.</summary>
    public int Count() => Bounded(Int32());

    public readonly int Bounded(int count) => count >= 0 && count <= _rest.Length ? count : throw new InvalidDataException();

    public int? OptionalInt32()
    {
        var value = Int64();
        return value == long.MinValue ? null : checked((int)value);
    }

    public string? Text() => Byte() switch
    {
        FrameWriter.NullText => null,
        FrameWriter.Utf8Text => s_strict.GetString(Bytes()),
        FrameWriter.Utf16Text => Utf16(Bytes()),
        _ => throw new InvalidDataException(),
    };

    public string RequiredText() => Text() ?? throw new InvalidDataException();

    public ReadOnlySpan<byte> Bytes() => Take(Int32());

    public float[] Floats()
    {
        var count = Int32();
        if (count < 0 || count > _rest.Length / sizeof(float))
            throw new InvalidDataException();

        var numbers = new float[count];
        for (var i = 0; i < count; i++)
            numbers[i] = BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));

        return numbers;
    }

    public DateTimeOffset? Time() => Byte() switch
    {
        0 => null,
        1 => new DateTimeOffset(Int64(), new TimeSpan(Int64())),
        _ => throw new InvalidDataException(),
    };

    public object? Value() => Byte() switch
    {
        0 => null,
        1 => RequiredText(),
        2 => false,
        3 => true,
        4 => checked((int)Int64()),
        5 => Int64(),
        6 => BitConverter.Int64BitsToDouble(Int64()),
        7 => BitConverter.Int32BitsToSingle(checked((int)Int64())),
        8 => new decimal([Int32(), Int32(), Int32(), Int32()]),
        9 => new Guid(Bytes()),
        10 => Time() ?? throw new InvalidDataException(),
        11 => Bytes().ToArray(),
        12 => Json(Bytes()),
        _ => throw new InvalidDataException(),
    };

    private static JsonElement Json(ReadOnlySpan<byte> bytes)
    {
        // The reader's own limit of 64 levels holds.
        var reader = new Utf8JsonReader(bytes);
        var json = JsonElement.ParseValue(ref reader);
        return reader.BytesConsumed == bytes.Length ? json : throw new InvalidDataException();
    }

    private static string Utf16(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % sizeof(char) != 0)
            throw new InvalidDataException();

        return string.Create(bytes.Length / sizeof(char), bytes, static (text, raw) =>
        {
            for (var i = 0; i < text.Length; i++)
                text[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(raw[(i * sizeof(char))..]);
        });
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _rest.Length)
            throw new InvalidDataException();

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
