using System.Globalization;
using System.Text.Json;
using CsCheck;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Stored answers that come as a stream.</summary>
public class ReplayTests
{
    private static ChatResponse Rich() => new([new ChatMessage(ChatRole.Assistant,
    [
        new TextReasoningContent("First I think about it, for rather a long time and in many words.") { ProtectedData = "sealed" },
        new TextContent("A long enough text to come in pieces: grüße, 東京は日本の首都です, 👩‍👩‍👧‍👦 and 🇩🇪🇫🇷, e\u0301 and so on until it ends."),
        new TextContent("With a source.") { Annotations = [new CitationAnnotation { Title = "t", Url = new Uri("https://a.example/") }] },
        new DataContent(new byte[] { 1, 2, 3 }, "image/png"),
    ])
    {
        MessageId = "m1",
        AuthorName = "author",
    }])
    {
        ResponseId = "r1",
        ModelId = "gpt-4o-mini-2024-07-18",
        CreatedAt = new DateTimeOffset(2026, 8, 30, 1, 2, 3, TimeSpan.Zero),
        FinishReason = ChatFinishReason.Stop,
        AdditionalProperties = new() { ["fingerprint"] = "fp_1" },
    };

    private static string Json(ChatResponse response) => JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_comes_in_pieces_adds_up_to_the_answer(bool isPaced)
    {
        var whole = Rich().ToChatResponseUpdates().ToChatResponse();

        var pieces = Replay.Of(Rich(), isPaced);

        Assert.True(pieces.Count > 5, $"{pieces.Count} pieces");
        Assert.Equal(Json(whole), Json(pieces.ToChatResponse()));
    }

    [Fact]
    public void No_piece_ends_within_a_character()
    {
        string[] all = ["a", "word ", "é", "e\u0301", "東", "が", "か\u3099", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "ก\u0E34", "\r\n", "𝔸"];
        var letters = Gen.Int[0, all.Length - 1].Select(i => all[i]);
        letters.Array[1, 300].Select(parts => string.Concat(parts)).Sample(text =>
        {
            var bounds = StringInfo.ParseCombiningCharacters(text).ToHashSet();
            foreach (var isPaced in new[] { false, true })
            {
                var pieces = Replay.Of(new ChatResponse(new ChatMessage(ChatRole.Assistant, text)), isPaced);
                Assert.Equal(text, string.Concat(pieces.Select(piece => piece.Text)));
                var at = 0;
                foreach (var piece in pieces.Take(pieces.Count - 1))
                {
                    at += piece.Text.Length;

                    // A flag after a flag, or a family that begins too far back, may be cut; half a surrogate pair or an accent without its letter never.
                    Assert.False(char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]));
                    Assert.True(bounds.Contains(at) || text[at] is not ('\u0301' or '\u3099' or '\u0E34' or '\u200D'), $"cut before {(int)text[at]:X4}");
                }
            }
        }, iter: 2_000);
    }

    [Fact]
    public async Task A_hit_equals_the_answer_it_was_stored_from_streamed_or_not()
    {
        await using var pipeline = new Pipeline();
        pipeline.Provider.Answer = (_, _, _) => Task.FromResult(Rich());
        await pipeline.Client.GetResponseAsync("Hello");

        var whole = await pipeline.Client.GetResponseAsync("Hello");
        var streamed = await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync();

        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal(CacheLayer.Memory, whole.GetCost().CacheLayer);
        Assert.Equal(CacheLayer.Memory, streamed.GetCost().CacheLayer);
        foreach (var response in new[] { whole, streamed })
        {
            foreach (var properties in new[] { response.AdditionalProperties, response.Messages[0].AdditionalProperties })
            {
                foreach (var own in properties?.Keys.Where(CostCarrier.IsOwn).ToList() ?? [])
                    properties!.Remove(own);
            }

            if (response.Messages[0].AdditionalProperties is { Count: 0 })
                response.Messages[0].AdditionalProperties = null;
        }

        Assert.Equal(Json(Rich()), Json(whole));
        Assert.Equal(Rich().Text, streamed.Text);
        Assert.Equal("sealed", streamed.Messages[0].Contents.OfType<TextReasoningContent>().Single().ProtectedData);
        Assert.Equal("https://a.example/", streamed.Messages[0].Contents.SelectMany(c => c.Annotations ?? []).OfType<CitationAnnotation>().Single().Url!.ToString());
        Assert.Equal((ChatFinishReason.Stop, "r1", "gpt-4o-mini-2024-07-18", Rich().CreatedAt), (streamed.FinishReason, streamed.ResponseId, streamed.ModelId, streamed.CreatedAt));
    }

    [Fact]
    public async Task A_replay_can_be_left_and_cancelled_and_the_next_is_whole()
    {
        await using var pipeline = new Pipeline();
        pipeline.Provider.Answer = (_, _, _) => Task.FromResult(Rich());
        await pipeline.Client.GetResponseAsync("Hello");
        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
        {
            update.Contents.Clear();
            break;
        }

        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello", cancellationToken: stop.Token))
                await stop.CancelAsync();
        });

        Assert.Equal(Rich().Text, (await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync()).Text);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_replay_keeps_its_pace()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o => o.TimeProvider = clock, (builder, costs) => builder.UseCostCache(costs, cache => cache.ReplayPace = 32));
        pipeline.Provider.Answer = (_, options, _) => Task.FromResult(pipeline.Provider.DefaultAnswer(options, new string('x', 96)));
        await pipeline.Client.GetResponseAsync("Hello");
        var lengths = new List<int>();
        var reading = Task.Run(async () =>
        {
            await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
            {
                lock (lengths)
                {
                    lengths.Add(update.Text.Length);
                }
            }
        });
        await DistributedLayerTests.UntilAsync(() => Task.FromResult(Count() > 0));

        // Time for more of them to come; too little makes the test prove less.
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        lock (lengths)
        {
            Assert.Equal([32], lengths);
        }

        for (var i = 0; i < 6_000 && !reading.IsCompleted; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }

        await reading;
        Assert.Equal(96, lengths.Sum());

        int Count()
        {
            lock (lengths)
            {
                return lengths.Count;
            }
        }
    }

    [Theory]
    [InlineData(HitUsage.Omit, null, null)]
    [InlineData(HitUsage.Zero, 0L, 0L)]
    [InlineData(HitUsage.Original, 1_000L, 500L)]
    public async Task The_usage_of_a_hit_is_what_was_asked_for(HitUsage usage, long? input, long? output)
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, cache => cache.HitUsage = usage));
        await pipeline.Client.GetResponseAsync("Hello");

        var whole = await pipeline.Client.GetResponseAsync("Hello");
        var streamed = await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync();

        Assert.Equal((input, output), (whole.Usage?.InputTokenCount, whole.Usage?.OutputTokenCount));
        Assert.Equal((input, output), (streamed.Usage?.InputTokenCount, streamed.Usage?.OutputTokenCount));
        Assert.Equal(Money.Zero, whole.GetCost().Amount);
        Assert.Equal(Money.Zero, streamed.GetCost().Amount);
    }
}
