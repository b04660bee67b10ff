using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class AnswerFrameTests
{
    private static readonly CacheKey s_key = new(SHA256.HashData("a"u8));
    private static readonly CacheKey s_otherKey = new(SHA256.HashData("b"u8));
    private static readonly CachePolicy s_policy = new() { StoreToolCalls = true };

    private static ChatResponse Rich(string text = "Paris – \"c'est\" 漢字 😀 \ud800 \0") => new(
    [
        new(ChatRole.Assistant,
        [
            new TextReasoningContent("Let me think") { ProtectedData = "sig" },
            new TextContent(text)
            {
                Annotations =
                [
                    new CitationAnnotation
                    {
                        Title = "T",
                        Url = new Uri("https://a.example/x"),
                        FileId = "f",
                        ToolName = "n",
                        Snippet = "s",
                        AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 1, EndIndex = null }],
                        AdditionalProperties = new() { ["k"] = "v" },
                    },
                    new AIAnnotation(),
                ],
                AdditionalProperties = new() { ["logprob"] = -0.25 },
            },
            new DataContent(new byte[] { 1, 2, 3 }, "image/png") { Name = "p" },
            new FunctionCallContent("call_1", "f", new Dictionary<string, object?> { ["a"] = JsonElement.Parse("""{"x":[1,null]}"""), ["b"] = 1L }),
            new FunctionCallContent("call_2", "g"),
        ])
        {
            AuthorName = "bot",
            MessageId = "msg_1",
            CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)),
            AdditionalProperties = new() { ["m"] = true },
        },
        new(ChatRole.Assistant, "second"),
    ])
    {
        ResponseId = "r",
        ModelId = "m",
        CreatedAt = DateTimeOffset.UnixEpoch,
        FinishReason = ChatFinishReason.Stop,
        AdditionalProperties = new()
        {
            ["string"] = "s",
            ["null"] = null,
            ["int"] = 1,
            ["long"] = 2L,
            ["double"] = 0.1,
            ["float"] = 0.1f,
            ["decimal"] = 1.10m,
            ["guid"] = Guid.Empty,
            ["time"] = DateTimeOffset.UnixEpoch,
            ["bytes"] = new byte[] { 9 },
            ["json"] = JsonElement.Parse("""{"a":1}"""),
            ["bool"] = false,
        },
    };

    private static StoredAnswer Stored(ChatResponse response, params string[] tags) => StoredAnswer.TryCopy(response,
        new CachePlan { Policy = s_policy, Model = "gpt-4o", Tags = tags, TimeToLive = TimeSpan.FromHours(1), AskedAt = 42 }, CacheFixture.Cost,
        new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero))!;

    private static string Json(object value) => JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));

    [Fact]
    public void A_frame_reads_back_as_what_was_written()
    {
        var original = Stored(Rich(), "t1", "t2");

        Assert.True(AnswerFrame.TryDecode(s_key, AnswerFrame.Encode(s_key, original), out var read));

        Assert.Equal(original with { Messages = [], Tags = [], Properties = StoredProperties.None }, read with { Messages = [], Tags = [], Properties = StoredProperties.None });
        Assert.Equal(original.Tags, read.Tags);
        Assert.Equal(Json(Rich()), Json(read.ToResponse()));
        foreach (var (name, value) in Rich().AdditionalProperties!)
            Assert.Equal(value?.GetType(), read.ToResponse().AdditionalProperties![name]?.GetType());

        var (text, copy) = ((TextContent)Rich().Messages[0].Contents[1], (TextContent)read.ToResponse().Messages[0].Contents[1]);
        Assert.Equal(text.Text, copy.Text);
        var citation = Assert.IsType<CitationAnnotation>(copy.Annotations![0]);
        Assert.Equal(1, Assert.IsType<TextSpanAnnotatedRegion>(citation.AnnotatedRegions![0]).StartIndex);
    }

    [Fact]
    public void Any_text_reads_back_exactly() =>
        Gen.String[Gen.Char, 0, 200].Where(t => t.Length > 0).Sample(text =>
        {
            var frame = AnswerFrame.Encode(s_key, Stored(CacheFixture.Answer(text)));
            return AnswerFrame.TryDecode(s_key, frame, out var read) && read.ToResponse().Text == text;
        }, iter: TestSize.Cases / 10);

    [Fact]
    public void An_answer_replayed_as_a_stream_adds_up_to_itself()
    {
        var answer = Stored(CacheFixture.Answer()).ToResponse();

        var again = answer.ToChatResponseUpdates().ToChatResponse();

        Assert.Equal(answer.Text, again.Text);
        Assert.Equal(answer.FinishReason, again.FinishReason);
        Assert.Equal(answer.ModelId, again.ModelId);
        Assert.Null(again.Usage);
    }

    [Fact]
    public void A_frame_with_a_negative_cost_or_count_is_not_read_because_the_ledger_would_refuse_the_row_of_its_hit()
    {
        var good = Stored(Rich());
        var cost = good with { Original = CallCost.Known(Money.FromNanos(-1)) };
        var count = good with { Original = good.Original with { Usage = new TokenUsage { OutputTokens = -1 } } };
        Assert.True(AnswerFrame.TryDecode(s_key, AnswerFrame.Encode(s_key, good), out _));
        Assert.False(AnswerFrame.TryDecode(s_key, AnswerFrame.Encode(s_key, cost), out _));
        Assert.False(AnswerFrame.TryDecode(s_key, AnswerFrame.Encode(s_key, count), out _));
    }

    [Fact]
    public void A_frame_under_another_key_is_a_miss() =>
        Assert.False(AnswerFrame.TryDecode(s_otherKey, AnswerFrame.Encode(s_key, Stored(Rich())), out _));

    [Fact]
    public void Ten_thousand_damaged_frames_give_no_answer_and_no_exception()
    {
        var frame = AnswerFrame.Encode(s_key, Stored(Rich(), "t"));
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            var damaged = Damage(frame, random);
            if (!damaged.AsSpan().SequenceEqual(frame))
                Assert.False(AnswerFrame.TryDecode(s_key, damaged, out _));
        }
    }

    [Fact]
    public void Ten_thousand_forged_frames_raise_no_exception_when_read_or_handed_out()
    {
        var body = AnswerFrame.Encode(s_key, Stored(Rich(), "t"))[5..^16];
        var random = new Random(8);
        var readable = 0;
        for (var i = 0; i < 10_000; i++)
        {
            if (AnswerFrame.TryDecodeBody(Damage(body, random), AnswerFrame.CurrentVersion, out var answer))
            {
                readable++;
                _ = answer.ToResponse().Text;
                Assert.True(answer.SizeInMemory() < 1 << 20);
            }
        }

        // Otherwise the test would only have seen frames that fail at the first byte.
        Assert.InRange(readable, 100, 9_999);
    }

    [Fact]
    public void Lengths_beyond_the_frame_allocate_nothing()
    {
        var body = AnswerFrame.Encode(s_key, Stored(CacheFixture.Answer(), "t"))[5..^16];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var at = 0; at + 4 <= body.Length; at++)
        {
            var forged = (byte[])body.Clone();
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(forged.AsSpan(at), int.MaxValue);
            AnswerFrame.TryDecodeBody(forged, AnswerFrame.CurrentVersion, out _);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void Json_that_is_nested_too_deeply_is_a_miss()
    {
        var deep = JsonDocument.Parse(new string('[', 500) + new string(']', 500), new JsonDocumentOptions { MaxDepth = 1_000 }).RootElement;
        var response = CacheFixture.Answer();
        response.AdditionalProperties = new() { ["deep"] = deep };

        Assert.False(AnswerFrame.TryDecode(s_key, AnswerFrame.Encode(s_key, Stored(response)), out _));
    }

    [Fact]
    public void Another_version_is_a_miss()
    {
        var frame = AnswerFrame.Encode(s_key, Stored(CacheFixture.Answer()));
        frame[3]++;

        Assert.False(AnswerFrame.TryDecode(s_key, frame, out _));
    }

    [Fact]
    public void Our_own_notes_and_live_objects_are_not_stored()
    {
        var response = CacheFixture.Answer();
        response.AdditionalProperties = new() { ["llmcostcache.cost"] = "v1", ["live"] = new object(), ["node"] = JsonNode.Parse("[1]"), ["list"] = new[] { "a" } };

        var read = Stored(response).ToResponse().AdditionalProperties!;

        Assert.Equal(["list", "node"], read.Keys.Order());
        Assert.Equal("""["a"]""", ((JsonElement)read["list"]!).GetRawText());
    }

    private static byte[] Damage(byte[] frame, Random random)
    {
        var damaged = (byte[])frame.Clone();
        switch (random.Next(5))
        {
            case 0:
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                break;
            case 2:
                return damaged[..random.Next(damaged.Length)];
            case 3:
                return [.. damaged, (byte)random.Next(256)];
            default:
                for (var i = 0; i < 4; i++)
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);

                break;
        }

        return damaged;
    }
}
