using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A PNG as a reader takes it apart: chunks, their sums, the filters of its lines.</summary>
internal sealed class ReadPicture
{
    private readonly byte[] _pixels;

    private ReadPicture(int width, int height, byte[] pixels) => (Width, Height, _pixels) = (width, height, pixels);

    public int Width { get; }

    public int Height { get; }

    public static ReadPicture Of(byte[] png)
    {
        Assert.Equal("89504E470D0A1A0A", Convert.ToHexString(png.AsSpan(0, 8)));
        var (kinds, header, data) = (new List<string>(), Array.Empty<byte>(), new MemoryStream());
        for (var at = 8; at < png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            var kind = Encoding.ASCII.GetString(png, at + 4, 4);
            var content = png.AsSpan(at + 8, length);
            Assert.Equal(Crc32.HashToUInt32(png.AsSpan(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at + 8 + length)));
            kinds.Add(kind);
            if (kind == "IHDR")
            {
                header = content.ToArray();
            }
            else if (kind == "IDAT")
            {
                data.Write(content);
            }

            at += length + 12;
        }

        Assert.Equal(["IHDR", "IDAT", "IEND"], kinds);
        Assert.Equal([8, 2, 0, 0, 0], header[8..]);
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4)));
        data.Position = 0;
        using var zlib = new ZLibStream(data, CompressionMode.Decompress);
        var (pixels, stride) = (new byte[width * height * 3], width * 3);
        for (var y = 0; y < height; y++)
        {
            Assert.Equal(1, zlib.ReadByte());
            var line = pixels.AsSpan(y * stride, stride);
            zlib.ReadExactly(line);
            for (var i = 3; i < stride; i++)
            {
                line[i] += line[i - 3];
            }
        }

        Assert.Equal(-1, zlib.ReadByte());
        return new(width, height, pixels);
    }

    public string At(int x, int y) => $"#{Convert.ToHexStringLower(_pixels.AsSpan(((y * Width) + x) * 3, 3))}";

    /// <summary>How many pixels of a rectangle have a colour.</summary>
    public int Count(string color, int left, int top, int right, int bottom) =>
        Enumerable.Range(top, bottom - top).Sum(y => Enumerable.Range(left, right - left).Count(x => At(x, y) == color));
}
