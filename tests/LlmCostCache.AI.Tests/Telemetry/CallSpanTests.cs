using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;
using OpenAI;

namespace LlmCostCache.AI.Tests;

[Collection(TelemetryListeners.Name)]
public sealed class CallSpanTests : IDisposable
{
    private const string StockSource = "Experimental.Microsoft.Extensions.AI";

    private readonly TestMeterFactory _factory = new();
    private readonly CostTelemetry _telemetry;

    public CallSpanTests()
    {
        Activity.Current = null;
        _telemetry = new CostTelemetry(new LlmCostsOptions { MeterFactory = _factory });
    }

    public void Dispose()
    {
        _telemetry.Dispose();
        _factory.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("my.company.chat")]
    public async Task Cost_lands_on_the_chat_span_of_UseOpenTelemetry_whatever_its_source_is_called(string? sourceName)
    {
        using var spans = new SpanRecorder(sourceName ?? StockSource, "LlmCostCache.AI");
        using var client = Metered(sourceName);

        await client.GetResponseAsync("hello", new ChatOptions { ModelId = "gpt-4o-mini" });

        var chat = Assert.Single(spans.Stopped);
        Assert.Equal("chat gpt-4o-mini", chat.DisplayName);
        Assert.Equal(0.0125, chat.GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Equal("USD", chat.GetTagItem("gen_ai.usage.cost.currency"));
        Assert.Equal("local", chat.GetTagItem("gen_ai.usage.cost.source"));
    }

    [Fact]
    public async Task Tokens_that_the_stock_span_states_itself_are_stated_once()
    {
        using var spans = new SpanRecorder(StockSource);
        using var client = Metered(null);

        await client.GetResponseAsync("hello", new ChatOptions { ModelId = "gpt-4o-mini" });

        var tags = Assert.Single(spans.Stopped).TagObjects.Select(tag => tag.Key).ToList();
        Assert.Contains("gen_ai.usage.input_tokens", tags);
        Assert.Equal(tags.Distinct(), tags);
    }

    [Fact]
    public async Task A_stream_left_early_still_puts_its_cost_on_the_chat_span()
    {
        using var spans = new SpanRecorder(StockSource, "LlmCostCache.AI");
        using var client = Metered(null);
        using var request = new Activity("request").Start();

        await foreach (var update in client.GetStreamingResponseAsync("hello", new ChatOptions { ModelId = "gpt-4o-mini" }))
        {
            break;
        }

        var chat = Assert.Single(spans.Stopped);
        Assert.Equal(0.0125, chat.GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Equal(request.TraceId, chat.TraceId);
        Assert.Null(request.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public async Task Embeddings_land_on_the_embeddings_span()
    {
        using var spans = new SpanRecorder(StockSource, "LlmCostCache.AI");
        using var generator = new EmbeddingGeneratorBuilder<string, Embedding<float>>(new Embedder(_telemetry)).UseOpenTelemetry().Build();

        await generator.GenerateAsync(["hello"], new EmbeddingGenerationOptions { ModelId = "text-embedding-3-small" });

        var span = Assert.Single(spans.Stopped);
        Assert.Equal("embeddings text-embedding-3-small", span.DisplayName);
        Assert.Equal(0.0125, span.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Theory]
    [InlineData("orchestrate_tools")]
    [InlineData("execute_tool get_weather")]
    [InlineData("invoke_agent planner")]
    [InlineData("chatter")]
    [InlineData("embeddings text-embedding-3-small")]
    public void A_span_that_is_not_this_call_is_not_written_on(string name)
    {
        using var spans = new SpanRecorder(StockSource);
        using var source = new ActivitySource(StockSource);
        using var outer = source.StartActivity(name, ActivityKind.Client)!;

        using var span = _telemetry.Begin("chat", "gpt-4o-mini");
        _telemetry.Attempt(span, MeteredRow.Priced(1m));

        Assert.DoesNotContain(outer.TagObjects, tag => tag.Key.StartsWith("gen_ai.usage.cost", StringComparison.Ordinal));
        Assert.Equal(outer.SpanId.ToHexString(), span.SpanId);
    }

    [Fact]
    public void Somebodys_own_chat_turn_is_not_taken_for_a_model_call()
    {
        using var turn = new Activity("chat turn").Start();

        _telemetry.Attempt(_telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(1m));

        Assert.Empty(turn.TagObjects);
    }

    [Fact]
    public void A_chat_span_that_is_only_propagated_gives_its_ids_to_the_ledger()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == StockSource,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource(StockSource);
        using var chat = source.StartActivity("chat gpt-4o-mini", ActivityKind.Client)!;
        using var spans = new SpanRecorder("LlmCostCache.AI");

        using (var span = _telemetry.Begin("chat", "gpt-4o-mini"))
        {
            _telemetry.Attempt(span, MeteredRow.Priced(1m));
            Assert.Equal(chat.SpanId.ToHexString(), span.SpanId);
        }

        Assert.Empty(chat.TagObjects);
        Assert.Empty(spans.Stopped);
    }

    [Fact]
    public void A_door_further_in_borrows_our_span_and_leaves_its_end_to_the_outer_door()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");

        using (var outer = _telemetry.Begin("chat", "gpt-4o-mini"))
        {
            using (var inner = _telemetry.Begin("chat", "gpt-4o-mini", outer))
            {
                _telemetry.Attempt(inner, MeteredRow.Priced(0.1m));
                Assert.Equal(outer.SpanId, inner.SpanId);
            }

            Assert.Empty(spans.Stopped);
            _telemetry.Cache(outer, CacheOutcome.Miss, CacheLayer.None, Money.Zero, "chat", "openai", "gpt-4o-mini");
        }

        var own = Assert.Single(spans.Stopped);
        Assert.Equal((0.1, "miss"), (own.GetTagItem("gen_ai.usage.cost.amount"), own.GetTagItem("llmcostcache.cache.result")));
    }

    [Fact]
    public void A_chat_span_between_two_doors_takes_the_cost_of_the_inner_one()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");
        using var outer = _telemetry.Begin("chat", "gpt-4o-mini");
        using var chat = ChatSpan();

        using var inner = _telemetry.Begin("chat", "gpt-4o-mini", outer);
        _telemetry.Attempt(inner, MeteredRow.Priced(0.1m));

        Assert.Equal(0.1, chat.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public void The_operation_tag_is_believed_before_the_name_of_a_span()
    {
        using var spans = new SpanRecorder("vendor");
        using var source = new ActivitySource("vendor");
        using var chat = source.StartActivity("LLM call", ActivityKind.Client, default(ActivityContext), [new("gen_ai.operation.name", "chat")])!;

        _telemetry.Attempt(_telemetry.Begin("chat", null), MeteredRow.Priced(1m));

        Assert.Equal(1d, chat.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public void Attempts_on_one_span_add_up_even_when_their_doors_do_not_know_each_other()
    {
        using var chat = ChatSpan();

        _telemetry.Attempt(_telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(0.1m));
        _telemetry.Attempt(_telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(0.2m));

        Assert.Equal(0.3, chat.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public void One_unknown_attempt_makes_the_sum_on_the_span_unknown()
    {
        using var chat = ChatSpan();
        var span = _telemetry.Begin("chat", "gpt-4o-mini");

        _telemetry.Attempt(span, MeteredRow.Priced(0.1m));
        _telemetry.Attempt(span, MeteredRow.Unpriced());
        _telemetry.Attempt(span, MeteredRow.Priced(0.1m));

        Assert.DoesNotContain(chat.TagObjects, tag => tag.Key.StartsWith("gen_ai.usage.cost", StringComparison.Ordinal));
        Assert.Equal(true, chat.GetTagItem("llmcostcache.unpriced"));
    }

    [Fact]
    public void A_sum_on_a_span_stops_at_the_largest_amount_and_never_throws()
    {
        using var chat = ChatSpan();
        var span = _telemetry.Begin("chat", "gpt-4o-mini");

        _telemetry.Attempt(span, MeteredRow.Of(CallCost.Known(Money.MaxValue)));
        _telemetry.Attempt(span, MeteredRow.Of(CallCost.Known(Money.MaxValue)));

        Assert.Equal((double)Money.MaxValue.Usd, chat.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public void Backends_that_miscount_the_draft_names_get_the_one_they_read()
    {
        using var telemetry = new CostTelemetry(new LlmCostsOptions { MeterFactory = _factory, CostAttributes = CostAttributeNames.GenAiUsageCost });
        using var chat = ChatSpan();

        telemetry.Attempt(telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(0.1m));

        Assert.Equal([KeyValuePair.Create<string, object?>("gen_ai.usage.cost", 0.1)], chat.TagObjects.Where(tag => tag.Key.Contains("cost", StringComparison.Ordinal)
            && !tag.Key.StartsWith("llmcostcache", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("provider", null)]
    [InlineData("estimate", true)]
    [InlineData("tokenizer", true)]
    [InlineData("none", true)]
    public void Counts_that_do_not_come_from_the_provider_are_marked_as_estimated(string usageSource, bool? estimated)
    {
        using var chat = ChatSpan();

        _telemetry.Attempt(_telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(0.1m) with { UsageSource = usageSource });

        Assert.Equal(estimated, chat.GetTagItem("llmcostcache.usage.estimated"));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(100, 0, true)]
    [InlineData(0, 50, false)]
    public void The_providers_own_prompt_cache_is_shown(long read, long written, bool hit)
    {
        using var chat = ChatSpan();

        _telemetry.Attempt(_telemetry.Begin("chat", "gpt-4o-mini"), MeteredRow.Priced(0.1m, new TokenUsage { CachedInputTokens = read, CacheWrite1hTokens = written }));

        Assert.Equal(hit, chat.GetTagItem("llmcostcache.prompt_cache.hit"));
        Assert.Equal(read == 0 ? null : (object)read, chat.GetTagItem("llmcostcache.prompt_cache.read_tokens"));
        Assert.Equal(written == 0 ? null : (object)written, chat.GetTagItem("llmcostcache.prompt_cache.write_tokens"));
    }

    [Fact]
    public void The_cache_and_the_budget_speak_on_the_span()
    {
        using var chat = ChatSpan();
        var span = _telemetry.Begin("chat", "gpt-4o-mini");

        _telemetry.Cache(span, CacheOutcome.Hit, CacheLayer.Disk, Money.FromUsd(0.02m), "chat", "openai", "gpt-4o-mini", null);
        _telemetry.Rejected(span, Budget.Daily(10m).ForUser("alice"));

        Assert.Equal("hit", chat.GetTagItem("llmcostcache.cache.result"));
        Assert.Equal("disk", chat.GetTagItem("llmcostcache.cache.layer"));
        Assert.Equal(0.02, chat.GetTagItem("llmcostcache.cost.saved"));
        Assert.Equal(true, chat.GetTagItem("llmcostcache.budget.rejected"));
        Assert.Equal("day user=*", chat.GetTagItem("llmcostcache.budget.name"));
    }

    [Fact]
    public void A_bypass_says_why_in_a_bounded_text()
    {
        using var chat = ChatSpan();

        _telemetry.Cache(_telemetry.Begin("chat", null), CacheOutcome.Bypass, CacheLayer.None, Money.Zero, "chat", null, null, new string('x', 5_000));

        Assert.Equal("bypass", chat.GetTagItem("llmcostcache.cache.result"));
        Assert.Equal(200, ((string)chat.GetTagItem("llmcostcache.cache.bypass_reason")!).Length);
        Assert.Null(chat.GetTagItem("llmcostcache.cache.layer"));
    }

    [Fact]
    public void Without_a_chat_span_the_call_gets_one_of_ours()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");
        using var request = new Activity("request").Start();

        using (var span = _telemetry.Begin("chat", "gpt-4o-mini"))
        {
            _telemetry.Attempt(span, MeteredRow.Priced(0.5m, new TokenUsage { UncachedInputTokens = 10, CachedInputTokens = 5, OutputTokens = 3, ReasoningTokens = 4 }));
            Assert.Equal(request.TraceId.ToHexString(), span.TraceId);
            Assert.NotEqual(request.SpanId.ToHexString(), span.SpanId);
        }

        var own = Assert.Single(spans.Stopped);
        Assert.Equal("llmcost chat gpt-4o-mini", own.DisplayName);
        Assert.Equal(request.SpanId, own.ParentSpanId);
        Assert.Equal(0.5, own.GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Equal(15L, own.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(7L, own.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Equal("openai", own.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("gpt-4o-mini-2024-07-18", own.GetTagItem("gen_ai.response.model"));
    }

    [Fact]
    public void Our_span_is_never_the_current_one()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");
        using var request = new Activity("request").Start();

        var span = _telemetry.Begin("chat", "gpt-4o-mini");
        Assert.Same(request, Activity.Current);

        using var later = new Activity("later").Start();
        span.End();
        Assert.Same(later, Activity.Current);
    }

    [Fact]
    public void A_failed_call_marks_our_span_as_failed_without_a_cost()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");

        using (var span = _telemetry.Begin("chat", "gpt-4o-mini"))
        {
            _telemetry.Attempt(span, MeteredRow.Priced(0m) with { Status = CallStatus.Failed, Error = "System.TimeoutException" });
        }

        var own = Assert.Single(spans.Stopped);
        Assert.Equal(ActivityStatusCode.Error, own.Status);
        Assert.Equal("System.TimeoutException", own.GetTagItem("error.type"));
        Assert.Null(own.GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public void A_try_that_succeeds_takes_the_failure_of_the_one_before_off_our_span()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");

        using (var span = _telemetry.Begin("chat", "gpt-4o-mini"))
        {
            _telemetry.Attempt(span, MeteredRow.Priced(0m) with { Status = CallStatus.Failed, Error = "System.TimeoutException" });
            _telemetry.Attempt(span, MeteredRow.Priced(0.5m));
        }

        var own = Assert.Single(spans.Stopped);
        Assert.Equal(ActivityStatusCode.Unset, own.Status);
        Assert.Null(own.GetTagItem("error.type"));
    }

    [Fact]
    public void A_span_that_has_stopped_takes_tags_without_harm_and_ends_twice()
    {
        using var spans = new SpanRecorder("LlmCostCache.AI");
        var span = _telemetry.Begin("chat", "gpt-4o-mini");

        span.End();
        _telemetry.Attempt(span, MeteredRow.Priced(0.5m));
        span.End();

        Assert.Single(spans.Stopped);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chat_span_between_the_cache_and_the_meter_has_the_cost_and_alone_states_the_tokens(bool streamed)
    {
        using var spans = new SpanRecorder(TelemetryNames.Source, StockSource);
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs).UseOpenTelemetry().UseUsageMetering(costs));
        _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");

        var own = Assert.Single(spans.Stopped, span => span.Source.Name == TelemetryNames.Source);
        var chat = Assert.Single(spans.Stopped, span => span.Source.Name == StockSource);
        Assert.Equal((null, null, "miss"), (own.GetTagItem(TelemetryNames.InputTokens), own.GetTagItem(TelemetryNames.CostAmount), own.GetTagItem(TelemetryNames.CacheResult)));
        Assert.Equal((1_000, 0.00045), (Convert.ToInt64(chat.GetTagItem(TelemetryNames.InputTokens)), chat.GetTagItem(TelemetryNames.CostAmount)));
        Assert.Equal(chat.SpanId.ToHexString(), Assert.Single(await pipeline.RowsAsync()).SpanId);
    }

    [Fact]
    public void Ending_a_captured_span_leaves_it_to_its_owner()
    {
        using var chat = ChatSpan();

        _telemetry.Begin("chat", "gpt-4o-mini").End();

        Assert.False(chat.IsStopped);
        Assert.Same(chat, Activity.Current);
    }

    [Fact]
    public void Outside_any_trace_there_are_no_ids()
    {
        using var span = _telemetry.Begin("chat", "gpt-4o-mini");

        Assert.Null(span.TraceId);
        Assert.Null(span.SpanId);
        Assert.Null(span.ServiceTier);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_OpenAI_adapter_tells_the_service_tier_through_the_chat_span(bool streamed)
    {
        using var spans = new SpanRecorder(StockSource, "LlmCostCache.AI");
        string? tier = null;
        using var http = new HttpClient(new OpenAIAnswer(streamed));
        using var client = new OpenAIClient(new ApiKeyCredential("key"), new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(http) })
            .GetChatClient("gpt-4o-mini").AsIChatClient().AsBuilder()
            .UseOpenTelemetry()
            .Use(inner => new Probe(inner, _telemetry, span => tier = span.ServiceTier))
            .Build();

        if (streamed)
        {
            await foreach (var update in client.GetStreamingResponseAsync("hello"))
            {
            }
        }
        else
        {
            await client.GetResponseAsync("hello");
        }

        Assert.Equal("flex", tier);
    }

    [Fact]
    public void The_tier_of_an_earlier_attempt_is_not_taken_for_that_of_the_next()
    {
        using var chat = ChatSpan();
        chat.SetTag("openai.response.service_tier", "flex");

        using var span = _telemetry.Begin("chat", "gpt-4o-mini");

        Assert.Null(span.ServiceTier);
    }

    [Fact]
    public async Task Attempts_in_parallel_on_one_span_lose_nothing()
    {
        using var chat = ChatSpan();
        var span = _telemetry.Begin("chat", "gpt-4o-mini");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                _telemetry.Attempt(span, MeteredRow.Priced(0.001m));
            }
        })));

        Assert.Equal(4d, chat.GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Single(chat.TagObjects, tag => tag.Key == "gen_ai.usage.cost.amount");
    }

    private static Activity ChatSpan() => new Activity("chat gpt-4o-mini").SetTag("gen_ai.operation.name", "chat").Start();

    private IChatClient Metered(string? sourceName) => new Probe(new Canned(), _telemetry, _ => { }).AsBuilder().UseOpenTelemetry(sourceName: sourceName).Build();

    /// <summary>A door reduced to what it asks of telemetry.</summary>
    private sealed class Probe(IChatClient inner, CostTelemetry telemetry, Action<CallSpan> after) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            using var span = telemetry.Begin("chat", options?.ModelId);
            var response = await base.GetResponseAsync(messages, options, cancellationToken);
            telemetry.Attempt(span, MeteredRow.Priced(0.0125m));
            after(span);
            return response;
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            using var span = telemetry.Begin("chat", options?.ModelId);
            try
            {
                await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
                {
                    yield return update;
                }
            }
            finally
            {
                telemetry.Attempt(span, MeteredRow.Priced(0.0125m));
                after(span);
            }
        }
    }

    private sealed class Canned : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "hi"))
            {
                Usage = new() { InputTokenCount = 10, CachedInputTokenCount = 4, OutputTokenCount = 5 },
            });

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, "h");
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, "i");
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class Embedder(CostTelemetry telemetry) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            using var span = telemetry.Begin("embeddings", options?.ModelId);
            await Task.Yield();
            telemetry.Attempt(span, MeteredRow.Priced(0.0125m) with { Operation = "embeddings" });
            return new([new Embedding<float>(new float[] { 1 })]);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class OpenAIAnswer(bool streamed) : HttpMessageHandler
    {
        private const string Whole = """
            {"id":"c1","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"flex",
             "choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],
             "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
            """;

        private const string Stream = """
            data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"flex","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}]}

            data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"flex","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

            data: [DONE]


            """;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(streamed ? Stream : Whole, Encoding.UTF8, streamed ? "text/event-stream" : "application/json"),
            });

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            SendAsync(request, cancellationToken).GetAwaiter().GetResult();
    }
}
