using System.Globalization;

namespace LlmCostCache.AI.Cli.Drawing;

/// <summary>A picture without transparency, whose shapes have smooth edges: a pixel takes as much of a colour as the shape covers of it.</summary>
internal sealed class Canvas(int width, int height)
{
    private const int Channels = 3;

    /// <summary>Less changes no pixel.</summary>
    private const float LeastCover = 1f / 512;

    private readonly byte[] _pixels = new byte[width * height * Channels];

    // What each edge adds to the covered area right of it; summed up along a row it is the area. A column more on either side takes what is outside.
    private readonly float[] _area = new float[(width + 2) * height];

    public int Width => width;

    public int Height => height;

    /// <summary>Red, green and blue of each pixel, row by row.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>Fills a shape.</summary>
    /// <param name="shape">Its edges.</param>
    /// <param name="color">As in the web: <c>#0f172a</c>.</param>
    public void Fill(Outline shape, string color)
    {
        var (top, bottom) = (height, 0);
        foreach (var (x0, y0, x1, y1) in shape.Edges)
        {
            Add(x0, y0, x1, y1);
            top = Math.Max(0, Math.Min(top, (int)Math.Min(y0, y1)));
            bottom = Math.Min(height, Math.Max(bottom, (int)Math.Max(y0, y1) + 1));
        }

        Paint(top, bottom, color);
    }

    private void Paint(int top, int bottom, string color)
    {
        Span<int> paint = stackalloc int[Channels];
        for (var channel = 0; channel < Channels; channel++)
        {
            paint[channel] = int.Parse(color.AsSpan(1 + (channel * 2), 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }

        for (var y = top; y < bottom; y++)
        {
            var row = _area.AsSpan(y * (width + 2), width + 2);
            var sum = 0f;
            for (var x = 0; x < width; x++)
            {
                sum += row[x];
                var covered = Math.Min(1f, Math.Abs(sum));
                if (covered > LeastCover)
                {
                    var pixel = _pixels.AsSpan(((y * width) + x) * Channels, Channels);
                    for (var channel = 0; channel < Channels; channel++)
                    {
                        pixel[channel] = (byte)MathF.Round(pixel[channel] + ((paint[channel] - pixel[channel]) * covered));
                    }
                }
            }

            row.Clear();
        }
    }

    /// <summary>Adds an edge to the area of each row that it crosses; downwards adds, upwards takes away.</summary>
    private void Add(float x0, float y0, float x1, float y1)
    {
        if (y0 == y1)
        {
            return;
        }

        var direction = 1f;
        if (y0 > y1)
        {
            (direction, x0, y0, x1, y1) = (-1f, x1, y1, x0, y0);
        }

        var slope = (x1 - x0) / (y1 - y0);
        var x = y0 < 0 ? x0 - (y0 * slope) : x0;
        for (var y = Math.Max(0, (int)y0); y < Math.Min(height, (int)MathF.Ceiling(y1)); y++)
        {
            var tall = Math.Min(y + 1, y1) - Math.Max(y, y0);
            var next = x + (slope * tall);
            Add(_area.AsSpan(y * (width + 2), width + 2), Math.Clamp(Math.Min(x, next), 0, width), Math.Clamp(Math.Max(x, next), 0, width), direction * tall);
            x = next;
        }
    }

    /// <summary>Adds the piece of an edge within a row: of each pixel that it crosses, the part right of it, and everything to the right of that.</summary>
    private static void Add(Span<float> row, float left, float right, float tall)
    {
        var (first, last) = ((int)left, (int)MathF.Ceiling(right));
        if (last <= first + 1)
        {
            var middle = ((left + right) / 2) - first;
            row[first] += tall * (1 - middle);
            row[first + 1] += tall * middle;
            return;
        }

        // What lies left of the edge up to the end of each pixel, as the area under a straight line; a pixel gets what it adds.
        var steep = tall / (right - left);
        var before = 0f;
        for (var pixel = first; pixel < last; pixel++)
        {
            var (from, to) = (Math.Max(left, pixel), Math.Min(right, pixel + 1));
            var crossed = (to - from) * steep;

            // Of the height crossed in this pixel, what is right of the crossing counts here and the rest from the next pixel on.
            var here = crossed * (pixel + 1 - ((from + to) / 2));
            row[pixel] += here + before;
            before = crossed - here;
        }

        row[last] += before;
    }
}
