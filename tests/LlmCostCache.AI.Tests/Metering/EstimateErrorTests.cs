using System.Text;
using SharpToken;
using Xunit.Abstractions;

namespace LlmCostCache.AI.Tests;

/// <summary>How far estimates are from the truth, in ten languages, code, data and pictures made of characters. The truth is the tokenizer on the whole text.</summary>
public class EstimateErrorTests(ITestOutputHelper output)
{
    private const string Code = """
        public static int Fibonacci(int n)
        {
            if (n < 2)
            {
                return n; // The first two are themselves.
            }

            return Fibonacci(n - 1) + Fibonacci(n - 2);
        }

        """;

    private static readonly string[] s_encodings = ["o200k_base", "cl100k_base"];

    private static readonly (string Name, string Text)[] s_texts =
    [
        ("English", Many("The sky is blue because air scatters short waves of light more than long ones, which is why sunsets are red. ")),
        ("German", Many("Der Himmel ist blau, weil die Luft kurzwelliges Licht stärker streut als langwelliges; deshalb sind Sonnenuntergänge rot. ")),
        ("French", Many("Le ciel est bleu parce que l'air diffuse davantage la lumière de courte longueur d'onde, c'est pourquoi les couchers sont rouges. ")),
        ("Spanish", Many("El cielo es azul porque el aire dispersa más la luz de onda corta que la de onda larga; por eso los atardeceres son rojos. ")),
        ("Russian", Many("Небо голубое, потому что воздух рассеивает коротковолновый свет сильнее длинноволнового, поэтому закаты красные. ")),
        ("Arabic", Many("السماء زرقاء لأن الهواء يشتت الضوء ذا الموجات القصيرة أكثر من الضوء ذي الموجات الطويلة. ")),
        ("Hindi", Many("आकाश नीला है क्योंकि हवा छोटी तरंगों के प्रकाश को लंबी तरंगों से अधिक बिखेरती है। ")),
        ("Chinese", Many("天空是蓝色的，因为空气对短波光的散射比长波光更强，所以日落是红色的。")),
        ("Japanese", Many("空が青いのは、空気が短い波長の光を長い波長の光より強く散乱させるからです。")),
        ("Korean", Many("하늘이 파란 이유는 공기가 짧은 파장의 빛을 긴 파장의 빛보다 더 많이 산란시키기 때문입니다. ")),
        ("code", Many(Code)),
        ("base64", Convert.ToBase64String([.. Enumerable.Range(0, 3_000).Select(i => (byte)(i * 7_919 >> 3))])),
        ("emoji", Many("👩‍👩‍👧‍👦🚀🌍🎉👍🏽🇪🇺❤️‍🔥")),
        ("spaces", new string(' ', 3_000)),
    ];

    [Fact]
    public void Where_the_encoding_is_public_the_median_is_within_10_percent_and_the_worst_within_35()
    {
        foreach (var encoding in s_encodings)
        {
            List<decimal> errors = [];
            foreach (var (name, text) in s_texts)
            {
                var truth = Truth(encoding, text);
                var measure = new InputMeasure([encoding]);
                measure.AddText(text);
                var (low, likely, high) = measure.Tokens(encoding, isChat: false);
                errors.Add(Math.Abs(likely - truth) / (decimal)truth);
                output.WriteLine($"{encoding} {name}: {truth} tokens, {low} to {high}, likely {likely}");
                Assert.InRange(truth, low, high);
            }

            errors.Sort();
            Assert.InRange(errors[errors.Count / 2], 0m, 0.10m);
            Assert.InRange(errors[^1], 0m, 0.35m);
        }
    }

    [Fact]
    public void Where_it_is_not_the_truth_is_between_the_bounds()
    {
        foreach (var (name, text) in s_texts)
        {
            var measure = new InputMeasure([]);
            measure.AddText(text);
            var (low, likely, high) = measure.Tokens(null, isChat: false);
            foreach (var encoding in s_encodings)
            {
                var truth = Truth(encoding, text);
                output.WriteLine($"{encoding} {name}: {truth} tokens of {Encoding.UTF8.GetByteCount(text)} bytes, {low} to {high}, likely {likely} ({100m * (likely - truth) / truth:+0;-0} %)");
                Assert.InRange(truth, low, high);
            }
        }
    }

    [Fact]
    public void No_token_of_a_public_encoding_is_longer_than_the_low_end_takes_it_to_be()
    {
        foreach (var (encoding, count) in (ReadOnlySpan<(string, int)>)[("o200k_base", 199_998), ("cl100k_base", 100_256)])
        {
            var tokenizer = GptEncoding.GetEncoding(encoding);
            var longest = 0;
            for (var token = 0; token < count; token++)
            {
                // Tokens that are parts of characters decode to replacement characters, which are no shorter.
                longest = Math.Max(longest, Encoding.UTF8.GetByteCount(tokenizer.Decode([token])));
            }

            output.WriteLine($"{encoding}: {longest} bytes");
            Assert.InRange(longest, 9, InputMeasure.MostBytesPerToken);
        }
    }

    private static long Truth(string encoding, string text) => GptEncoding.GetEncoding(encoding).CountTokens(text);

    private static string Many(string sentence) => string.Concat(Enumerable.Repeat(sentence, 8));
}
