using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Answers whose usage says less than the truth, or whose model is not the one that was asked.</summary>
public class DoubtfulAnswerTests
{
    [Fact]
    public async Task A_dearer_model_that_answers_decides_the_price_and_is_told_once()
    {
        var log = new FakeLogger();
        var provider = new FakeChatClient { Model = "gpt-4o" };
        await using var pipeline = new Pipeline(o => o.LoggerFactory = LoggerFactory.Create(b => b.AddProvider(new OneProvider(log))), provider: provider);
        provider.Answer = (_, _, number) => Task.FromResult(provider.DefaultAnswer(null, $"answer {number}"));
        await pipeline.Client.GetResponseAsync("one", new ChatOptions { ModelId = "gpt-4o-mini" });
        await pipeline.Client.GetResponseAsync("two", new ChatOptions { ModelId = "gpt-4o-mini" });

        var rows = await pipeline.RowsAsync();
        Assert.All(rows, row => Assert.Equal(("gpt-4o-mini", "gpt-4o", UsageFlags.DearerModel), (row.RequestedModel, row.Model, row.Flags)));
        Assert.All(rows, row => Assert.Equal(Money.FromUsd(0.0075m), row.Cost.Amount));
        var warning = Assert.Single(log.Collector.GetSnapshot(), entry => entry.Id.Id == 25);
        Assert.Equal(LogLevel.Warning, warning.Level);
    }

    [Theory]
    [InlineData("gpt-4o", "gpt-4o-mini")]
    [InlineData("gpt-4o-mini", "gpt-4o-mini-2024-07-18")]
    [InlineData("nobody-knows-this", "gpt-4o")]
    public async Task A_cheaper_a_dated_or_an_unknown_model_raises_no_alarm(string asked, string answered)
    {
        var provider = new FakeChatClient { Model = answered };
        provider.Answer = (_, _, _) => Task.FromResult(provider.DefaultAnswer(null, "Hello"));
        await using var pipeline = new Pipeline(provider: provider);
        await pipeline.Client.GetResponseAsync("Hi", new ChatOptions { ModelId = asked });

        Assert.Null(Assert.Single(await pipeline.RowsAsync()).Flags);
    }

