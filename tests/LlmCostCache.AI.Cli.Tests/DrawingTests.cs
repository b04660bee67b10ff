using CsCheck;
using LlmCostCache.AI.Cli.Drawing;

namespace LlmCostCache.AI.Cli.Tests;

public class DrawingTests
{
    [Fact]
    public void A_pixel_takes_as_much_of_a_colour_as_the_shape_covers_of_it()
    {
        var canvas = new Canvas(4, 2);

        canvas.Fill(Outline.Box(0.5f, 0, 2f, 1.25f, 0), "#ffffff");

        Assert.Equal([128, 255, 128, 0, 32, 64, 32, 0], Grey(canvas));
    }

    [Fact]
    public void What_is_covered_of_all_pixels_is_the_area_of_the_shape() =>
        Gen.Select(Gen.Float[0, 40], Gen.Float[0, 30], Gen.Float[0, 40], Gen.Float[0, 30], Gen.Float[0, 40], Gen.Float[0, 30]).Sample(static (ax, ay, bx, by, cx, cy) =>
        {
            var (canvas, triangle) = (new Canvas(40, 30), new Outline());
            triangle.Begin(ax, ay);
            triangle.Line(bx, by);
            triangle.Line(cx, cy);
            triangle.Close();

            canvas.Fill(triangle, "#ffffff");

            // A pixel holds 256 steps; each may be rounded, most are all or nothing.
            var area = Math.Abs(((bx - ax) * (cy - ay)) - ((cx - ax) * (by - ay))) / 2;
            return Math.Abs((Grey(canvas).Sum(static grey => grey) / 255f) - area) < 0.3f;
        }, iter: TestSize.Cases);

    [Fact]
    public void What_is_outside_of_the_picture_changes_nothing_in_it()
    {
        var (clipped, whole) = (new Canvas(10, 10), new Canvas(30, 30));

        clipped.Fill(Outline.Box(-5, -5, 11, 11, 4), "#ffffff");
        whole.Fill(Outline.Box(5, 5, 11, 11, 4), "#ffffff");

        Assert.Equal([.. Enumerable.Range(0, 10).SelectMany(y => Grey(whole).Skip(((y + 10) * 30) + 10).Take(10))], Grey(clipped));
    }

    [Fact]
    public void A_hole_in_a_letter_is_left_open()
    {
        var canvas = new Canvas(60, 60);

        canvas.Fill(Typeface.Regular().Outline("O", 5, 50, 60), "#ffffff");

        var middle = Grey(canvas).Skip(28 * 60).Take(60).ToArray();
        Assert.Equal(0, middle[28]);
        Assert.Contains((byte)255, middle[..28]);
        Assert.Contains((byte)255, middle[28..]);
    }

    [Fact]
    public void Every_character_of_ascii_has_a_letter_and_only_the_space_is_empty()
    {
        foreach (var face in new[] { Typeface.Regular(), Typeface.Bold() })
        {
            for (var character = ' '; character < 127; character++)
            {
                Assert.Null(face.FirstUnknownIn(character.ToString()));
                Assert.Equal(character == ' ', face.Outline(character.ToString(), 0, 0, 10).Edges.Count == 0);
            }
        }
    }

    [Fact]
    public void A_character_without_a_letter_is_named()
    {
        Assert.Null(Typeface.Regular().FirstUnknownIn("Größe – naïve Łódź Ωμέγα Привет … 5 €"));
        Assert.Equal("😀", Typeface.Regular().FirstUnknownIn("fine 😀"));
    }

    private static byte[] Grey(Canvas canvas) => [.. canvas.Pixels.ToArray().Where(static (_, index) => index % 3 == 0)];
}
