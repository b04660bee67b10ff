using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What is tried again, when, and what each try costs.</summary>
public class RetryTests
{
    [Theory]
    [InlineData("retry outside the budget")]
    [InlineData("retry inside the budget")]
    [InlineData("retry inside a meter")]
    public async Task Each_try_is_an_attempt_with_a_row_of_its_own_wherever_the_retry_stands(string order)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => order switch
        {
            "retry outside the budget" => builder.UseRetry(costs, AtOnce).UseBudget(costs),
            "retry inside the budget" => builder.UseBudget(costs).UseRetry(costs, AtOnce),
            _ => builder.UseUsageMetering(costs).UseRetry(costs, AtOnce),
        });
        Fail(pipeline, 2, Status(HttpStatusCode.InternalServerError));
        var response = await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("answer 3", response.Text);
        var rows = (await pipeline.RowsAsync()).OrderBy(row => row.Attempt).ToList();
        Assert.Equal([(1, CallStatus.Assumed), (2, CallStatus.Assumed), (3, CallStatus.Ok)], rows.Select(row => (row.Attempt, row.Status)));
        Assert.Single(rows.Select(row => row.CallId).Distinct());
        Assert.All(rows, row => Assert.True(row.Cost.Amount > Money.Zero));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_budget_is_asked_again_before_each_try(bool retryIsOutside)
    {
        // A try of gpt-4o-mini with 16,384 tokens of answer may cost $0.0099; the provider may have billed each that failed, so the second does not fit any more.
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.015m));
            o.ReservationWait = TimeSpan.Zero;
        }, (builder, costs) => retryIsOutside ? builder.UseRetry(costs, AtOnce).UseBudget(costs) : builder.UseBudget(costs).UseRetry(costs, AtOnce));
        Fail(pipeline, 9, Status(HttpStatusCode.InternalServerError));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 16_000 }));
        Assert.InRange(pipeline.Provider.Calls.Count, 1, 2);
        var rows = await pipeline.RowsAsync();
        Assert.True(rows.Aggregate(Money.Zero, (sum, row) => sum + row.Cost.High) <= Money.FromUsd(0.015m));
    }

    [Fact]
    public async Task What_was_turned_away_unbilled_leaves_nothing_held()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.015m)), (builder, costs) => builder.UseBudget(costs).UseRetry(costs, AtOnce));
        Fail(pipeline, 3, Status(HttpStatusCode.TooManyRequests));
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 16_000 });
        var rows = await pipeline.RowsAsync();
        Assert.Equal([0m, 0m, 0m, 0.00045m], rows.OrderBy(row => row.Attempt).Select(row => row.Cost.Amount!.Value.Usd));
    }

    [Fact]
    public async Task What_is_tried_as_often_as_it_may_be_throws_the_last_failure()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, o => (o.MaxRetries, o.Delay) = (2, TimeSpan.Zero)));
        Fail(pipeline, 9, Status(HttpStatusCode.BadGateway));
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Equal(HttpStatusCode.BadGateway, failure.StatusCode);
        Assert.Equal(3, pipeline.Provider.Calls.Count);
    }

    public static TheoryData<string, Exception, bool> Failures => new()
    {
        { "429", Status(HttpStatusCode.TooManyRequests), true },
        { "408", Status(HttpStatusCode.RequestTimeout), true },
        { "500", Status(HttpStatusCode.InternalServerError), true },
        { "503", Status(HttpStatusCode.ServiceUnavailable), true },
        { "529", Status((HttpStatusCode)529), true },
        { "501", Status(HttpStatusCode.NotImplemented), false },
        { "400", Status(HttpStatusCode.BadRequest), false },
        { "401", Status(HttpStatusCode.Unauthorized), false },
        { "403", Status(HttpStatusCode.Forbidden), false },
        { "404", Status(HttpStatusCode.NotFound), false },
        { "an account without credit", new HttpRequestException("429 (insufficient_quota)", null, HttpStatusCode.TooManyRequests), false },
        { "an SDK's exception", new ClientResultException(new Reply(503, [])), true },
        { "an SDK's refusal", new ClientResultException(new Reply(400, [])), false },
        { "no connection", new HttpRequestException(HttpRequestError.ConnectionError), true },
        { "a certificate", new HttpRequestException(HttpRequestError.SecureConnectionError), false },
        { "a broken connection", new IOException("reset"), true },
        { "a time-out", new TaskCanceledException("timeout", new TimeoutException()), true },
        { "several tries of an SDK", new AggregateException(Status(HttpStatusCode.BadRequest), Status(HttpStatusCode.ServiceUnavailable)), true },
        { "a mistake of ours", new InvalidOperationException("no"), false },
        { "a refused budget", new BudgetExceededException("no"), false },
        { "a refused rate", new QuotaExceededException("no"), false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Only_what_may_succeed_the_next_time_is_tried_again(string what, Exception failure, bool isTriedAgain)
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, AtOnce));
        Fail(pipeline, 1, failure);
        var thrown = await Record.ExceptionAsync(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Equal((what, isTriedAgain ? 2 : 1, isTriedAgain ? null : failure), (what, pipeline.Provider.Calls.Count, thrown));
    }

    [Fact]
    public async Task A_call_that_its_caller_has_cancelled_is_not_tried_again()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, AtOnce));
        using var cancel = new CancellationTokenSource();
        pipeline.Provider.Answer = async (_, _, _) =>
        {
            await cancel.CancelAsync();
            throw new IOException("reset");
        };
        await Assert.ThrowsAnyAsync<Exception>(() => pipeline.Client.GetResponseAsync("Hello", cancellationToken: cancel.Token));
        Assert.Single(pipeline.Provider.Calls);
    }

    [Theory]
    [InlineData("Retry-After", "7", 7_000)]
    [InlineData("retry-after-ms", "1500", 1_500)]
    public async Task The_provider_is_left_alone_for_as_long_as_it_asked(string header, string value, int milliseconds)
    {
        var time = new WatchedClock(BoughtAnswer.Noon);
        await using var pipeline = new Pipeline(o => o.TimeProvider = time, (builder, costs) => builder.UseRetry(costs));
        Fail(pipeline, 1, new ClientResultException(new Reply(429, new() { [header] = value })));
        var call = pipeline.Client.GetResponseAsync("Hello");
        await time.WaitingAsync(TimeSpan.FromMilliseconds(milliseconds));
        time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
        await Task.Delay(20);
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await call;
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    public static TheoryData<object> Patience => new()
    {
        "12.5",
        12.5m,
        TimeSpan.FromSeconds(12.5),
        new DateTimeOffset(2026, 11, 23, 12, 0, 12, 500, TimeSpan.Zero),
    };

    [Theory]
    [MemberData(nameof(Patience))]
    public void How_long_a_provider_asks_for_is_understood_however_it_is_said(object said)
    {
        var failure = new HttpRequestException("busy") { Data = { ["Retry-After"] = said } };
        Assert.Equal(TimeSpan.FromSeconds(12.5), ProviderFailure.RetryAfter(failure, new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void The_header_of_an_HTTP_response_and_whole_seconds_are_understood_too()
    {
        foreach (var said in (object[])[12, 12L, "12", new RetryConditionHeaderValue(TimeSpan.FromSeconds(12)), new RetryConditionHeaderValue(new DateTimeOffset(2026, 11, 23, 12, 0, 12, TimeSpan.Zero))])
        {
            var failure = new HttpRequestException("busy") { Data = { ["Retry-After"] = said } };
            Assert.Equal(TimeSpan.FromSeconds(12), ProviderFailure.RetryAfter(failure, new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero)));
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("soon")]
    [InlineData("1e30")]
    public void What_cannot_be_waited_for_is_not_waited_for(string said)
    {
        var failure = new HttpRequestException("busy") { Data = { ["Retry-After"] = said } };
        Assert.Null(ProviderFailure.RetryAfter(failure, new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public async Task A_provider_that_asks_for_more_patience_than_there_is_is_not_asked_again()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, o => o.MaxRetryAfter = TimeSpan.FromSeconds(10)));
        Fail(pipeline, 1, new ClientResultException(new Reply(429, new() { ["Retry-After"] = "11" })));
        await Assert.ThrowsAsync<ClientResultException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_stream_is_tried_again_until_its_first_piece()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, AtOnce));
        Fail(pipeline, 2, Status(HttpStatusCode.ServiceUnavailable));
        var updates = await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();
        Assert.Equal("answer 3", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal([1, 2, 3], (await pipeline.RowsAsync()).Select(row => row.Attempt).Order());
    }

    [Fact]
    public async Task A_stream_that_breaks_after_a_piece_was_handed_out_is_not_tried_again()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, AtOnce));
        pipeline.Provider.Stream = (_, _, _) => Broken();
        var pieces = new List<string>();
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (var update in pipeline.Client.GetStreamingResponseAsync("Hello"))
            {
                pieces.Add(update.Text);
            }
        });
        Assert.Equal(["one"], pieces);
        Assert.Single(pipeline.Provider.Calls);
        Assert.Single(await pipeline.RowsAsync());

        static async IAsyncEnumerable<ChatResponseUpdate> Broken()
        {
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, "one");
            throw new IOException("reset");
        }
    }

    [Fact]
    public async Task Each_try_takes_a_turn_at_the_rate_limit()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRetry(costs, AtOnce).UseRateLimit(costs, o =>
        {
            o.Limits.Add(RateLimit.Requests(2, TimeSpan.FromDays(1)));
            o.MaxWait = TimeSpan.Zero;
        }));
        Fail(pipeline, 9, Status(HttpStatusCode.ServiceUnavailable));
        await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_hit_is_not_tried_at_all()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs).UseBudget(costs).UseRetry(costs, AtOnce));
        Fail(pipeline, 1, Status(HttpStatusCode.ServiceUnavailable));
        await pipeline.Client.GetResponseAsync("same");
        await pipeline.Client.GetResponseAsync("same");
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Embeddings_are_tried_again_too()
    {
        await using var pipeline = new Pipeline();
        var failing = new FailingGenerator(new FakeEmbeddingGenerator());
        var generator = failing.AsBuilder().UseRetry(pipeline.Costs, AtOnce).Build();
        await generator.GenerateAsync(["one"]);
        Assert.Equal([1, 2], (await pipeline.RowsAsync()).Select(row => row.Attempt).Order());
    }

    [Fact]
    public async Task A_first_wait_longer_than_the_longest_is_refused_at_build()
    {
        await using var pipeline = new Pipeline();
        Assert.Throws<ArgumentException>(() => new FakeChatClient().AsBuilder().UseRetry(pipeline.Costs, o => o.MaxDelay = TimeSpan.FromMilliseconds(1)).Build());
        Assert.Throws<ArgumentException>(() => LlmCosts.Open(o => (o.HomeDirectory, o.Retries.MaxDelay) = (pipeline.Home, TimeSpan.FromMilliseconds(1))));
    }

    private static void AtOnce(RetryOptions options) => options.Delay = TimeSpan.Zero;

    private static HttpRequestException Status(HttpStatusCode status) => new("failed", null, status);

    private static void Fail(Pipeline pipeline, int times, Exception failure) => pipeline.Provider.Answer = (_, options, number) =>
        number <= times ? Task.FromException<ChatResponse>(failure) : Task.FromResult(pipeline.Provider.DefaultAnswer(options, $"answer {number}"));

    private sealed class FailingGenerator(IEmbeddingGenerator<string, Embedding<float>> inner) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
    {
        private int _calls;

        public override Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref _calls) == 1 ? throw Status(HttpStatusCode.ServiceUnavailable) : base.GenerateAsync(values, options, cancellationToken);
    }

    /// <summary>An answer as the SDKs that are built on System.ClientModel show it.</summary>
    private sealed class Reply(int status, Dictionary<string, string> headers) : PipelineResponse
    {
        public override int Status => status;

        public override string ReasonPhrase => "";

        public override Stream? ContentStream { get; set; }

        public override BinaryData Content => BinaryData.FromString("{}");

        protected override PipelineResponseHeaders HeadersCore { get; } = new ReplyHeaders(headers);

        public override BinaryData BufferContent(CancellationToken cancellationToken = default) => Content;

        public override ValueTask<BinaryData> BufferContentAsync(CancellationToken cancellationToken = default) => new(Content);

        public override void Dispose()
        {
        }
    }

    private sealed class ReplyHeaders(Dictionary<string, string> headers) : PipelineResponseHeaders
    {
        public override IEnumerator<KeyValuePair<string, string>> GetEnumerator() => headers.GetEnumerator();

        public override bool TryGetValue(string name, out string? value) => headers.TryGetValue(name, out value);

        public override bool TryGetValues(string name, out IEnumerable<string>? values)
        {
            values = headers.TryGetValue(name, out var value) ? [value] : null;
            return values is not null;
        }
    }
}
