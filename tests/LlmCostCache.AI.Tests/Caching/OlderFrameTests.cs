using System.Security.Cryptography;

namespace LlmCostCache.AI.Tests;

/// <summary>An answer of gpt-4o-mini (32 in, 34 out, $0.0000252) as the first version of the frame stored it: 15 token buckets, no terms.</summary>
public class OlderFrameTests
{
    private static readonly CacheKey s_key = new(Convert.FromHexString("E898E4365D6303908E8086E2058871B560E849A359F713D609212D09BD66FCBE"));

    private static readonly byte[] s_frame = Convert.FromBase64String("""
        TENBAQGgB+HA40jfCPDn4sDjSN8I8KdM66xJ3wgBCwAAAGdwdC00by1taW5pAAAAAAELAAAAY2hhdGNtcGwtMTQBFgAAAGdwdC00by1taW5pLTIwMjQtMDctMTgBBAAAAHN0b3ABACHX
        wONI3wgAAAAAAAAAAAAAAAAAAXBiAAAAAAAAcGIAAAAAAABwYgAAAAAAAAAAAAAAAAAAATEAAABvcGVuYWkvZ3B0LTRvLW1pbmktMjAyNC0wNy0xOEAyMDI2LTA4LTIyIzA4YWM5YWZh
        ACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAA
        AAAAAAAAAAAAAAAAAAAAAAEAAAABCQAAAGFzc2lzdGFudAABCwAAAGNoYXRjbXBsLTE0AQAh18DjSN8IAAAAAAAAAAAAAAAAAQAAAAEBhQAAAFR3byBlbmdpbmVlcnMgYXQgYSB3aGl0
        ZWJvYXJkIGNvdmVyZWQgaW4gc2VxdWVuY2UgZGlhZ3JhbXM7IG9uZSBwb2ludHMgYXQgdGhlIGFycm93IGJldHdlZW4gdHdvIHNlcnZpY2VzIHdoaWxlIHRoZSBvdGhlcgp0YWtlcyBu
        b3Rlcy4AAAAAAAAAAAAAAAAAAJXBpavStjc7FTFuokFCOtI=
        """);

    [Fact]
    public void An_answer_that_an_older_version_stored_is_read_with_its_counts()
    {
        Assert.True(AnswerFrame.TryDecode(s_key, s_frame, out var answer));

        Assert.Equal(new TokenUsage { UncachedInputTokens = 32, OutputTokens = 34, Requests = 1 }, answer.Original.Usage);
        Assert.Equal((25_200L, "gpt-4o-mini-2024-07-18", (Purchase?)null), (answer.Original.Low.Nanos, answer.ResponseModel, answer.Purchase));
    }

    [Theory]
    [InlineData(25_200, 25_200)]
    [InlineData(20_000, 20_000)]
    [InlineData(30_000, 25_200)]
    public void It_saves_what_the_call_would_cost_and_at_most_what_it_did_cost(long paid, long saved)
    {
        Assert.True(AnswerFrame.TryDecode(s_key, s_frame, out var answer));

        var bought = answer with { Original = CallCost.Known(Money.FromNanos(paid)) with { Usage = answer.Original.Usage } };
        Assert.Equal(saved, bought.SavedAfter(TimeSpan.FromDays(2)).Nanos);
    }

    /// <summary>An answer of the cache's tests as the second version stored it, under the SHA-256 of "a": 23 token buckets and terms, no seal.</summary>
    private static readonly byte[] s_secondFrame = Convert.FromBase64String("""
        TENBAgEqAAAAAAAAAAAgjowgCN8IAOD3tukI3wgBCwAAAGdwdC00by1taW5pAQAAAAECAAAAdjcBCgAAAGNoYXRjbXBsLTEBFgAAAGdwdC00by1taW5pLTIwMjQtMDctMTgBBAAAAHN0b3AAAAAAAA
        ABmK1VAAAAAACYrVUAAAAAAJitVQAAAAAAAAAAAAAAAAABEQAAAG9wZW5haS8yMDI2LTA4LTIyAFYAAAAAAAAAgAcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
        LAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
        AAAAAAAAAAAAAAAAAAAAABAQYAAABvcGVuYWkBDgAAAGFwaS5vcGVuYWkuY29tARYAAABncHQtNG8tbWluaS0yMDI0LTA3LTE4AAACAQAAAAEJAAAAYXNzaXN0YW50AAAAAAAAAAEAAAABAQYAAABQ
        YXJpcy4AAAAAAAAAAAAAAAAAAJ/0okaU5bdvDjmqMjGG5Dk=
        """);

    [Fact]
    public void An_answer_of_the_second_version_is_read_with_its_terms_and_without_what_it_did_not_know()
    {
        var key = new CacheKey(SHA256.HashData("a"u8));

        Assert.True(AnswerFrame.TryDecode(key, s_secondFrame, out var answer));

        Assert.Equal(("Paris.", "gpt-4o-mini", "v7"), (answer.ToResponse().Text, answer.Model, Assert.Single(answer.Tags)));
        Assert.Equal(new Purchase { Provider = "openai", Host = "api.openai.com", Model = "gpt-4o-mini-2024-07-18", IsVague = true }, answer.Purchase);
        Assert.Equal(CacheFixture.Cost, answer.Original);
        Assert.Equal(("", null, null, null, answer.ExpiresAt), (answer.Namespace, answer.Tenant, answer.SystemPrompt, answer.SlidingFor, answer.KeptUntil));
    }

    [Fact]
    public void Whoever_has_a_secret_or_keys_does_not_trust_an_answer_that_was_stored_without()
    {
        var key = new CacheKey(SHA256.HashData("a"u8));
        var secret = AnswerSeal.Of(new CacheSecret("0123456789abcdef"), []);
        var keys = AnswerSeal.Of(secret: null, [new CacheEncryptionKey(new byte[32])]);

        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(key, s_secondFrame, secret, out _));
        Assert.Equal(SealResult.Broken, AnswerFrame.TryDecode(key, s_secondFrame, keys, out _));
    }
}
