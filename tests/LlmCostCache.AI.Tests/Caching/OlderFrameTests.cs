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
}