    [Theory]
    [InlineData("gpt-4o-mini", 1_000L, CostCertainty.Bounded)]
    [InlineData("gpt-4o-mini", -1L, CostCertainty.Bounded)]
    [InlineData("gpt-4o-mini", null, CostCertainty.Bounded)]
    [InlineData("nobody-knows-this", 1_000L, CostCertainty.Unknown)]
    public async Task Several_requests_that_look_like_one_are_flagged_whatever_is_known_of_their_cost(string model, long? input, CostCertainty certainty)
    {
        var provider = new FakeChatClient(model) { Usage = input is null ? null : new UsageDetails { InputTokenCount = input, OutputTokenCount = 500 } };
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseUsageMetering(costs).UseFunctionInvocation());
        await pipeline.Client.GetResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] });

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(certainty, row.Cost.Certainty);
        Assert.True(UsageFlags.Has(row.Flags, UsageFlags.Aggregated), row.Flags);
    }

    [Theory]
    [InlineData(-1L, 500L)]
    [InlineData(1_000L, -1L)]
    [InlineData(-1L, -1L)]
    public async Task A_count_below_zero_is_bounded_by_the_texts(long input, long output)
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient { Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output } });
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Equal(CostCertainty.Bounded, cost.Certainty);
        var known = Money.FromUsd(((Math.Max(0, input) * 0.15m) + (Math.Max(0, output) * 0.6m)) / 1_000_000m);
        Assert.Equal(known, cost.Low);
        Assert.True(cost.High > known);
        Assert.Equal(UsageFlags.Clamped, Assert.Single(await pipeline.RowsAsync()).Flags);
    }

    [Fact]
    public async Task A_cache_count_below_zero_costs_between_all_of_the_input_cached_and_all_of_it_written()
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient { Usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 0, CachedInputTokenCount = -1 } });
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Equal((CostCertainty.Bounded, Money.FromUsd(0.000075m)), (cost.Certainty, cost.Low));
        Assert.True(cost.High >= Money.FromUsd(0.00015m));
    }

    [Theory]
    [InlineData("gpt-5", 128_000)]
    [InlineData("gpt-4o-mini", 2_000)]
    public async Task A_cut_stream_of_a_model_that_reasons_out_of_sight_may_have_cost_its_whole_limit(string model, long most)
    {
        var provider = new FakeChatClient(model);
        provider.Stream = (_, _, _) => Words(new TextContent("one "), new TextContent("two"));
        await using var pipeline = new Pipeline(provider: provider);
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi"))
        {
            break;
        }

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.InRange(row.Cost.Usage.TotalOutputTokens, most / 2, most);
    }

    [Fact]
    public async Task The_limit_of_the_answer_bounds_what_was_reasoned_out_of_sight()
    {
        var provider = new FakeChatClient("o3");
        provider.Stream = (_, _, _) => Words(new TextContent("one "), new TextContent("two"));
        await using var pipeline = new Pipeline(provider: provider);
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 3_000 }))
        {
            break;
        }

        Assert.Equal(3_000, Assert.Single(await pipeline.RowsAsync()).Cost.Usage.TotalOutputTokens);
    }

    [Fact]
    public async Task A_summary_of_reasoning_does_not_bound_what_it_sums_up()
    {
        var provider = new FakeChatClient("gpt-4o-mini");
        provider.Stream = (_, _, _) => Words(new TextReasoningContent("thinking"), new TextContent("two"));
        await using var pipeline = new Pipeline(provider: provider);
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 3_000 }))
        {
            break;
        }

        Assert.Equal(3_000, Assert.Single(await pipeline.RowsAsync()).Cost.Usage.TotalOutputTokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_received_does_not_bound_several_answers_of_which_adapters_hand_on_the_first(bool streamed)
    {
        var provider = new FakeChatClient { Usage = null };
        await using var pipeline = new Pipeline(provider: provider);
        var options = new ChatOptions { MaxOutputTokens = 1_000, AdditionalProperties = new() { ["n"] = 3 } };
        _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hi", options).ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hi", options);

        await pipeline.Costs.FlushAsync();
        Assert.Equal(3_000, Assert.Single(await pipeline.RowsAsync()).Cost.Usage.TotalOutputTokens);
    }

    [Fact]
    public async Task A_cut_stream_that_shows_reasoning_may_have_cost_what_reasoning_costs()
    {
        var provider = new FakeChatClient("my-thinker");
        provider.Stream = (_, _, _) => Words(new TextReasoningContent("thinking"), new TextContent("two"));
        await using var pipeline = new Pipeline(
            o => o.Prices.Add(new ModelPrice("my-thinker") { InputPerMillion = 0m, OutputPerMillion = 1m, ReasoningPerMillion = 4m }), provider: provider);
        await pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 3_000 }).ToListAsync();

        Assert.Equal(Money.FromUsd(0.012m), Assert.Single(await pipeline.RowsAsync()).Cost.High);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Input_of_which_nobody_said_anything_may_have_been_written_to_the_providers_cache(bool streamed)
    {
        var provider = new FakeChatClient("my-claude") { Usage = null };
        await using var pipeline = new Pipeline(
            o => o.Prices.Add(new ModelPrice("my-claude") { InputPerMillion = 3m, CachedInputPerMillion = 0.3m, CacheWrite5mPerMillion = 3.75m, CacheWrite1hPerMillion = 6m, OutputPerMillion = 0m }), provider: provider);
        _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hi");

        var cost = Assert.Single(await pipeline.RowsAsync()).Cost;
        Assert.Equal((0L, Money.FromUsd(cost.Usage.UncachedInputTokens * 6m / 1_000_000m)), (cost.Usage.CacheWrite1hTokens, cost.High));
    }

    [Fact]
    public async Task Doubts_about_what_a_cut_stream_reported_widen_its_bounds()
    {
        var provider = new FakeChatClient("claude-sonnet-4-5", "anthropic", "https://api.anthropic.com/");
        provider.Stream = (_, _, _) => Words(
            new TextContent("one "), new UsageContent(new() { InputTokenCount = 1_025, OutputTokenCount = 1, CachedInputTokenCount = 0, AdditionalCounts = new() { ["CacheCreationInputTokens"] = 1_000 } }), new TextContent("two"));
        await using var pipeline = new Pipeline(provider: provider);
        await pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 2 }).ToListAsync();

        // $3 in, $3.75 or $6 written, $15 out; one or two tokens were produced.
        var cost = Assert.Single(await pipeline.RowsAsync()).Cost;
        Assert.Equal((Money.FromUsd(0.00384m), Money.FromUsd(0.006105m)), (cost.Low, cost.High));
    }

    [Fact]
    public async Task A_cut_stream_that_reported_less_input_than_none_is_bounded_by_the_texts()
    {
        var provider = new FakeChatClient("my-model");
        provider.Stream = (_, _, _) => Words(new TextContent("one "), new UsageContent(new() { InputTokenCount = -1, OutputTokenCount = 1 }), new TextContent("two"));
        await using var pipeline = new Pipeline(o => o.Prices.Add(new ModelPrice("my-model") { InputPerMillion = 1m, OutputPerMillion = 0m }), provider: provider);
        await pipeline.Client.GetStreamingResponseAsync(new string('x', 5_000)).ToListAsync();

        Assert.True(Assert.Single(await pipeline.RowsAsync()).Cost.High >= Money.FromUsd(0.005m));
    }

    [Theory]
    [InlineData("o3-mini", true)]
    [InlineData("openai/gpt-5-mini", true)]
    [InlineData("gemini-2.5-pro", true)]
    [InlineData("gpt-4o", false)]
    [InlineData("gpt-4.1", false)]
    [InlineData("claude-sonnet-4-5", false)]
    [InlineData(null, false)]
    public void Models_that_reason_out_of_sight_are_listed_as_data(string? model, bool expected) => Assert.Equal(expected, HiddenReasoning.IsPossible(model));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_service_of_Semantic_Kernel_that_is_used_as_a_chat_client_is_metered_exactly(bool streamed)
    {
        foreach (var reported in (object[])[
            OpenAI.Chat.OpenAIChatModelFactory.ChatTokenUsage(outputTokenCount: 50, inputTokenCount: 100, totalTokenCount: 150, inputTokenDetails: OpenAI.Chat.OpenAIChatModelFactory.ChatInputTokenUsageDetails(cachedTokenCount: 60)),
            new UsageContent(new() { InputTokenCount = 100, OutputTokenCount = 50, CachedInputTokenCount = 60 }),
            new Bedrock(40, 50, 90, 60)])
        {
            var provider = new FakeChatClient(provider: "OpenAIChatCompletionService") { Usage = null };
            AdditionalPropertiesDictionary properties = new() { ["Usage"] = reported, ["FinishReason"] = "Stop" };
            provider.Answer = (_, _, _) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "Hello") { AdditionalProperties = properties }) { ModelId = "gpt-4o-mini" });
            provider.Stream = (_, _, _) => Updates(
                new ChatResponseUpdate(ChatRole.Assistant, "Hello") { ModelId = "gpt-4o-mini", AdditionalProperties = new() { ["Usage"] = null } },
                new ChatResponseUpdate(ChatRole.Assistant, "") { ModelId = "gpt-4o-mini", AdditionalProperties = properties });
            await using var pipeline = new Pipeline(provider: provider);
            if (streamed)
            {
                await pipeline.Client.GetStreamingResponseAsync("Hi").ToListAsync();
            }
            else
            {
                await pipeline.Client.GetResponseAsync("Hi");
            }

            var row = Assert.Single(await pipeline.RowsAsync());
            Assert.Equal(new TokenUsage { UncachedInputTokens = 40, CachedInputTokens = 60, OutputTokens = 50, Requests = 1 }, row.Cost.Usage);
            Assert.Equal((CostCertainty.Known, Money.FromUsd(((40m * 0.15m) + (60m * 0.075m) + (50m * 0.6m)) / 1_000_000m), "provider"), (row.Cost.Certainty, row.Cost.Amount, row.UsageSource));
        }
    }

    [Fact]
    public async Task A_new_price_does_not_move_a_row_that_was_written()
    {
        using var home = new TempHome();
        foreach (var price in (decimal[])[1m, 2m])
        {
            await using var costs = LlmCosts.Open(o =>
            {
                o.HomeDirectory = home.Path;
                o.Prices.Add(new ModelPrice("my-finetune") { InputPerMillion = price, OutputPerMillion = price });
            });
            using var client = new FakeChatClient("my-finetune").AsBuilder().UseUsageMetering(costs).Build();
            await client.GetResponseAsync($"Hi {price}");
        }

        await using var again = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var rows = await again.Store.ReadAsync(LedgerFilter.All).ToListAsync();
        Assert.Equal([Money.FromUsd(0.0015m), Money.FromUsd(0.003m)], rows.Select(row => row.Cost.Amount!.Value));
        Assert.NotEqual(rows[0].Cost.PriceRevision, rows[1].Cost.PriceRevision);
    }

    private static IAsyncEnumerable<ChatResponseUpdate> Words(params AIContent[] contents) =>
        Updates([.. contents.Select(content => new ChatResponseUpdate(ChatRole.Assistant, [content]) { ResponseId = "r1", MessageId = "m1" })]);

    private static async IAsyncEnumerable<ChatResponseUpdate> Updates(params ChatResponseUpdate[] updates)
    {
        foreach (var update in updates)
        {
            await Task.Yield();
            yield return update;
        }
    }

    private sealed record Bedrock(int InputTokens, int OutputTokens, int TotalTokens, int CacheReadInputTokens);

    private sealed class OneProvider(ILogger logger) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void Dispose()
        {
        }
    }
}
