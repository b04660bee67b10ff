using System.Threading.RateLimiting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Rate limits in a pipeline: what takes a turn, what gives it back, who shares it.</summary>
public class RateLimitTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_call_over_the_limit_waits_for_its_turn()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pipeline = Limited(o => o.TimeProvider = time, RateLimit.Requests(1, s_minute));
        await pipeline.Client.GetResponseAsync("one");
        var second = pipeline.Client.GetResponseAsync("two");
        await WaitingAsync(pipeline, 1);
        Assert.Single(pipeline.Provider.Calls);
        time.Advance(s_minute);
        await second;
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_call_that_may_not_wait_is_refused_with_limit_and_time()
    {
        await using var pipeline = Limited(RateLimit.Requests(1, s_minute).Named("provider"), o => o.MaxWait = TimeSpan.Zero);
        await pipeline.Client.GetResponseAsync("one");
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal((1, s_minute, "provider"), (refused.RateLimit!.Limit, refused.RateLimit.Window, refused.RateLimit.Name));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromSeconds(1), s_minute);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_hit_takes_no_turn()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs).UseRateLimit(costs, Never(1)));
        await pipeline.Client.GetResponseAsync("same");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(CacheLayer.Memory, (await pipeline.Client.GetResponseAsync("same")).GetCost().CacheLayer);
        }
    }

    [Fact]
    public async Task A_hit_gives_its_turn_back_when_the_limit_stands_outside_the_cache()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRateLimit(costs, Never(2)).UseCostCache(costs));
        for (var i = 0; i < 5; i++)
        {
            await pipeline.Client.GetResponseAsync("same");
        }

        await pipeline.Client.GetResponseAsync("other");
        await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("third"));
    }

    [Fact]
    public async Task What_a_budget_refuses_takes_no_turn()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0.000001m)), (builder, costs) => builder.UseBudget(costs).UseRateLimit(costs, Never(1)));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("dear"));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("dear"));
    }

    [Fact]
    public async Task What_a_budget_refuses_further_in_gives_its_turn_back()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0.000001m)), (builder, costs) => builder.UseRateLimit(costs, Never(1)).UseBudget(costs));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("dear"));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("dear"));
    }

    [Fact]
    public async Task Tokens_are_counted_as_the_provider_reports_them()
    {
        // Estimated at about 1,040 tokens each; the first one takes 8,500 in truth, so nothing is left of 9,000 for a second.
        await using var pipeline = Limited(RateLimit.Tokens(9_000, s_minute), o => o.MaxWait = TimeSpan.Zero);
        pipeline.Provider.Usage = new UsageDetails { InputTokenCount = 8_000, OutputTokenCount = 500, TotalTokenCount = 8_500 };
        await pipeline.Client.GetResponseAsync("one");
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal(RateLimitUnit.Tokens, refused.RateLimit!.Unit);
    }

    [Fact]
    public async Task Tokens_that_were_not_used_are_there_for_others()
    {
        await using var pipeline = Limited(RateLimit.Tokens(1_200, s_minute), o => o.MaxWait = TimeSpan.Zero);
        pipeline.Provider.Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 10, TotalTokenCount = 20 };
        for (var i = 0; i < 8; i++)
        {
            await pipeline.Client.GetResponseAsync($"question {i}");
        }
    }

    [Fact]
    public async Task Dollars_are_counted_as_they_are_spent()
    {
        // 1,000 and 500 tokens of gpt-4o-mini cost $0.00045; before it is sent a call is taken for about $0.001.
        await using var pipeline = Limited(RateLimit.Cost(0.0016m, s_minute), o => o.MaxWait = TimeSpan.Zero);
        await pipeline.Client.GetResponseAsync("one");
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two", new ChatOptions { MaxOutputTokens = 100_000, ModelId = "gpt-4o" }));
        Assert.Null(refused.RetryAfter);
        await pipeline.Client.GetResponseAsync("three");
        await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("four"));
    }

    [Fact]
    public async Task A_call_without_a_price_cannot_be_counted_in_dollars()
    {
        await using var pipeline = Limited(RateLimit.Cost(1m, s_minute));
        var refused = await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("one", new ChatOptions { ModelId = "nobody-knows-this" }));
        Assert.Equal("nobody-knows-this", refused.Model);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task Each_model_has_a_count_of_its_own_unless_told_otherwise()
    {
        await using var apart = Limited(RateLimit.Requests(1, s_minute), o => o.MaxWait = TimeSpan.Zero);
        await apart.Client.GetResponseAsync("one", new ChatOptions { ModelId = "gpt-4o" });
        await apart.Client.GetResponseAsync("one", new ChatOptions { ModelId = "gpt-4o-mini" });
        await using var together = Limited(RateLimit.Requests(1, s_minute).AcrossModels(), o => o.MaxWait = TimeSpan.Zero);
        await together.Client.GetResponseAsync("one", new ChatOptions { ModelId = "gpt-4o" });
        await Assert.ThrowsAsync<QuotaExceededException>(() => together.Client.GetResponseAsync("one", new ChatOptions { ModelId = "gpt-4o-mini" }));
    }

    [Fact]
    public async Task Each_user_has_a_count_of_his_own()
    {
        await using var pipeline = Limited(RateLimit.Requests(1, s_minute).ForEachUser(), o => o.MaxWait = TimeSpan.Zero);
        using (CostScope.Begin(user: "alice"))
        {
            await pipeline.Client.GetResponseAsync("one");
            await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        }

        using (CostScope.Begin(user: "bob"))
        {
            await pipeline.Client.GetResponseAsync("one");
        }

        await pipeline.Client.GetResponseAsync("nobody's");
    }

    [Fact]
    public async Task Clients_with_the_same_limit_share_it()
    {
        await using var pipeline = Limited(RateLimit.Requests(1, s_minute), o => o.MaxWait = TimeSpan.Zero);
        using var other = new FakeChatClient().AsBuilder().UseRateLimit(pipeline.Costs, o =>
        {
            o.Limits.Add(RateLimit.Requests(1, s_minute));
            o.MaxWait = TimeSpan.Zero;
        }).Build();
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<QuotaExceededException>(() => other.GetResponseAsync("two"));
    }

    [Fact]
    public async Task Limits_of_the_options_hold_for_every_client()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.RateLimiting.Limits.Add(RateLimit.Requests(1, s_minute));
            o.RateLimiting.MaxWait = TimeSpan.Zero;
        }, (builder, costs) => builder.UseRateLimit(costs));
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
    }

    [Fact]
    public async Task A_stream_takes_one_turn_and_is_counted_at_its_end()
    {
        await using var pipeline = Limited(RateLimit.Tokens(9_000, s_minute), o => o.MaxWait = TimeSpan.Zero);
        pipeline.Provider.Usage = new UsageDetails { InputTokenCount = 8_000, OutputTokenCount = 500, TotalTokenCount = 8_500 };
        await pipeline.Client.GetStreamingResponseAsync("one").ToListAsync();
        await Assert.ThrowsAsync<QuotaExceededException>(async () => await pipeline.Client.GetStreamingResponseAsync("two").ToListAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_lease_of_a_limiter_of_the_framework_is_held_until_the_stream_ends(bool readsToTheEnd)
    {
        await using var limiter = PartitionedRateLimiter.Create<RateLimitedCall, string>(call =>
            RateLimitPartition.GetConcurrencyLimiter(call.Model!, _ => new ConcurrencyLimiterOptions { PermitLimit = 1 }));
        var call = new RateLimitedCall("chat", "openai", "gpt-4o-mini", Attribution.None, 0);
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRateLimit(costs, o => (o.Limiter, o.MaxWait) = (limiter, TimeSpan.Zero)));
        await using (var stream = pipeline.Client.GetStreamingResponseAsync("one").GetAsyncEnumerator())
        {
            Assert.True(await stream.MoveNextAsync());
            Assert.Equal(0, limiter.GetStatistics(call)!.CurrentAvailablePermits);
            await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
            while (readsToTheEnd && await stream.MoveNextAsync())
            {
            }
        }

        Assert.Equal(1, limiter.GetStatistics(call)!.CurrentAvailablePermits);
    }

    [Fact]
    public async Task A_failure_that_was_certainly_not_billed_counts_as_a_request_only()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRateLimit(costs, o =>
        {
            o.Limits.Add(RateLimit.Requests(2, s_minute));
            o.Limits.Add(RateLimit.Tokens(1_100, s_minute));
            o.MaxWait = TimeSpan.Zero;
        }));
        pipeline.Provider.Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 10, TotalTokenCount = 20 };
        pipeline.Provider.Answer = (_, options, number) => number == 1
            ? throw new HttpRequestException("busy", null, System.Net.HttpStatusCode.TooManyRequests)
            : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("one"));
        await pipeline.Client.GetResponseAsync("two");
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("three"));
        Assert.Equal(RateLimitUnit.Requests, refused.RateLimit!.Unit);
    }

    [Fact]
    public async Task A_stream_that_breaks_after_its_first_piece_keeps_its_estimate_whatever_the_provider_says()
    {
        await using var pipeline = Limited(RateLimit.Tokens(2_000, TimeSpan.FromDays(7)), o => o.MaxWait = TimeSpan.Zero);
        pipeline.Provider.Stream = static (_, _, _) => Breaking();
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetStreamingResponseAsync("one").ToChatResponseAsync());
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal(RateLimitUnit.Tokens, refused.RateLimit!.Unit);

        static async IAsyncEnumerable<ChatResponseUpdate> Breaking()
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, "The answer is");
            await Task.Yield();
            throw new HttpRequestException("too many", null, System.Net.HttpStatusCode.TooManyRequests);
        }
    }

    [Fact]
    public async Task A_turn_of_several_rounds_keeps_its_estimate_when_a_later_one_is_turned_away()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRateLimit(costs, o =>
        {
            o.Limits.Add(RateLimit.Tokens(2_000, TimeSpan.FromDays(7)));
            o.MaxWait = TimeSpan.Zero;
        }).UseFunctionInvocation().UseUsageMetering(costs));
        pipeline.Provider.Answer = (_, options, number) =>
        {
            if (number > 1)
            {
                throw new HttpRequestException("too many", null, System.Net.HttpStatusCode.TooManyRequests);
            }

            var response = pipeline.Provider.DefaultAnswer(options, "");
            response.Messages[0].Contents = [new FunctionCallContent("c1", "now")];
            return Task.FromResult(response);
        };
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("one", options));
        var refused = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two", options));
        Assert.Equal(RateLimitUnit.Tokens, refused.RateLimit!.Unit);
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_the_queue()
    {
        await using var pipeline = Limited(RateLimit.Requests(1, s_minute));
        await pipeline.Client.GetResponseAsync("one");
        using var cancel = new CancellationTokenSource();
        var waits = pipeline.Client.GetResponseAsync("two", cancellationToken: cancel.Token);
        await WaitingAsync(pipeline, 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        Assert.Equal(0, pipeline.Costs.Rates.Waiting);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task Embeddings_keep_the_same_limits()
    {
        await using var pipeline = new Pipeline();
        var generator = new FakeEmbeddingGenerator().AsBuilder().UseRateLimit(pipeline.Costs, Never(1)).Build();
        await generator.GenerateAsync(["one"]);
        await Assert.ThrowsAsync<QuotaExceededException>(() => generator.GenerateAsync(["two"]));
    }

    [Fact]
    public void The_message_says_what_how_much_and_what_now()
    {
        var limit = RateLimit.Tokens(90_000, s_minute);
        Assert.Equal("Rate limit '90,000 tokens per minute' (sliding window)", limit.ToString());
        Assert.Equal("Rate limit '$5.00 per hour user=*' (token bucket)", RateLimit.Cost(5m, TimeSpan.FromHours(1)).AsTokenBucket().ForEachUser().ToString());
    }

    private static Action<RateLimitOptions> Never(int requests) => options =>
    {
        options.Limits.Add(RateLimit.Requests(requests, TimeSpan.FromDays(7)));
        options.MaxWait = TimeSpan.Zero;
    };

    private static Pipeline Limited(RateLimit limit, Action<RateLimitOptions>? configure = null) => Limited(null, limit, configure);

    private static Pipeline Limited(Action<LlmCostsOptions>? open, RateLimit limit, Action<RateLimitOptions>? configure = null) => new(open, (builder, costs) => builder.UseRateLimit(costs, o =>
    {
        o.Limits.Add(limit);
        configure?.Invoke(o);
    }));

    private static async Task WaitingAsync(Pipeline pipeline, int count)
    {
        while (pipeline.Costs.Rates.Waiting < count)
        {
            await Task.Delay(1);
        }
    }
}
