using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmCostCache.AI;

/// <summary>Writes the fields of an <see cref="AnswerFrame"/>.</summary>
internal readonly struct FrameWriter(ArrayBufferWriter<byte> buffer)
{
    // A buffer that was once as large as this is not kept for the next frame.
    private const int MostKept = 64 << 10;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    internal const byte NullText = 0;
    internal const byte Utf8Text = 1;

    // For the rare text with a surrogate that stands alone: UTF-8 would replace it.
    internal const byte Utf16Text = 2;

    /// <summary>A buffer for one frame, which its caller seals before the same thread begins another one.</summary>
    public static ArrayBufferWriter<byte> EmptyBuffer()
    {
        if (t_buffer is not { Capacity: <= MostKept } buffer)
            t_buffer = buffer = new ArrayBufferWriter<byte>(4096);

        buffer.ResetWrittenCount();
        return buffer;
    }

    public void Byte(byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
    }

    public void Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(sizeof(int)), value);
        buffer.Advance(sizeof(int));
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(sizeof(long)), value);
        buffer.Advance(sizeof(long));
    }

    public void Text(string? text)
    {
        if (text is null)
        {
            Byte(NullText);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(text);
        var space = buffer.GetSpan(1 + sizeof(int) + length);
        if (Utf8.FromUtf16(text, space[(1 + sizeof(int))..], out _, out var written,
            replaceInvalidSequences: false) == OperationStatus.Done)
        {
            space[0] = Utf8Text;
            BinaryPrimitives.WriteInt32LittleEndian(space[1..], written);
            buffer.Advance(1 + sizeof(int) + written);
        }
        else
        {
            Byte(Utf16Text);
            Int32(text.Length * sizeof(char));
            foreach (var c in text)
            {
                Byte((byte)c);
                Byte((byte)(c >> 8));
            }
        }
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Int32(bytes.Length);
        buffer.Write(bytes);
    }

    public void Floats(ReadOnlySpan<float> numbers)
    {
        Int32(numbers.Length);
        var space = buffer.GetSpan(numbers.Length * sizeof(float));
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(space[(i * sizeof(float))..], numbers[i]);

        buffer.Advance(numbers.Length * sizeof(float));
    }

    public void Time(DateTimeOffset? time)
    {
        Byte(time is null ? (byte)0 : (byte)1);
        if (time is { } value)
        {
            Int64(value.Ticks);
            Int64(value.Offset.Ticks);
        }
    }

    public void Value(object? value)
    {
        switch (value)
        {
            case null:
                Byte(0);
                break;
            case string text:
                Byte(1);
                Text(text);
                break;
            case bool flag:
                Byte(flag ? (byte)3 : (byte)2);
                break;
            case int number:
                Byte(4);
                Int64(number);
                break;
            case long number:
                Byte(5);
                Int64(number);
                break;
            case double number:
                Byte(6);
                Int64(BitConverter.DoubleToInt64Bits(number));
                break;
            case float number:
                Byte(7);
                Int64(BitConverter.SingleToInt32Bits(number));
                break;
            case decimal number:
                Byte(8);
                foreach (var part in decimal.GetBits(number))
                    Int32(part);

                break;
            case Guid guid:
                Byte(9);
                Bytes(guid.ToByteArray());
                break;
            case DateTimeOffset time:
                Byte(10);
                Time(time);
                break;
            case byte[] bytes:
                Byte(11);
                Bytes(bytes);
                break;
            case JsonElement json:
                Byte(12);
                Bytes(JsonMarshal.GetRawUtf8Value(json));
                break;
            default:
                throw new InvalidOperationException($"A value of the type {value.GetType().Name} is not kept.");
        }
    }
}
