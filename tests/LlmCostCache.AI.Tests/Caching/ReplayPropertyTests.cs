using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A hit is the answer that was bought, whole and as a stream, but for its usage and what it cost.</summary>
public class ReplayPropertyTests
{
    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.String[Gen.Char.AlphaNumeric, 1, 40], Gen.Const("Zürich, 東京 and 👩‍👩‍👧\n\"quoted\"\t\0"), Gen.Const(" leading and trailing "), Gen.String[1, 30]);

    private static readonly Gen<AIContent> s_content = Gen.OneOf(
        s_text.Select(text => (AIContent)new TextContent(text)),
        s_text.Select(text => (AIContent)new TextReasoningContent(text) { ProtectedData = "sealed" }),
        Gen.Byte.Array[1, 50].Select(bytes => (AIContent)new DataContent(bytes, "image/png") { Name = "a picture" }),
        s_text.Select(text => (AIContent)new TextContent(text) { AdditionalProperties = new() { ["index"] = 3 } }),
        s_text.Select(text => (AIContent)new TextContent(text)
        {
            Annotations = [new CitationAnnotation { Title = "a source", Url = new Uri("https://example.com/a"), Snippet = text, AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 0, EndIndex = 1 }] }],
        }));

    private static readonly Gen<ChatResponse> s_answer =
        from contents in s_content.List[0, 4]
        from text in s_text
        from author in Gen.Const("assistant-1").Null()
        from fingerprint in Gen.OneOf(Gen.Const((object?)null), s_text.Select(t => (object?)t), Gen.Int.Select(i => (object?)i), Gen.Bool.Select(b => (object?)b), Gen.Double[0, 1].Select(d => (object?)d))
        from created in Gen.Int[0, 1_000_000].Select(s => DateTimeOffset.UnixEpoch.AddSeconds(s)).Nullable()
        select new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. contents, new TextContent($"{text}.")]) { MessageId = "m1", AuthorName = author })
        {
            ResponseId = "r1",
            ModelId = "gpt-4o-mini-2024-07-18",
            FinishReason = ChatFinishReason.Stop,
            CreatedAt = created,
            Usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 500 },
            AdditionalProperties = fingerprint is null ? null : new() { ["fingerprint"] = fingerprint },
        };

    [Theory]
    [InlineData(64L << 20)]
    [InlineData(0L)]
    public async Task A_hit_equals_the_answer_that_was_bought(long memoryBytes)
    {
        var provider = new FakeChatClient();
        ChatResponse? next = null;
        provider.Answer = (_, _, _) => Task.FromResult(next!);
        var logs = new FakeLogCollector();
        using var factory = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(new FakeLoggerProvider(logs)));
        await using var pipeline = new Pipeline(o => (o.MemoryCacheBytes, o.LoggerFactory) = (memoryBytes, factory), (builder, costs) => builder.UseCostCache(costs), provider);
        var number = 0;
        foreach (var answer in Some(s_answer, TestSize.Cases / 100))
        {
            next = answer;
            var bought = Form(answer);
            var question = $"question {++number}";
            await pipeline.Client.GetResponseAsync(question);
            await pipeline.Costs.Cache.FlushAsync(CancellationToken.None);
            var hit = await pipeline.Client.GetResponseAsync(question);
            var streamed = await pipeline.Client.GetStreamingResponseAsync(question).ToListAsync();

            Assert.True(number == provider.Calls.Count, $"{bought} was asked again: {string.Join(' ', logs.GetSnapshot().Select(log => log.Message))}");
            Assert.Equal(bought, Form(hit));
            Assert.Equal(Form(answer.ToChatResponseUpdates().ToChatResponse()), Form(streamed.ToChatResponse()));
            Assert.Null(hit.Usage);
            Assert.DoesNotContain(streamed.SelectMany(update => update.Contents), content => content is UsageContent);
            Assert.Equal((memoryBytes == 0 ? CacheLayer.Disk : CacheLayer.Memory, 500), (hit.GetCost().CacheLayer, hit.GetCost().Usage.TotalOutputTokens));
        }
    }

    [Fact]
    public async Task A_replay_that_its_reader_leaves_leaves_the_entry_whole()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs));
        await pipeline.Client.GetResponseAsync("Hello");
        await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
        {
            update.Contents.Clear();
            break;
        }

        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Single(pipeline.Provider.Calls);
    }

    private static List<T> Some<T>(Gen<T> gen, long count)
    {
        var found = new List<T>();
        gen.Sample(found.Add, iter: count, threads: 1, seed: "0N0XIzNsQ0O2");
        return found;
    }

    /// <summary>Everything a reader can see, but for usage and our own notes.</summary>
    private static string Form(ChatResponse response)
    {
        var json = JsonSerializer.SerializeToNode(response, AIJsonUtilities.DefaultOptions)!.AsObject();
        json.Remove("usage");
        Strip(json);
        return json.ToJsonString();
    }

    private static void Strip(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Strip(item);
            }
        }
        else if (node is JsonObject properties)
        {
            foreach (var (name, value) in properties.ToList())
            {
                if (name.StartsWith("llmcostcache", StringComparison.Ordinal) || value is null)
                {
                    properties.Remove(name);
                    continue;
                }

                Strip(value);
                if (name == "additionalProperties" && value is JsonObject { Count: 0 })
                {
                    properties.Remove(name);
                }
            }
        }
    }
}
