using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class BadInputTests
{
    [Fact]
    public void Null_arguments_are_named()
    {
        Assert.Throws<ArgumentNullException>("builder", () => CostCachingChatClientBuilderExtensions.UseCostCache(null!));
        Assert.Throws<ArgumentNullException>("builder", () => BudgetChatClientBuilderExtensions.UseBudget(null!));
        Assert.Throws<ArgumentNullException>("builder", () => UsageMeteringChatClientBuilderExtensions.UseUsageMetering(null!));
        Assert.Throws<ArgumentNullException>("response", () => CostResponseExtensions.GetCost((ChatResponse)null!));
        Assert.Throws<ArgumentException>("model", () => new ModelPrice(" ") { InputPerMillion = 0, OutputPerMillion = 0 });
        Assert.Throws<ArgumentException>("user", () => CostScope.Begin(user: " "));
    }

    [Fact]
    public async Task Null_messages_are_refused_in_every_client()
    {
        await using var pipeline = new Pipeline();
        await Assert.ThrowsAsync<ArgumentNullException>("messages", () => pipeline.Client.GetResponseAsync((IEnumerable<ChatMessage>)null!));
        Assert.Throws<ArgumentNullException>("messages", () => pipeline.Client.GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!));
    }

    [Fact]
    public void A_home_that_cannot_be_used_fails_when_it_is_opened_and_names_path_and_remedy()
    {
        using var home = new TempHome();
        var file = Path.Combine(home.Path, "file");
        File.WriteAllText(file, "not a directory");
        var error = Assert.Throws<StoreUnavailableException>(() => LlmCosts.Open(o => o.HomeDirectory = Path.Combine(file, "sub")));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains("LLMCOSTCACHE_HOME", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void Sizes_out_of_bounds_are_refused_with_the_bounds(long bytes)
    {
        using var home = new TempHome();
        var error = Assert.Throws<ArgumentException>(() => LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.MemoryCacheBytes = bytes;
        }));
        Assert.Contains("MemoryCacheBytes", error.Message, StringComparison.Ordinal);
        Assert.Contains("16 GB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_budget_twice_is_refused()
    {
        using var home = new TempHome();
        Assert.Throws<ArgumentException>(() => LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.Budgets.Add(Budget.Daily(1m));
            o.Budgets.Add(Budget.Daily(2m));
        }));
    }

    [Fact]
    public async Task A_provider_that_hangs_half_way_is_recorded_when_the_caller_gives_up()
    {
        var provider = new FakeChatClient();
        provider.Stream = (_, _, token) => HangAfter(provider, token);
        await using var pipeline = new Pipeline(provider: provider);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipeline.Client.GetStreamingResponseAsync("Hello", cancellationToken: patience.Token).ToListAsync().AsTask());

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Fact]
    public async Task Negative_and_absurd_counts_are_flagged_and_bounded_and_never_lost()
    {
        var provider = new FakeChatClient { Usage = new UsageDetails { InputTokenCount = -5, OutputTokenCount = long.MaxValue } };
        await using var pipeline = new Pipeline(provider: provider);
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal("answer 1", response.Text);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.NotNull(row.Flags);
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        Assert.InRange(row.Cost.High, Money.FromNanos(1), Money.FromUsd(0.1m));
    }

    [Fact]
    public async Task An_answer_without_usage_is_bounded_and_never_zero()
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient { Usage = null });
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Equal(CostCertainty.Bounded, cost.Certainty);
        Assert.True(Money.Zero < cost.Low || cost.Low < cost.High);
        Assert.True(cost.High > Money.Zero);
        Assert.NotNull(cost.Reason);
    }

    [Fact]
    public async Task A_stream_that_is_refused_before_there_is_one_cost_nothing()
    {
        var provider = new FakeChatClient();
        await using var pipeline = new Pipeline(
            build: (_, costs) => new Refusing(provider).AsBuilder().UseCostCache(costs).UseBudget(costs));
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync().AsTask());

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Failed, Money.Zero), (row.Status, row.Cost.Amount!.Value));
    }

    [Fact]
    public async Task A_question_that_cannot_be_keyed_passes_by_the_cache()
    {
        await using var pipeline = new Pipeline();
        var options = new ChatOptions { AdditionalProperties = new() { ["handle"] = new object() } };
        await pipeline.Client.GetResponseAsync("Hello", options);
        await pipeline.Client.GetResponseAsync("Hello", options);

        Assert.Equal(2, pipeline.Provider.Calls.Count);
        Assert.Equal(2, (await pipeline.RowsAsync()).Count);
    }

    [Fact]
    public async Task Two_cost_objects_share_one_home()
    {
        await using var pipeline = new Pipeline();
        await using var second = pipeline.OpenAnother();
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Costs.FlushAsync();
        var again = await new FakeChatClient().AsBuilder().UseCostCache(second).Build().GetResponseAsync("Hello");

        Assert.Equal(CacheLayer.Disk, again.GetCost().CacheLayer);
    }

    private sealed class Refusing(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new HttpRequestException("no", null, System.Net.HttpStatusCode.Unauthorized);
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> HangAfter(FakeChatClient provider, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
    {
        yield return new ChatResponseUpdate(ChatRole.Assistant, "Hel") { ModelId = provider.Model, MessageId = "m1", ResponseId = "r1" };
        await Task.Delay(Timeout.Infinite, token);
    }
}
