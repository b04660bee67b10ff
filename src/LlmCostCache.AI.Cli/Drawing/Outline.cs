namespace LlmCostCache.AI.Cli.Drawing;

/// <summary>The edges of a shape in pixels; y points down. Curves are taken apart into straight pieces.</summary>
internal sealed class Outline
{
    /// <summary>On letters of a hundred pixels a piece is then less than a tenth of a pixel off the curve.</summary>
    private const int PiecesOfCurve = 12;

    private readonly List<(float X0, float Y0, float X1, float Y1)> _edges = [];
    private (float X, float Y) _first;
    private (float X, float Y) _last;

    public IReadOnlyList<(float X0, float Y0, float X1, float Y1)> Edges => _edges;

    public void Begin(float x, float y)
    {
        Close();
        _first = _last = (x, y);
    }

    public void Line(float x, float y)
    {
        _edges.Add((_last.X, _last.Y, x, y));
        _last = (x, y);
    }

    /// <summary>A quadratic curve.</summary>
    public void Curve(float controlX, float controlY, float x, float y)
    {
        var (fromX, fromY) = _last;
        for (var i = 1; i <= PiecesOfCurve; i++)
        {
            var t = (float)i / PiecesOfCurve;
            var (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t);
            Line((a * fromX) + (b * controlX) + (c * x), (a * fromY) + (b * controlY) + (c * y));
        }
    }

    public void Close()
    {
        if (_last != _first)
        {
            Line(_first.X, _first.Y);
        }
    }

    /// <summary>A box with round corners.</summary>
    public static Outline Box(float x, float y, float width, float height, float radius)
    {
        // Two quadratic curves to a quarter of a circle; one alone is visibly not round.
        var (right, bottom, r) = (x + width, y + height, Math.Min(radius, Math.Min(width, height) / 2));
        var (near, middle) = (r * (1 - MathF.Tan(MathF.PI / 8)), r * (1 - MathF.Sqrt(0.5f)));
        var box = new Outline();
        box.Begin(x + r, y);
        box.Line(right - r, y);
        Corner(right - near, y, right - middle, y + middle, right, y + near, right, y + r);
        box.Line(right, bottom - r);
        Corner(right, bottom - near, right - middle, bottom - middle, right - near, bottom, right - r, bottom);
        box.Line(x + r, bottom);
        Corner(x + near, bottom, x + middle, bottom - middle, x, bottom - near, x, bottom - r);
        box.Line(x, y + r);
        Corner(x, y + near, x + middle, y + middle, x + near, y, x + r, y);
        box.Close();
        return box;

        void Corner(float x0, float y0, float x1, float y1, float x2, float y2, float x3, float y3)
        {
            if (r > 0)
            {
                box.Curve(x0, y0, x1, y1);
                box.Curve(x2, y2, x3, y3);
            }
        }
    }
}
