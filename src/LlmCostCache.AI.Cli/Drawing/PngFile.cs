using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace LlmCostCache.AI.Cli.Drawing;

/// <summary>A picture as PNG (ISO/IEC 15948): eight bits of red, green and blue for each pixel.</summary>
internal static class PngFile
{
    private const int Channels = 3;

    // Each byte as the difference to that of the pixel before: surfaces of one colour become zeros.
    private const byte SubFilter = 1;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    public static byte[] Write(Canvas picture)
    {
        using var file = new MemoryStream();
        file.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);

        // Eight bits, colours without alpha; the one way to compress and to filter that there is; not interlaced.
        (header[8], header[9], header[10], header[11], header[12]) = (8, 2, 0, 0, 0);
        Chunk(file, "IHDR"u8, header);
        Chunk(file, "IDAT"u8, Packed(picture));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static byte[] Packed(Canvas picture)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var stride = picture.Width * Channels;
            var line = new byte[stride + 1];
            line[0] = SubFilter;
            for (var y = 0; y < picture.Height; y++)
            {
                var row = picture.Pixels.Slice(y * stride, stride);
                for (var i = 0; i < stride; i++)
                {
                    line[i + 1] = (byte)(row[i] - (i < Channels ? 0 : row[i - Channels]));
                }

                zlib.Write(line);
            }
        }

        return packed.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(kind);
        file.Write(content);
        var sum = new Crc32();
        sum.Append(kind);
        sum.Append(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, sum.GetCurrentHashAsUInt32());
        file.Write(number);
    }
}
