using Microsoft.Extensions.AI;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What the stock caching and telemetry clients get wrong and ours must not. Sharing of streams, single flight, snapshots and embeddings have tests elsewhere.</summary>
public class StockMiddlewareTests
{
    [Fact]
    public async Task The_same_question_with_other_tools_is_another_question()
    {
        await using var pipeline = new Pipeline();
        var clock = AIFunctionFactory.Create(() => "noon", "now", "Tells the time.");
        var weather = AIFunctionFactory.Create(() => "rain", "weather", "Tells the weather.");
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { Tools = [clock] });
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { Tools = [weather] });
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { Tools = [AIFunctionFactory.Create(() => "late", "now", "Tells the hour.")] });
        Assert.Equal(4, pipeline.Provider.Calls.Count);

        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { Tools = [clock] });
        Assert.Equal(4, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_factory_of_raw_options_bypasses_the_cache()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { RawRepresentationFactory = _ => "a" });
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { RawRepresentationFactory = _ => "b" });
        await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(3, pipeline.Provider.Calls.Count);
        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal(CallStatus.Ok, row.Status));
    }

    [Fact]
    public async Task Ids_and_times_of_earlier_messages_do_not_matter()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync(History("m1", 1));
        await pipeline.Client.GetResponseAsync(History("m2", 2));
        Assert.Single(pipeline.Provider.Calls);

        static ChatMessage[] History(string id, int hour) =>
        [
            new(ChatRole.User, "Hello"),
            new(ChatRole.Assistant, "Hi") { MessageId = id, CreatedAt = new DateTimeOffset(2026, 8, 22, hour, 0, 0, TimeSpan.Zero) },
            new(ChatRole.User, "How are you?"),
        ];
    }

    [Fact]
    public async Task No_options_and_empty_options_are_the_same_question()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions());
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task Telemetry_outside_the_cache_counts_the_tokens_of_three_requests_once()
    {
        var source = $"test-{Guid.NewGuid():N}";
        using var tokens = new MetricCollector<int>(null, source, "gen_ai.client.token.usage");
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseOpenTelemetry(sourceName: source).UseCostCache(costs).UseBudget(costs));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();

        Assert.Single(pipeline.Provider.Calls);
        var measured = tokens.GetMeasurementSnapshot();
        Assert.Equal(1_000, Assert.Single(measured, one => Equals(one.Tags["gen_ai.token.type"], "input")).Value);
        Assert.Equal(500, Assert.Single(measured, one => Equals(one.Tags["gen_ai.token.type"], "output")).Value);
    }

    [Fact]
    public async Task Telemetry_inside_the_cache_does_not_hide_a_hit()
    {
        using var meters = new TestMeterFactory();
        using var requests = new MetricCollector<long>(meters, "LlmCostCache.AI", "llmcostcache.cache.requests");
        await using var pipeline = new Pipeline(o => o.MeterFactory = meters, (builder, costs) => builder.UseCostCache(costs).UseBudget(costs).UseOpenTelemetry());
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(1, requests.GetMeasurementSnapshot().Where(one => one.Tags.Values.Contains("hit")).Sum(one => one.Value));
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], (await pipeline.RowsAsync()).Select(row => row.Status));
    }

    [Fact]
    public async Task An_answer_that_is_made_in_the_background_is_not_replayed_forever()
    {
        var provider = new FakeChatClient();
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, $"answer {number}");
            if (number == 1)
            {
                response.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 });
                response.FinishReason = null;
            }

            return Task.FromResult(response);
        };
        await using var pipeline = new Pipeline(provider: provider);
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Fact]
    public async Task Filtered_and_truncated_answers_are_not_stored()
    {
        foreach (var reason in (ChatFinishReason[])[ChatFinishReason.ContentFilter, ChatFinishReason.Length])
        {
            var provider = new FakeChatClient();
            provider.Answer = (_, options, number) =>
            {
                var response = provider.DefaultAnswer(options, $"answer {number}");
                response.FinishReason = reason;
                return Task.FromResult(response);
            };
            await using var pipeline = new Pipeline(provider: provider);
            await pipeline.Client.GetResponseAsync("Hello");
            Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        }
    }

    [Fact]
    public async Task A_stream_that_is_left_early_is_recorded_and_not_stored()
    {
        await using var pipeline = new Pipeline();
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hello"))
        {
            break;
        }

        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Equal([CallStatus.Incomplete, CallStatus.Ok], (await pipeline.RowsAsync()).Select(row => row.Status));
    }

    [Fact]
    public async Task A_property_that_cannot_be_serialised_bypasses_the_cache_and_does_not_throw()
    {
        await using var pipeline = new Pipeline();
        var options = new ChatOptions { AdditionalProperties = new() { ["callback"] = new Action(() => { }) } };
        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello", options)).Text);
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello", options)).Text);
    }

    [Fact]
    public async Task A_streamed_hit_has_no_usage_to_be_billed_again()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("Hello");
        var updates = await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();

        Assert.Single(pipeline.Provider.Calls);
        Assert.DoesNotContain(updates.SelectMany(update => update.Contents), content => content is UsageContent);
        Assert.Equal(ChatFinishReason.Stop, updates.ToChatResponse().FinishReason);
    }

    [Fact]
    public async Task An_answer_expires()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 8, 22, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o => o.TimeProvider = clock, (builder, costs) => builder.UseCostCache(costs, cache => cache.TimeToLive = TimeSpan.FromHours(6)).UseBudget(costs));
        await pipeline.Client.GetResponseAsync("Hello");
        clock.Advance(TimeSpan.FromHours(6) - TimeSpan.FromSeconds(1));
        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }
}
