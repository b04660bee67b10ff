using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>Reads the fields of an <see cref="AnswerFrame"/>; what is not there, or not as it should be, is an
/// <see cref="InvalidDataException"/>.</summary>
internal ref struct FrameReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // As much as an answer may take in memory: a small frame must not become a large answer.
    private const int MostMemory = 32 << 20;

    // The string itself, beside its characters.
    private const int StringBytes = 32;

    private const int LongestWord = 64;

    // Words that were read lately, by a few of their bytes: models, providers and revisions are the same again and again.
    private static readonly string?[] s_words = new string?[256];

    private ReadOnlySpan<byte> _rest = bytes;
    private int _allowance = MostMemory;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    /// <summary>A number of things that follow; each takes at least one byte.</summary>
    public int Count() => Bounded(Int32());

    public readonly int Bounded(int count) => count >= 0 && count <= _rest.Length ? count : throw new InvalidDataException();

    /// <summary>Counts what is about to be taken in memory, before it is.</summary>
    public void Charge(long count, int bytesEach)
    {
        var charge = count * bytesEach;
        _allowance = charge <= _allowance ? _allowance - (int)charge : throw new InvalidDataException();
    }

    public int? OptionalInt32()
    {
        var value = Int64();
        return value == long.MinValue ? null : checked((int)value);
    }

    public string? Text() => Byte() switch
    {
        FrameWriter.NullText => null,
        FrameWriter.Utf8Text => Utf8(Bytes()),
        FrameWriter.Utf16Text => Utf16(Bytes()),
        _ => throw new InvalidDataException(),
    };

    /// <summary>A text of which there are few different ones.</summary>
    public string? Word()
    {
        if (_rest.Length <= 1 + sizeof(int) || _rest[0] != FrameWriter.Utf8Text)
            return Text();

        var length = BinaryPrimitives.ReadInt32LittleEndian(_rest[1..]);
        if (length is < 1 or > LongestWord || length > _rest.Length - 1 - sizeof(int))
            return Text();

        var bytes = _rest.Slice(1 + sizeof(int), length);
        ref var place = ref s_words[(byte)((bytes[0] * 31) + (bytes[length / 2] * 17) + (bytes[^1] * 7) + length)];
        if (place is { } known && Ascii.Equals(bytes, known))
        {
            _rest = _rest[(1 + sizeof(int) + length)..];
            return known;
        }

        return place = Text();
    }

    public string RequiredWord() => Word() ?? throw new InvalidDataException();

    public string RequiredText() => Text() ?? throw new InvalidDataException();

    public ReadOnlySpan<byte> Bytes() => Take(Int32());

    public byte[] OwnBytes()
    {
        var bytes = Bytes();
        if (bytes.IsEmpty)
            return [];

        Charge(bytes.Length, 1);
        return bytes.ToArray();
    }

    public float[] Floats()
    {
        var count = Int32();
        if (count < 0 || count > _rest.Length / sizeof(float))
            throw new InvalidDataException();

        Charge(count, sizeof(float));
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
        11 => OwnBytes(),
        12 => Json(Bytes()),
        _ => throw new InvalidDataException(),
    };

    private JsonElement Json(ReadOnlySpan<byte> bytes)
    {
        // A parsed document is its bytes and twelve for each token; every token but the first follows one of these.
        Charge(bytes.Length, 1);
        Charge(1 + bytes.Count((byte)',') + bytes.Count((byte)'[') + bytes.Count((byte)'{') + bytes.Count((byte)':'), 24);

        // The reader's own limit of 64 levels holds.
        var reader = new Utf8JsonReader(bytes);
        var json = JsonElement.ParseValue(ref reader);
        return reader.BytesConsumed == bytes.Length ? json : throw new InvalidDataException();
    }

    private string Utf8(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "";

        Charge(StringBytes + (sizeof(char) * (long)(bytes.Length > _allowance / 4 ? s_strict.GetCharCount(bytes) : bytes.Length)), 1);
        return s_strict.GetString(bytes);
    }

    private string Utf16(ReadOnlySpan<byte> bytes)
    {
        Charge(StringBytes + bytes.Length, 1);
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
