using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What a stored answer costs those who read it as a stream.</summary>
public class StreamedHitTests
{
    private const int Characters = 50_000;

    [Fact]
    public async Task A_stored_text_is_not_copied_for_each_of_its_readers()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs));
        pipeline.Provider.Answer = (_, options, _) => Task.FromResult(pipeline.Provider.DefaultAnswer(options, new string('x', Characters)));
        await Read(pipeline.Client, 200);

        const int Readers = 500;
        var allocated = new List<long>(Readers);
        for (var i = 0; i < Readers; i++)
        {
            var (thread, before) = (Environment.CurrentManagedThreadId, GC.GetAllocatedBytesForCurrentThread());
            Assert.Equal(Characters, await Read(pipeline.Client, 1));
            if (thread == Environment.CurrentManagedThreadId)
                allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Single(pipeline.Provider.Calls);
        Assert.True(allocated.Count > Readers / 2, $"{allocated.Count} readers stayed on their thread");

        // A copy of the text alone would be 100,000 bytes. Each collection has it cut anew for one reader, and how many there are is a matter of what else runs; most readers meet none.
        allocated.Sort();
        Assert.True(allocated[allocated.Count / 2] < 25_000, $"{allocated[allocated.Count / 2]} bytes for each reader");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Short.")]
    [InlineData("A text that is long enough to come in two pieces, with grüße, 東京は日本の首都です, 👩‍👩‍👧‍👦 and 🇩🇪🇫🇷 in it, and so on until it ends.")]
    public void A_plain_text_streams_as_any_other_answer_does(string text)
    {
        var answer = new StoredAnswer
        {
            Messages =
            [
                new StoredMessage
                {
                    Role = "assistant",
                    AuthorName = "author",
                    MessageId = "m1",
                    Properties = StoredProperties.Copy(new AdditionalPropertiesDictionary { ["fingerprint"] = "fp_1" }),
                    Contents = [new StoredContent { Kind = StoredContentKind.Text, Text = text }],
                },
            ],
            ResponseId = "r1",
            ResponseModel = "gpt-4o-mini-2024-07-18",
            CreatedAt = new DateTimeOffset(2026, 8, 30, 1, 2, 3, TimeSpan.Zero),
            FinishReason = "stop",
            Original = CallCost.Unknown,
        };

        var plain = Replay.OfText(answer)!;

        Assert.Equal(Replay.Of(answer.ToResponse(), isPaced: false).Select(Json), plain.Select(Json));
        Assert.Equal(plain.Select(Json), Replay.OfText(answer)!.Select(Json));
    }

    [Fact]
    public void An_answer_with_more_than_a_plain_text_has_no_short_way()
    {
        var answer = new StoredAnswer
        {
            Messages = [new StoredMessage { Role = "assistant", Contents = [new StoredContent { Kind = StoredContentKind.Reasoning, Text = "I think." }] }],
            Original = CallCost.Unknown,
        };

        Assert.Null(Replay.OfText(answer));
    }

    private static string Json(ChatResponseUpdate update) => JsonSerializer.Serialize(update, AIJsonUtilities.DefaultOptions);

    private static async Task<long> Read(IChatClient client, int times)
    {
        var characters = 0L;
        for (var i = 0; i < times; i++)
        {
            await foreach (var update in client.GetStreamingResponseAsync("Hello"))
                characters += update.Text.Length;
        }

        return characters;
    }
}
