using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CacheNormalizationTests
{
    private const CacheNormalization Both = CacheNormalization.LineEndings | CacheNormalization.TrailingBlanks;

    private static CacheKey KeyOf(CacheNormalization normalization, IList<ChatMessage> messages, ChatOptions? options = null)
    {
        using var cache = new ResponseCache(new LlmCostsOptions { CacheNormalization = normalization }, null, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        return cache.Plan(messages, options, CacheFixture.Endpoint, null, CachePolicy.Default).Key;
    }

    private static CacheKey KeyOf(CacheNormalization normalization, string text) => KeyOf(normalization, CacheFixture.Ask(text));

    [Theory]
    [InlineData("a\r\nb\rc\n", CacheNormalization.LineEndings, "a\nb\nc\n")]
    [InlineData("a \r\nb\t", CacheNormalization.LineEndings, "a \nb\t")]
    [InlineData("a \t\r\nb\t\rc \n d ", CacheNormalization.TrailingBlanks, "a\r\nb\rc\n d")]
    [InlineData(" a \r\n \r\nb ", Both, " a\n\nb")]
    [InlineData("\r\r\n\n\r", Both, "\n\n\n\n")]
    [InlineData("", Both, "")]
    [InlineData("   ", Both, "")]
    public void Texts_are_taken_as_they_were_meant(string text, CacheNormalization normalization, string normal) =>
        Assert.Equal(normal, TextNormalizer.Apply(text, normalization));

    [Fact]
    public void A_normal_text_is_the_same_object() => Assert.Same("a\nb c", TextNormalizer.Apply("a\nb c", Both));

    [Fact]
    public void Normalizing_twice_changes_nothing() =>
        Gen.Select(Gen.Char["ab \t\r\n"].Array[0, 12].Select(c => new string(c)), Gen.Int[0, 3]).Sample((text, flags) =>
        {
            var once = TextNormalizer.Apply(text, (CacheNormalization)flags);
            return TextNormalizer.Apply(once, (CacheNormalization)flags) == once;
        }, iter: TestSize.Cases);

    [Fact]
    public void Line_ends_and_trailing_blanks_count_unless_they_are_normalized()
    {
        Assert.NotEqual(KeyOf(CacheNormalization.None, "a\r\nb"), KeyOf(CacheNormalization.None, "a\nb"));
        Assert.NotEqual(KeyOf(CacheNormalization.None, "a "), KeyOf(CacheNormalization.None, "a"));
        Assert.Equal(KeyOf(CacheNormalization.LineEndings, "a\r\nb"), KeyOf(CacheNormalization.LineEndings, "a\nb"));
        Assert.NotEqual(KeyOf(CacheNormalization.LineEndings, "a "), KeyOf(CacheNormalization.LineEndings, "a"));
        Assert.Equal(KeyOf(Both, "a \r\nb "), KeyOf(Both, "a\nb"));
        Assert.NotEqual(KeyOf(Both, " a"), KeyOf(Both, "a"));
        Assert.NotEqual(KeyOf(Both, "a\n"), KeyOf(Both, "a"));
    }

    [Fact]
    public void Instructions_are_normalized_and_data_never()
    {
        Assert.Equal(
            KeyOf(Both, CacheFixture.Ask("Q"), new ChatOptions { Instructions = "Be brief. \r\n" }),
            KeyOf(Both, CacheFixture.Ask("Q"), new ChatOptions { Instructions = "Be brief.\n" }));
        Assert.NotEqual(
            KeyOf(Both, [new(ChatRole.User, [new DataContent("a \r\n"u8.ToArray(), "text/plain")])]),
            KeyOf(Both, [new(ChatRole.User, [new DataContent("a\n"u8.ToArray(), "text/plain")])]));
        Assert.NotEqual(
            KeyOf(Both, [new(ChatRole.Tool, [new FunctionResultContent("1", "a ")])]),
            KeyOf(Both, [new(ChatRole.Tool, [new FunctionResultContent("1", "a")])]));
    }

    [Fact]
    public void Another_normalization_makes_other_keys_even_for_texts_that_it_leaves_alone()
    {
        CacheKey[] keys = [.. Enumerable.Range(0, 4).Select(flags => KeyOf((CacheNormalization)flags, "a"))];

        Assert.Equal(4, keys.Distinct().Count());
    }

    [Fact]
    public void A_normalization_that_does_not_exist_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => LlmCosts.Open(o => (o.HomeDirectory, o.CacheNormalization) = (Path.GetTempPath(), (CacheNormalization)4)));

        Assert.Contains("CacheNormalization", error.Message, StringComparison.Ordinal);
    }
}
