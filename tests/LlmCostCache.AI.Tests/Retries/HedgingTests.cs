using Microsoft.Extensions.AI;
using Polly;
using Polly.Hedging;
using Polly.Retry;

namespace LlmCostCache.AI.Tests;

/// <summary>Requests that race each other, and retries that other people make: what was sent is charged, whoever answers first.</summary>
public class HedgingTests
{
    [Fact]
    public async Task Two_tries_that_race_are_both_held_and_both_charged()
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)),
            (builder, costs) => builder.UseBudget(costs).Use(inner => new RacingChatClient(inner, inner, lost)).UseUsageMetering(costs));
        var bothHeld = Money.Zero;
        pipeline.Provider.Answer = async (_, options, number) =>
        {
            if (number == 1)
            {
                await lost.Task.WaitAsync(TimeSpan.FromMinutes(1));
                throw new OperationCanceledException();
            }

            bothHeld = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money;
            return pipeline.Provider.DefaultAnswer(options, "fast");
        };
        var response = await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 });
        Assert.Equal("fast", response.Text);
        var rows = await RowsAsync(pipeline, 2);
        Assert.Equal([1, 2], rows.Select(row => row.Attempt).Order());
        Assert.Single(rows.Select(row => row.CallId).Distinct());
        var loser = Assert.Single(rows, row => row.Status == CallStatus.Assumed);
        Assert.True(loser.Cost.High > Money.Zero);
        Assert.True(bothHeld > loser.Cost.High);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((Money.Zero, rows[0].Cost.High + rows[1].Cost.High), (balance.Reserved.Money, balance.Spent.Money));
    }

    [Fact]
    public async Task Two_providers_that_race_are_both_charged()
    {
        var other = new FakeChatClient("claude-sonnet-4-5", "anthropic", "https://api.anthropic.com");
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pipeline = new Pipeline(build: (builder, costs) =>
            builder.Use(inner => new RacingChatClient(inner, other.AsBuilder().UseUsageMetering(costs).Build(), lost)).UseUsageMetering(costs));
        pipeline.Provider.Answer = async (_, options, _) =>
        {
            await lost.Task.WaitAsync(TimeSpan.FromMinutes(1));
            return pipeline.Provider.DefaultAnswer(options, "late");
        };
        var response = await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("claude-sonnet-4-5", response.ModelId);
        var rows = await RowsAsync(pipeline, 2);
        Assert.Equal(["anthropic", "openai"], rows.Select(row => row.Provider).Order());
        Assert.All(rows, row => Assert.True(row.Cost.Amount > Money.Zero));
    }

    [Fact]
    public async Task A_retry_of_somebody_else_outside_is_a_call_each_time()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => builder.UseBudget(costs));
        pipeline.Provider.Answer = (_, options, number) => number < 3 ? throw new IOException("reset") : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        var polly = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 3, Delay = TimeSpan.Zero }).Build();
        await polly.ExecuteAsync(async cancel => await pipeline.Client.GetResponseAsync("Hello", cancellationToken: cancel));
        var rows = await pipeline.RowsAsync();
        Assert.Equal(3, rows.Select(row => row.CallId).Distinct().Count());
        Assert.Equal([CallStatus.Ok, CallStatus.Assumed, CallStatus.Assumed], rows.Select(row => row.Status).Order());
    }

    [Fact]
    public async Task A_retry_of_somebody_else_between_budget_and_meter_is_an_attempt_each_time()
    {
        var polly = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 3, Delay = TimeSpan.Zero }).Build();
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => builder.UseBudget(costs)
            .Use(
                async (messages, options, inner, cancel) => await polly.ExecuteAsync(async token => await inner.GetResponseAsync(messages, options, token), cancel),
                (messages, options, inner, cancel) => inner.GetStreamingResponseAsync(messages, options, cancel))
            .UseUsageMetering(costs));
        pipeline.Provider.Answer = (_, options, number) => number < 3 ? throw new IOException("reset") : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        await pipeline.Client.GetResponseAsync("Hello");
        var rows = await pipeline.RowsAsync();
        Assert.Equal([1, 2, 3], rows.Select(row => row.Attempt).Order());
        Assert.Single(rows.Select(row => row.CallId).Distinct());
    }

    private static async Task<List<UsageRecord>> RowsAsync(Pipeline pipeline, int count)
    {
        while (true)
        {
            var rows = await pipeline.RowsAsync();
            if (rows.Count >= count)
            {
                return rows;
            }

            await Task.Delay(1);
        }
    }

    /// <summary>Asks a second client when the first has not answered at once, and takes whichever answers first.</summary>
    private sealed class RacingChatClient(IChatClient first, IChatClient second, TaskCompletionSource lost) : DelegatingChatClient(first)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var race = new ResiliencePipelineBuilder<ChatResponse>().AddHedging(new HedgingStrategyOptions<ChatResponse>
            {
                Delay = TimeSpan.FromMilliseconds(10),
                MaxHedgedAttempts = 1,
                ActionGenerator = arguments => async () =>
                    Outcome.FromResult(await second.GetResponseAsync(messages, options, arguments.ActionContext.CancellationToken)),
            }).Build();
            return await race.ExecuteAsync(
                async cancel =>
                {
                    // The race ends when its loser does, so the loser has to learn that it lost.
                    await using var told = cancel.Register(() => lost.TrySetResult());
                    return await base.GetResponseAsync(messages, options, cancel);
                },
                cancellationToken);
        }
    }
}
