using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using Microsoft.SemanticKernel.TextGeneration;
using TextContent = Microsoft.SemanticKernel.TextContent;

namespace LlmCostCache.AI.SemanticKernel.Tests;

public class MeteringTests
{
    public static TheoryData<string> Kernels => ["plain client", "metered client", "plain service", "metered service", "connector"];

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_prompt_function_is_one_row_filed_under_plugin_and_function(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about {{$topic}}");
        await fixture.Kernel.InvokeAsync(haiku, new() { ["topic"] = "rain" });

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal("Writer.haiku", row.Attribution.Feature);
        Assert.Equal(CallStatus.Ok, row.Status);
        Assert.Equal(CostCertainty.Known, row.Cost.Certainty);
        Assert.Equal(PriceOver(kernel), row.Cost.Amount);
        Assert.Equal("provider", row.UsageSource);
        Assert.False(row.Streamed);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_streamed_prompt_function_is_one_row_too(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync();

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal("Writer.haiku", row.Attribution.Feature);
        Assert.Equal(CallStatus.Ok, row.Status);
        Assert.Equal(PriceOver(kernel), row.Cost.Amount);
        Assert.True(row.Streamed);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_stream_of_text_hides_the_usage_and_is_bounded_unless_it_is_metered_further_in(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var text = string.Concat(await fixture.Kernel.InvokeStreamingAsync<string>(haiku).ToListAsync());

        Assert.NotEmpty(text);
        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal(CallStatus.Ok, row.Status);
        Assert.Equal(kernel.StartsWith("metered", StringComparison.Ordinal) ? CostCertainty.Known : CostCertainty.Bounded, row.Cost.Certainty);
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task An_abandoned_stream_is_recorded_as_incomplete(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await foreach (var _ in fixture.Kernel.InvokeStreamingAsync(haiku))
        {
            break;
        }

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal(CallStatus.Incomplete, row.Status);
        Assert.Equal("Writer.haiku", row.Attribution.Feature);
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_stream_that_nobody_reads_costs_nothing(string kernel)
    {
        await using var fixture = Over(kernel);
        _ = fixture.Kernel.InvokeStreamingAsync(fixture.AddPrompt("haiku", "Write about rain"));

        Assert.Empty(await fixture.RowsAsync());
        Assert.Empty(fixture.Provider.Calls);
    }

    [Theory]
    [InlineData("metered client")]
    [InlineData("metered service")]
    [InlineData("connector")]
    public async Task Every_round_of_automatic_function_calling_is_a_row_and_native_functions_are_none(string kernel)
    {
        await using var fixture = Over(kernel);
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(3, "Clock_now");
        fixture.OpenAI.FunctionRounds = 2;
        fixture.OpenAI.CallsPerRound = 2;
        var ask = fixture.AddPrompt("ask", "What time is it?", Settings());
        await fixture.Kernel.InvokeAsync(ask);

        var rows = await fixture.RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal("Writer.ask", row.Attribution.Feature));
        Assert.All(rows, row => Assert.Equal(PriceOver(kernel), row.Cost.Amount));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task Every_round_of_a_streamed_loop_is_a_row(string kernel)
    {
        await using var fixture = Over(kernel);
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(3, "Clock_now");
        fixture.OpenAI.FunctionRounds = 2;
        fixture.OpenAI.CallsPerRound = 2;
        var ask = fixture.AddPrompt("ask", "What time is it?", Settings());
        await fixture.Kernel.InvokeStreamingAsync(ask).ToListAsync();

        var rows = await fixture.RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal("Writer.ask", row.Attribution.Feature));
        Assert.All(rows, row => Assert.Equal(PriceOver(kernel), row.Cost.Amount));
        Assert.All(rows, row => Assert.True(row.Streamed));
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("plain service")]
    public async Task Rounds_below_the_kernel_show_their_sum_and_are_one_row(string kernel)
    {
        await using var fixture = Over(kernel);
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(3, "Clock_now");
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What time is it?", Settings()));

        Assert.Equal(3, fixture.Provider.Calls.Count);
        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal("aggregated", row.Flags);
        Assert.Equal(3_000, row.Cost.Usage.TotalInputTokens);
        Assert.Equal(KernelFixture.Price * 3, row.Cost.High);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_function_inside_another_function_pays_for_itself(string kernel)
    {
        await using var fixture = Over(kernel);
        var inner = fixture.AddPrompt("inner", "Name a colour");
        fixture.AddNative("Native", "wrap", async (Kernel k) => (await k.InvokeAsync(inner)).ToString());
        var outer = fixture.AddPrompt("outer", "Write about {{Native.wrap}}");
        await fixture.Kernel.InvokeAsync(outer);

        var rows = await fixture.RowsAsync();
        Assert.Equal(["Writer.inner", outer.PluginName + ".outer"], rows.Select(row => row.Attribution.Feature));
        Assert.All(rows, row => Assert.Equal(PriceOver(kernel), row.Cost.Amount));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_prompt_without_a_name_is_filed_under_the_function_that_invokes_it(string kernel)
    {
        await using var fixture = Over(kernel);
        var native = fixture.AddNative("Native", "ask", async (Kernel k) => (await k.InvokePromptAsync("Name a colour")).ToString());
        await fixture.Kernel.InvokeAsync(native);
        await fixture.Kernel.InvokePromptAsync("Name another colour");

        Assert.Equal(["Native.ask", null], (await fixture.RowsAsync()).Select(row => row.Attribution.Feature));
    }

    [Fact]
    public async Task What_a_native_function_asks_a_metered_client_does_not_hide_the_function_that_called_it()
    {
        await using var fixture = Over("connector");
        var metered = fixture.Provider.AsBuilder().UseUsageMetering(fixture.Costs).Build();
        fixture.AddNative("Clock", "now", async () => (await metered.GetResponseAsync("time?")).Text);
        fixture.OpenAI.FunctionRounds = 1;
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What time is it?", Settings()));

        var rows = await fixture.RowsAsync();
        Assert.Equal(["Writer.ask", "Clock.now", "Writer.ask"], rows.Select(row => row.Attribution.Feature));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public async Task A_feature_of_the_application_stays_and_the_scope_around_a_stream_counts(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        using (CostScope.Begin(user: "alice", feature: "chat"))
        {
            await fixture.Kernel.InvokeAsync(haiku);
            await fixture.Kernel.InvokeStreamingAsync(haiku, new() { ["again"] = 1 }).ToListAsync();
        }

        var rows = await fixture.RowsAsync();
        Assert.Equal(2, rows.Count);
        Assert.All(rows, row => Assert.Equal(("alice", "chat"), (row.Attribution.User, row.Attribution.Feature)));
        Assert.Equal(Attribution.None, CostScope.Current);
    }

    [Fact]
    public async Task Cached_and_reasoning_tokens_of_the_connector_are_told_apart()
    {
        await using var fixture = Over("connector");
        await fixture.Kernel.InvokePromptAsync("What time is it?");

        var usage = Assert.Single(await fixture.RowsAsync()).Cost.Usage;
        Assert.Equal((86, 1_920, 290, 10), (usage.UncachedInputTokens, usage.CachedInputTokens, usage.OutputTokens, usage.ReasoningTokens));
    }

    [Theory]
    [InlineData("connector", false)]
    [InlineData("connector", true)]
    [InlineData("chat client", false)]
    [InlineData("chat client", true)]
    public async Task The_tier_that_the_provider_served_decides_the_price(string kernel, bool streamed)
    {
        await using var fixture = new KernelFixture(services: kernel == "connector" ? KernelFixture.Connector : KernelFixture.OpenAIClient);
        fixture.OpenAI.ServiceTier = "priority";
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        if (streamed)
        {
            await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync();
        }
        else
        {
            await fixture.Kernel.InvokeAsync(haiku);
        }

        // 86 × $0.25 + 1,920 × $0.125 + 300 × $1.00, per million.
        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal(("priority", CostCertainty.Known, Money.FromUsd(0.0005615m)), (row.ServiceTier, row.Cost.Certainty, row.Cost.Amount));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_round_of_a_server_that_gives_all_answers_one_id_is_a_row(bool streamed)
    {
        await using var fixture = Over("connector");
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.OpenAI.FunctionRounds = 1;
        fixture.OpenAI.Id = "chatcmpl-0";
        var ask = fixture.AddPrompt("ask", "What time is it?", Settings());
        if (streamed)
        {
            await fixture.Kernel.InvokeStreamingAsync(ask).ToListAsync();
        }
        else
        {
            await fixture.Kernel.InvokeAsync(ask);
        }

        var rows = await fixture.RowsAsync();
        Assert.Equal([ScriptedOpenAI.Price, ScriptedOpenAI.Price], rows.Select(row => row.Cost.Amount!.Value));
    }

    /// <summary>As Azure does: what its filters say of the prompt comes first, before the answer has an id or a model.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_whose_first_piece_has_an_empty_id_is_one_row(bool ofContents)
    {
        await using var fixture = Over("plain client");
        fixture.Provider.Stream = (_, _, _) => new ChatResponseUpdate[]
        {
            new(ChatRole.Assistant, "") { ResponseId = "", ModelId = "" },
            new(ChatRole.Assistant, "Rain") { ResponseId = "r-1", ModelId = "gpt-4o-mini" },
            new() { ResponseId = "r-1", ModelId = "gpt-4o-mini", FinishReason = ChatFinishReason.Stop },
            new() { ResponseId = "r-1", ModelId = "gpt-4o-mini", Contents = [new UsageContent(new() { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 })] },
        }.ToAsyncEnumerable();
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        if (ofContents)
        {
            await fixture.Kernel.InvokeStreamingAsync<StreamingKernelContent>(haiku).ToListAsync();
        }
        else
        {
            await fixture.Kernel.InvokeStreamingAsync<ChatResponseUpdate>(haiku).ToListAsync();
        }

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal((CallStatus.Ok, "gpt-4o-mini", KernelFixture.Price), (row.Status, row.Model, row.Cost.Amount));
    }

    [Fact]
    public async Task A_stream_without_a_single_piece_is_recorded_all_the_same()
    {
        await using var fixture = Over("plain client");
        fixture.Provider.Stream = (_, _, _) => AsyncEnumerable.Empty<ChatResponseUpdate>();
        Assert.Empty(await fixture.Kernel.InvokeStreamingAsync(fixture.AddPrompt("haiku", "Write about rain")).ToListAsync());

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal((CallStatus.Incomplete, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
    }

    [Fact]
    public async Task Without_usage_the_cost_is_bounded_from_the_texts()
    {
        await using var fixture = Over("connector");
        fixture.OpenAI.Usage = null;
        fixture.OpenAI.FunctionRounds = 1;
        fixture.AddNative("Clock", "now", () => "noon");
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What time is it?", Settings()));

        var rows = await fixture.RowsAsync();
        Assert.Equal(2, rows.Count);
        Assert.All(rows, row => Assert.Equal((CostCertainty.Bounded, "estimate"), (row.Cost.Certainty, row.UsageSource)));
        Assert.All(rows, row => Assert.True(row.Cost.High > Money.Zero));
    }

    [Theory]
    [InlineData(HttpStatusCode.Unauthorized, CallStatus.Failed)]
    [InlineData(HttpStatusCode.BadGateway, CallStatus.Assumed)]
    public async Task A_failed_request_is_a_row_that_says_whether_it_may_have_been_billed(HttpStatusCode status, CallStatus expected)
    {
        await using var fixture = Over("connector");
        fixture.OpenAI.Status = status;
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await Assert.ThrowsAsync<HttpOperationException>(() => fixture.Kernel.InvokeAsync(haiku));

        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal(expected, row.Status);
        Assert.Equal("Writer.haiku", row.Attribution.Feature);
    }

    [Theory]
    [InlineData("connector", false)]
    [InlineData("connector", true)]
    [InlineData("plain client", true)]
    public async Task A_later_round_that_fails_is_a_row_too(string kernel, bool streamed)
    {
        await using var fixture = Over(kernel);
        fixture.AddNative("Clock", "now", () =>
        {
            fixture.OpenAI.Status = HttpStatusCode.BadGateway;
            fixture.Provider.Answer = (_, _, _) => throw new HttpRequestException("no", null, HttpStatusCode.BadGateway);
            return "noon";
        });
        fixture.CallFunctions(2, "Clock_now");
        fixture.OpenAI.FunctionRounds = 1;
        var ask = fixture.AddPrompt("ask", "What time is it?", Settings());
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            if (streamed)
            {
                await fixture.Kernel.InvokeStreamingAsync(ask).ToListAsync();
            }
            else
            {
                await fixture.Kernel.InvokeAsync(ask);
            }
        });

        var rows = await fixture.RowsAsync();
        Assert.Equal([CallStatus.Ok, CallStatus.Assumed], rows.Select(row => row.Status));
        Assert.True(rows[1].Cost.High > Money.Zero);
    }

    [Fact]
    public async Task What_turns_the_last_of_several_requests_away_says_nothing_about_those_that_were_answered()
    {
        await using var fixture = Over("plain client");
        fixture.AddNative("Clock", "now", () =>
        {
            fixture.Provider.Answer = (_, _, _) => throw new HttpRequestException("no", null, HttpStatusCode.TooManyRequests);
            return "noon";
        });
        fixture.CallFunctions(2, "Clock_now");
        await Assert.ThrowsAnyAsync<Exception>(() => fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What time is it?", Settings())));

        // The first round was answered and is seen by nobody.
        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal(CallStatus.Assumed, row.Status);
        Assert.True(row.Cost.High > Money.Zero);
    }

    [Fact]
    public async Task A_prompt_that_another_filter_answers_costs_nothing()
    {
        await using var fixture = Over("connector");
        fixture.Kernel.PromptRenderFilters.Add(new AnsweringFilter());
        Assert.Equal("from a filter", (await fixture.Kernel.InvokePromptAsync("Hello")).ToString());

        Assert.Empty(await fixture.RowsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_filter_asks_a_metered_client_while_the_prompt_is_made_does_not_hide_the_function(bool streamed)
    {
        await using var fixture = Over("plain client");
        var metered = new FakeChatClient().AsBuilder().UseUsageMetering(fixture.Costs).Build();
        fixture.Kernel.PromptRenderFilters.Add(new RewritingFilter(metered));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        if (streamed)
        {
            await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync();
        }
        else
        {
            await fixture.Kernel.InvokeAsync(haiku);
        }

        var rows = await fixture.RowsAsync();
        Assert.Equal(["Writer.haiku", "Writer.haiku"], rows.Select(row => row.Attribution.Feature));
        Assert.All(rows, row => Assert.Equal(KernelFixture.Price, row.Cost.Amount));
    }

    [Theory]
    [InlineData("plain service")]
    [InlineData("metered service")]
    [InlineData("connector")]
    public async Task A_service_that_is_asked_directly_shows_only_the_rounds_that_report_usage(string kernel)
    {
        await using var fixture = Over(kernel);
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(2, "Clock_now");
        fixture.OpenAI.FunctionRounds = 1;
        fixture.OpenAI.CallsPerRound = 2;
        var service = fixture.Kernel.GetRequiredService<IChatCompletionService>();
        using (CostScope.Begin(feature: "direct"))
        {
            await service.GetChatMessageContentAsync(new ChatHistory("What time is it?"), Settings(), fixture.Kernel);
        }

        // The metered one counts both rounds by itself; the plain one reports them only to its caller.
        var rows = await fixture.RowsAsync();
        Assert.Equal(kernel switch { "plain service" => 0, "metered service" => 2, _ => 1 }, rows.Count);
        Assert.All(rows, row => Assert.Equal("direct", row.Attribution.Feature));
        Assert.All(rows, row => Assert.Equal(PriceOver(kernel), row.Cost.Amount));
    }

    [Fact]
    public async Task Streams_of_native_functions_keep_their_items_and_their_scope()
    {
        await using var fixture = Over("metered client");
        var client = fixture.Kernel.GetRequiredService<IChatClient>();
        var count = fixture.AddNative("Native", "count", () => Count(client));
        var numbers = await fixture.Kernel.InvokeStreamingAsync<int>(count).ToListAsync();

        Assert.Equal([1, 2], numbers);
        Assert.Equal("Native.count", Assert.Single(await fixture.RowsAsync()).Attribution.Feature);

        static async IAsyncEnumerable<int> Count(IChatClient client)
        {
            yield return 1;
            await client.GetResponseAsync("two?");
            yield return 2;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_service_of_an_unknown_kind_is_metered_by_what_it_reports(bool streamed)
    {
        await using var fixture = new KernelFixture(services: (builder, _) => builder.Services.AddSingleton<ITextGenerationService>(new TextService()));
        var haiku = fixture.AddPrompt("haiku", "Write about rain", new PromptExecutionSettings { ModelId = "gpt-4o-mini" });
        var text = streamed ? string.Concat(await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync()) : (await fixture.Kernel.InvokeAsync(haiku)).ToString();

        Assert.Equal("drops", text);
        var row = Assert.Single(await fixture.RowsAsync());
        Assert.Equal((CallStatus.Ok, KernelFixture.Price), (row.Status, row.Cost.Amount));
    }

    [Theory]
    [InlineData("plain client", 1)]
    [InlineData("connector", 2)]
    public async Task A_selector_of_the_application_is_not_asked_twice_and_nothing_is_counted_twice(string kernel, int rows)
    {
        var selector = new CountingSelector();
        await using var fixture = new KernelFixture(services: (builder, fixture) =>
        {
            builder.Services.AddSingleton<IAIServiceSelector>(selector);
            if (kernel == "connector")
            {
                KernelFixture.Connector(builder, fixture);
            }
            else
            {
                KernelFixture.PlainService(builder, fixture);
            }
        });
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(2, "Clock_now");
        fixture.OpenAI.FunctionRounds = 1;
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What time is it?", Settings()));

        Assert.Equal(1, selector.Asked);
        var found = await fixture.RowsAsync();
        Assert.Equal(rows, found.Count);
        Assert.Equal(PriceOver(kernel) * 2, found.Aggregate(Money.Zero, (sum, row) => sum + row.Cost.High));
    }

    [Fact]
    public async Task After_disposal_nothing_is_asked()
    {
        await using var fixture = Over("connector");
        await fixture.Costs.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => fixture.Kernel.InvokePromptAsync("Hello"));

        Assert.Equal(0, fixture.OpenAI.Requests);
    }

    internal static KernelFixture Over(string kernel, Action<LlmCostsOptions>? configure = null, Action<LlmCostFilterOptions>? filters = null) => new(configure, kernel switch
    {
        "plain client" => KernelFixture.Plain,
        "metered client" => KernelFixture.Metered,
        "plain service" => KernelFixture.PlainService,
        "metered service" => KernelFixture.MeteredService,
        _ => KernelFixture.Connector,
    }, filters);

    internal static Money PriceOver(string kernel) => kernel == "connector" ? ScriptedOpenAI.Price : KernelFixture.Price;

    internal static PromptExecutionSettings Settings() => new() { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

    private sealed class RewritingFilter(IChatClient client) : IPromptRenderFilter
    {
        public async Task OnPromptRenderAsync(PromptRenderContext context, Func<PromptRenderContext, Task> next)
        {
            await next(context);
            context.RenderedPrompt = $"{context.RenderedPrompt} {await client.GetResponseAsync("Rewrite")}";
        }
    }

    private sealed class AnsweringFilter : IPromptRenderFilter
    {
        public async Task OnPromptRenderAsync(PromptRenderContext context, Func<PromptRenderContext, Task> next)
        {
            await next(context);
            context.Result = new FunctionResult(context.Function, "from a filter");
        }
    }
    private sealed class TextService : ITextGenerationService
    {
        private static readonly Dictionary<string, object?> s_metadata = new() { ["Usage"] = new { PromptTokens = 1_000, CompletionTokens = 500 }, ["FinishReason"] = "STOP" };

        public IReadOnlyDictionary<string, object?> Attributes { get; } = new Dictionary<string, object?>();

        public Task<IReadOnlyList<TextContent>> GetTextContentsAsync(string prompt, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default) =>
            Task.FromResult<IReadOnlyList<TextContent>>([new TextContent("drops", metadata: s_metadata)]);

        public async IAsyncEnumerable<StreamingTextContent> GetStreamingTextContentsAsync(string prompt, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return new StreamingTextContent("dro");
            await Task.Yield();
            yield return new StreamingTextContent("ps", metadata: s_metadata);
        }
    }

    private sealed class CountingSelector : IAIServiceSelector
    {
        public int Asked { get; private set; }

        public bool TrySelectAIService<T>(Kernel kernel, KernelFunction function, KernelArguments arguments, [NotNullWhen(true)] out T? service, out PromptExecutionSettings? serviceSettings)
            where T : class, IAIService
        {
            Asked++;
            service = kernel.GetAllServices<T>().FirstOrDefault();
            serviceSettings = function.ExecutionSettings?.Values.FirstOrDefault();
            return service is not null;
        }
    }
}
