using System.Net;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What UseCostCache can be told.</summary>
public class CacheOptionsTests
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));

    private Pipeline Open(Action<CostCachingChatClient> configure) =>
        new(o => o.TimeProvider = _clock, (builder, costs) => builder.UseCostCache(costs, configure));

    private static Task<ChatResponse> AskAsync(Pipeline pipeline, bool streamed = false, string question = "Hello", ChatOptions? options = null) => streamed
        ? pipeline.Client.GetStreamingResponseAsync(question, options).ToChatResponseAsync()
        : pipeline.Client.GetResponseAsync(question, options);

    private static void Break(Pipeline pipeline, Exception exception) => pipeline.Provider.Answer = (_, _, _) => throw exception;

    [Fact]
    public async Task A_model_can_have_a_life_of_its_own_and_a_call_another()
    {
        await using var pipeline = Open(cache => cache.ModelTimeToLive = new Dictionary<string, TimeSpan> { ["GPT-4o"] = TimeSpan.FromHours(1) });
        var alias = new ChatOptions { ModelId = "gpt-4o" };
        var longer = new ChatOptions { ModelId = "gpt-4o" }.WithCache(c => c.TimeToLive(TimeSpan.FromHours(3)));
        await AskAsync(pipeline);
        await AskAsync(pipeline, question: "alias", options: alias);
        await AskAsync(pipeline, question: "longer", options: longer);
        _clock.Advance(TimeSpan.FromHours(2));

        await AskAsync(pipeline);
        await AskAsync(pipeline, question: "longer", options: longer);
        Assert.Equal(3, pipeline.Provider.Calls.Count);
        await AskAsync(pipeline, question: "alias", options: alias);
        Assert.Equal(4, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_that_nobody_uses_expires_and_one_that_is_used_lives_until_its_time_is_up(bool inMemory)
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.TimeProvider = _clock;
                o.MemoryCacheBytes = inMemory ? o.MemoryCacheBytes : 0;
            },
            (builder, costs) => builder.UseCostCache(costs, cache => (cache.TimeToLive, cache.SlidingExpiration) = (TimeSpan.FromHours(3), TimeSpan.FromHours(1))));
        await AskAsync(pipeline);
        for (var i = 0; i < 3; i++)
        {
            await pipeline.Costs.FlushAsync();
            _clock.Advance(TimeSpan.FromMinutes(50));
            await AskAsync(pipeline);
        }

        Assert.Single(pipeline.Provider.Calls);
        _clock.Advance(TimeSpan.FromMinutes(61));
        await AskAsync(pipeline);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        _clock.Advance(TimeSpan.FromMinutes(61));
        await AskAsync(pipeline);
        Assert.Equal(3, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_expired_answer_stands_in_when_the_provider_fails(bool streamed)
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.ServeStaleFor) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2)));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(2));
        Break(pipeline, new HttpRequestException("down", null, HttpStatusCode.ServiceUnavailable));

        var stale = await AskAsync(pipeline, streamed);

        Assert.Equal("answer 1", stale.Text);
        Assert.Equal(Money.Zero, stale.GetCost().Amount);
        Assert.StartsWith("stale: the provider failed (HttpRequestException)", stale.GetCost().Reason, StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromHours(2));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(pipeline, streamed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_wants_no_stale_answer_gets_none_from_a_call_that_it_waits_for(bool streamed)
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.ServeStaleFor) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2)));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(2));
        var gate = BreakLater(pipeline);
        var led = AskAsync(pipeline, streamed);
        var strict = AskAsync(pipeline, streamed, options: new ChatOptions().WithCache(c => c.ServeStale(TimeSpan.Zero)));
        gate.SetResult();

        Assert.Equal("answer 1", (await led).Text);
        await Assert.ThrowsAsync<HttpRequestException>(() => strict.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_takes_a_stale_answer_gets_it_also_when_those_it_waits_for_take_none(bool streamed)
    {
        await using var pipeline = Open(cache => cache.TimeToLive = TimeSpan.FromHours(1));
        var lenient = new ChatOptions().WithCache(c => c.ServeStale(TimeSpan.FromHours(2)));
        await AskAsync(pipeline, options: lenient);
        _clock.Advance(TimeSpan.FromHours(2));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = async (_, _, _) =>
        {
            await gate.Task;

            // The first call that fails leaves eleven callers that try once more; a moment, so that one of them leads the others.
            await Task.Delay(200);
            throw new HttpRequestException("down", null, HttpStatusCode.ServiceUnavailable);
        };
        var strict = Enumerable.Range(0, 11).Select(_ => AskAsync(pipeline, streamed)).ToList();
        var served = AskAsync(pipeline, streamed, options: lenient);
        gate.SetResult();

        Assert.Equal("answer 1", (await served.WaitAsync(TimeSpan.FromSeconds(60))).Text);
        foreach (var caller in strict)
            await Assert.ThrowsAsync<HttpRequestException>(() => caller.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task All_who_read_a_stream_along_get_the_stale_answer_when_the_provider_is_down_and_it_is_asked_once()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.ServeStaleFor) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2)));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(2));
        var gate = BreakLater(pipeline);
        var callers = Enumerable.Range(0, 10).Select(_ => AskAsync(pipeline, streamed: true)).ToList();
        gate.SetResult();

        foreach (var caller in callers)
        {
            var answer = await caller.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal("answer 1", answer.Text);
            Assert.StartsWith("stale: the provider failed", answer.GetCost().Reason, StringComparison.Ordinal);
        }

        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_that_expired_because_nobody_used_it_stands_in_as_well(bool inMemory)
    {
        await using var pipeline = new Pipeline(
            o => (o.TimeProvider, o.MemoryCacheBytes) = (_clock, inMemory ? o.MemoryCacheBytes : 0),
            (builder, costs) => builder.UseCostCache(costs, cache => (cache.SlidingExpiration, cache.ServeStaleFor) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2))));
        await AskAsync(pipeline);
        await pipeline.Costs.FlushAsync();
        _clock.Advance(TimeSpan.FromHours(2));
        Break(pipeline, new HttpRequestException("down"));

        Assert.Equal("answer 1", (await AskAsync(pipeline)).Text);
    }

    private static TaskCompletionSource BreakLater(Pipeline pipeline)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = async (_, _, _) =>
        {
            await gate.Task;
            throw new HttpRequestException("down", null, HttpStatusCode.ServiceUnavailable);
        };
        return gate;
    }

    [Fact]
    public async Task Options_that_cannot_be_copied_neither_spoil_a_hit_nor_hold_up_those_who_ask_later()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5));
        var options = new FragileOptions();
        await AskAsync(pipeline, options: options);
        _clock.Advance(TimeSpan.FromHours(9));

        options.IsBroken = true;
        Assert.Equal("answer 1", (await AskAsync(pipeline, options: options)).Text);

        options.IsBroken = false;
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal("answer 2", (await AskAsync(pipeline, options: options).WaitAsync(TimeSpan.FromSeconds(60))).Text);
    }

    private sealed class FragileOptions : ChatOptions
    {
        public bool IsBroken { get; set; }

        public override ChatOptions Clone() => IsBroken ? throw new NotSupportedException("cannot be copied") : base.Clone();
    }

    [Fact]
    public async Task A_stale_answer_hides_no_error_of_the_callers_and_no_refusal_of_a_budget()
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.TimeProvider = _clock;
                o.Budgets.Add(Budget.Daily(0.00001m).ForUser("poor"));
            },
            (builder, costs) => builder.UseCostCache(costs, cache => (cache.TimeToLive, cache.ServeStaleFor) = (TimeSpan.FromHours(1), TimeSpan.FromHours(20))).UseBudget(costs));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(2));
        using (CostScope.Begin(user: "poor"))
        {
            await Assert.ThrowsAsync<BudgetExceededException>(() => AskAsync(pipeline, options: new ChatOptions { AdditionalProperties = null }));
        }

        foreach (var error in new Exception[] { new HttpRequestException("no", null, HttpStatusCode.BadRequest), new HttpRequestException("no", null, HttpStatusCode.Unauthorized), new ArgumentException("no") })
        {
            Break(pipeline, error);
            await Assert.ThrowsAsync(error.GetType(), () => AskAsync(pipeline));
        }

        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipeline.Client.GetResponseAsync("Hello", cancellationToken: stop.Token));
    }

    [Fact]
    public async Task A_hit_late_in_its_life_has_the_answer_renewed_once_and_nobody_waits()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.8));
        using var scope = CostScope.Begin(user: "alice");
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(7));
        await AskAsync(pipeline);
        Assert.Single(pipeline.Provider.Calls);
        _clock.Advance(TimeSpan.FromHours(2));
        var gate = new TaskCompletionSource();
        pipeline.Provider.Answer = async (_, options, number) =>
        {
            await gate.Task;
            return pipeline.Provider.DefaultAnswer(options, $"answer {number}");
        };

        for (var i = 0; i < 10; i++)
            Assert.Equal("answer 1", (await AskAsync(pipeline)).Text);

        gate.SetResult();
        for (var i = 0; i < 6_000 && (await AskAsync(pipeline)).Text != "answer 2"; i++)
            await Task.Delay(TimeSpan.FromMilliseconds(10));

        Assert.Equal("answer 2", (await AskAsync(pipeline)).Text);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        var bought = (await pipeline.RowsAsync()).Where(row => row.Status == CallStatus.Ok).ToList();
        Assert.Equal(2, bought.Count);
        Assert.All(bought, row => Assert.Equal("alice", row.Attribution.User));
    }

    [Fact]
    public async Task A_renewal_that_fails_is_silent_and_not_tried_again_with_every_hit()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(6));
        Break(pipeline, new HttpRequestException("down"));

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("answer 1", (await AskAsync(pipeline)).Text);
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }

        await DistributedLayerTests.UntilAsync(() => Task.FromResult(pipeline.Provider.Calls.Count > 1));
        Assert.InRange(pipeline.Provider.Calls.Count, 2, 3);
    }

    [Fact]
    public async Task A_renewal_whose_answer_is_not_fit_to_be_stored_is_not_bought_again_with_every_hit()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5));
        await AskAsync(pipeline);
        _clock.Advance(TimeSpan.FromHours(6));
        pipeline.Provider.Answer = (_, options, number) =>
        {
            var cut = pipeline.Provider.DefaultAnswer(options, $"answer {number}");
            cut.FinishReason = ChatFinishReason.Length;
            return Task.FromResult(cut);
        };

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("answer 1", (await AskAsync(pipeline)).Text);
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }

        await DistributedLayerTests.UntilAsync(() => Task.FromResult(pipeline.Provider.Calls.Count > 1));
        Assert.InRange(pipeline.Provider.Calls.Count, 2, 3);
    }

    [Fact]
    public async Task What_another_process_renewed_is_not_bought_again()
    {
        using var home = new TempHome();
        var provider = new FakeChatClient();
        await using var one = LlmCosts.Open(o => (o.HomeDirectory, o.TimeProvider) = (home.Path, _clock));
        await using var two = LlmCosts.Open(o => (o.HomeDirectory, o.TimeProvider) = (home.Path, _clock));
        using var first = provider.AsBuilder().UseCostCache(one, cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5)).Build();
        using var second = provider.AsBuilder().UseCostCache(two, cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5)).Build();
        await first.GetResponseAsync("Hello");
        await one.FlushAsync();
        await second.GetResponseAsync("Hello");
        _clock.Advance(TimeSpan.FromHours(6));

        await RenewedAsync(first);
        await one.FlushAsync();
        await RenewedAsync(second);

        Assert.Equal(2, provider.Calls.Count);

        static async Task RenewedAsync(IChatClient client)
        {
            for (var i = 0; i < 6_000 && (await client.GetResponseAsync("Hello")).Text == "answer 1"; i++)
                await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }

    [Fact]
    public async Task A_renewal_asks_what_was_asked_whatever_becomes_of_the_callers_messages()
    {
        await using var pipeline = Open(cache => (cache.TimeToLive, cache.RefreshAhead) = (TimeSpan.FromHours(10), 0.5));
        var gate = new TaskCompletionSource();
        List<ChatMessage> messages = [new(ChatRole.User, [new TextContent("Hello")])];
        await pipeline.Client.GetResponseAsync(messages);
        _clock.Advance(TimeSpan.FromHours(6));
        var asked = new TaskCompletionSource<string>();
        pipeline.Provider.Answer = async (sent, options, _) =>
        {
            await gate.Task;
            asked.SetResult(string.Concat(sent.Select(message => message.Text)));
            return pipeline.Provider.DefaultAnswer(options, "renewed");
        };
        await pipeline.Client.GetResponseAsync(messages);
        messages[0].Contents.Add(new TextContent(", and what else?"));
        gate.SetResult();

        Assert.Equal("Hello", await asked.Task.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task An_error_that_would_repeat_is_remembered_for_a_while_and_says_so()
    {
        await using var pipeline = Open(cache => cache.RememberErrorsFor = TimeSpan.FromMinutes(1));
        Break(pipeline, new HttpRequestException("no such model", null, HttpStatusCode.NotFound));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(pipeline));

        var remembered = await Assert.ThrowsAsync<RememberedErrorException>(() => AskAsync(pipeline, streamed: true));
        Assert.Equal(_clock.GetUtcNow().AddMinutes(1), remembered.Until);
        Assert.IsType<HttpRequestException>(remembered.InnerException);
        Assert.Single(pipeline.Provider.Calls);

        pipeline.Provider.Answer = null;
        Assert.Equal("answer 2", (await AskAsync(pipeline, options: new ChatOptions().WithCache(c => c.Refresh()))).Text);
        Assert.Equal("answer 2", (await AskAsync(pipeline)).Text);
    }

    [Fact]
    public async Task A_provider_that_is_too_busy_is_left_alone_only_as_long_as_it_asked_for()
    {
        await using var pipeline = Open(cache => cache.RememberErrorsFor = TimeSpan.FromMinutes(10));
        var busy = new HttpRequestException("busy", null, HttpStatusCode.TooManyRequests);
        Break(pipeline, busy);
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(pipeline));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(pipeline));
        busy.Data["Retry-After"] = "20";
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(pipeline));

        await Assert.ThrowsAsync<RememberedErrorException>(() => AskAsync(pipeline));
        _clock.Advance(TimeSpan.FromSeconds(21));
        pipeline.Provider.Answer = null;
        Assert.Equal("answer 4", (await AskAsync(pipeline)).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Why_the_cache_was_bypassed_travels_with_the_cost(bool streamed)
    {
        await using var pipeline = Open(cache => cache.ShouldCache = (messages, _) => !messages[0].Text.Contains("secret", StringComparison.Ordinal));

        Assert.Null((await AskAsync(pipeline, streamed)).GetCost().CacheBypassReason);
        Assert.Null((await AskAsync(pipeline, streamed)).GetCost().CacheBypassReason);
        Assert.Equal("the application keeps the question away from the cache", (await AskAsync(pipeline, streamed, "a secret")).GetCost().CacheBypassReason);
        Assert.Equal("the call bypasses the cache", (await AskAsync(pipeline, streamed, "other", new ChatOptions().WithCache(c => c.Bypass()))).GetCost().CacheBypassReason);
        Assert.Equal("the call stores nothing", (await AskAsync(pipeline, streamed, "third", new ChatOptions().WithCache(c => c.NoStore()))).GetCost().CacheBypassReason);
        var cost = (await AskAsync(pipeline, streamed, "a secret")).GetCost();
        Assert.Equal((CostCertainty.Known, Money.FromUsd(0.00045m)), (cost.Certainty, cost.Amount));
    }

    public static TheoryData<string, bool> Unfit()
    {
        var data = new TheoryData<string, bool>();
        foreach (var streamed in new[] { false, true })
        {
            foreach (var name in new[] { "length", "content_filter", "tool_calls", "none", "empty", "error", "refused" })
                data.Add(name, streamed);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task An_answer_that_must_not_be_stored_is_asked_for_again_and_says_why(string name, bool streamed)
    {
        await using var pipeline = Open(cache => cache.ShouldStore = name == "refused" ? _ => false : null);
        pipeline.Provider.Answer = (_, options, number) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, name == "empty" ? " " : $"answer {number}");
            response.FinishReason = name switch { "length" => ChatFinishReason.Length, "content_filter" => ChatFinishReason.ContentFilter, "tool_calls" => ChatFinishReason.ToolCalls, "none" => null, _ => ChatFinishReason.Stop };
            if (name == "error")
                response.Messages[0].Contents.Add(new ErrorContent("no"));

            return Task.FromResult(response);
        };

        var first = await AskAsync(pipeline, streamed);
        await AskAsync(pipeline, streamed);

        Assert.NotNull(first.GetCost().CacheBypassReason);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Filtered_answers_are_stored_on_request()
    {
        await using var pipeline = Open(cache => cache.StoreRefusals = true);
        pipeline.Provider.Answer = (_, options, _) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, "I cannot help with that.");
            response.FinishReason = ChatFinishReason.ContentFilter;
            return Task.FromResult(response);
        };
        await AskAsync(pipeline);
        Assert.Equal(ChatFinishReason.ContentFilter, (await AskAsync(pipeline)).FinishReason);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(366 * 24)]
    public async Task No_clock_that_jumps_makes_an_answer_immortal(int hours)
    {
        await using var fixture = new CacheFixture(time: _clock);
        fixture.Cache.Store(fixture.Plan("Q", new ChatOptions().WithCache(c => c.TimeToLive(TimeSpan.FromDays(9_999)))), CacheFixture.Answer(), CacheFixture.Cost);
        var other = new FakeTimeProvider(_clock.GetUtcNow().AddHours(hours));
        var stored = StoredAnswer.TryCopy(CacheFixture.Answer(), fixture.Plan("Q"), CacheFixture.Cost, _clock.GetUtcNow())!;

        Assert.False(stored.IsFresh(other.GetUtcNow()));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q")));
        if (hours > 0)
        {
            _clock.Advance(TimeSpan.FromHours(hours));
            Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
        }
    }

    [Fact]
    public void What_makes_no_sense_is_refused_where_it_is_said()
    {
        using var costs = LlmCosts.Open(o => o.HomeDirectory = Directory.CreateTempSubdirectory("llmcostcache-").FullName);
        using var client = new CostCachingChatClient(new FakeChatClient(), costs);

        Assert.Throws<ArgumentOutOfRangeException>(() => client.RefreshAhead = 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.RefreshAhead = double.NaN);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.ReplayPace = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.ServeStaleFor = TimeSpan.FromSeconds(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => client.SlidingExpiration = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.RememberErrorsFor = TimeSpan.FromHours(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => client.ModelTimeToLive = new Dictionary<string, TimeSpan> { ["m"] = TimeSpan.Zero });
    }
}
