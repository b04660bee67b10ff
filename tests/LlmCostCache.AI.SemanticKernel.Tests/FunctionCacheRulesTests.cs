using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI.SemanticKernel.Tests;

/// <summary>The rules of the chat client's cache, through the door of a kernel.</summary>
public class FunctionCacheRulesTests
{
    [Fact]
    public async Task Hits_are_counted_in_the_file()
    {
        using var home = new TempHome();
        await using (var fixture = Cached(home: home))
        {
            var haiku = fixture.AddPrompt("haiku", "Write about rain");
            for (var i = 0; i < 3; i++)
                await fixture.Kernel.InvokeAsync(haiku);
        }

        using var file = CacheFile.TryOpen(home.Path)!;
        var totals = file.Totals(DateTimeOffset.UtcNow);
        Assert.Equal((1, 2, KernelFixture.Price.Nanos * 2), (totals.Entries, totals.Hits, totals.Saved.Nanos));
    }

    [Fact]
    public async Task Clients_that_say_nothing_of_themselves_never_share_an_answer_because_the_same_wrapper_is_around_them()
    {
        using var home = new TempHome();
        await using var one = Nameless(new FirstClient(), home);
        await using var other = Nameless(new SecondClient(), home);

        Assert.Equal("first", (await one.Kernel.InvokeAsync(one.AddPrompt("haiku", "Write about rain"))).ToString());
        await one.Costs.FlushAsync();
        Assert.Equal("second", (await other.Kernel.InvokeAsync(other.AddPrompt("haiku", "Write about rain"))).ToString());
    }

    [Theory]
    [InlineData("<image>https://example.com/door.jpg</image>", 2)]
    [InlineData("<audio> https://example.com/door.mp3</audio>", 2)]
    [InlineData("<image>data:image/png;base64,iVBORw0KGgo=</image>", 1)]
    [InlineData("no picture", 1)]
    public async Task Media_that_is_named_by_its_address_passes_the_cache_by(string media, int asked)
    {
        await using var fixture = Cached();
        var look = fixture.AddPrompt("haiku", $"<message role=\"user\"><text>Who is at the door?</text>{media}</message>");
        await fixture.Kernel.InvokeAsync(look);
        await fixture.Kernel.InvokeAsync(look);

        Assert.Equal(asked, fixture.Provider.Calls.Count);
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("metered service")]
    public async Task A_cheaper_models_answer_is_not_kept_for_the_dearer_ones_question(string kernel)
    {
        await using var fixture = new KernelFixture(
            o => o.Budgets.Add(Budget.Total(0.005m).FallBackTo("gpt-4o-mini")),
            (builder, f) => builder.Services.Add(kernel == "plain client"
                ? Service<IChatClient>(Budgeted(f)) : Service(Budgeted(f).AsChatCompletionService())),
            options => options.CacheFunctions.Add("Writer.haiku"));
        // gpt-4-turbo at $30 per million out: the shortest answer of 256 tokens alone is $0.0077.
        var haiku = fixture.AddPrompt("haiku", "Write about rain", new PromptExecutionSettings { ModelId = "gpt-4-turbo" });
        await fixture.Kernel.InvokeAsync(haiku);
        await fixture.Kernel.InvokeAsync(haiku);

        Assert.Equal(["gpt-4o-mini", "gpt-4o-mini"], fixture.Provider.Calls.Select(call => call.Options!.ModelId));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_function_invoked_after_an_invalidation_does_not_get_the_answer_that_was_under_way_before_it(bool streamed)
    {
        await using var fixture = Cached();
        var old = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Provider.Answer = (_, options, n) => n == 1 ? old.Task : Task.FromResult(fixture.Provider.DefaultAnswer(options, "new"));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var first = fixture.Kernel.InvokeAsync(haiku);
        await fixture.Costs.Cache.ClearAsync();
        var second = streamed ? TextAsync(fixture.Kernel.InvokeStreamingAsync<string>(haiku)) : TextAsync(fixture.Kernel.InvokeAsync(haiku));
        old.SetResult(fixture.Provider.DefaultAnswer(null, "old"));

        Assert.Equal("old", (await first).ToString());
        Assert.Equal("new", await second);
    }

    [Fact]
    public async Task When_the_second_try_fails_too_all_who_wait_hear_of_it()
    {
        await using var fixture = Cached();
        fixture.Provider.Delay = TimeSpan.FromMilliseconds(300);
        fixture.Provider.Answer = (_, _, _) => throw new HttpRequestException("down");
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var answers = Enumerable.Range(0, 8).Select(_ => fixture.Kernel.InvokeAsync(haiku)).ToList();
        await Task.WhenAll(answers.Select(async answer => await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)));

        Assert.All(answers, answer => Assert.True(answer.IsFaulted));
        Assert.InRange(fixture.Provider.Calls.Count, 2, 4);
    }

    [Fact]
    public async Task Two_processes_that_invoke_the_same_function_ask_once()
    {
        using var home = new TempHome();
        await using var one = Cached(home: home);
        await using var two = Cached(home: home);
        var answer = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        one.Provider.Answer = (_, _, _) =>
        {
            asked.SetResult();
            return answer.Task;
        };
        var first = one.Kernel.InvokeAsync(one.AddPrompt("haiku", "Write about rain"));
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var second = two.Kernel.InvokeAsync(two.AddPrompt("haiku", "Write about rain"));
        await Task.Delay(200);
        answer.SetResult(one.Provider.DefaultAnswer(null, "once"));

        Assert.Equal("once", (await first).ToString());
        Assert.Equal("once", (await second).ToString());
        Assert.Empty(two.Provider.Calls);
    }

    [Fact]
    public async Task Whoever_waited_for_an_identical_invocation_is_told_what_that_saved()
    {
        await using var fixture = Cached();
        fixture.Provider.Delay = TimeSpan.FromMilliseconds(200);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var first = fixture.Kernel.InvokeAsync(haiku);
        var second = fixture.Kernel.InvokeAsync(haiku);
        await first;
        var cost = (await second).GetValue<ChatResponse>()!.GetCost();

        Assert.Equal((CacheLayer.Coalesced, Money.Zero, KernelFixture.Price), (cost.CacheLayer, cost.Amount, cost.Saved));
        Assert.Single(fixture.Provider.Calls);
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("metered client")]
    public async Task A_function_that_cannot_be_cached_says_why(string kernel)
    {
        await using var fixture = MeteringTests.Over(kernel, filters: options => options.CacheFunctions.Add("Writer.haiku"));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var whole = (await fixture.Kernel.InvokeAsync(haiku, KernelFixture.Auto())).GetValue<ChatResponse>()!;
        var streamed = (await fixture.Kernel.InvokeStreamingAsync<ChatResponseUpdate>(haiku, KernelFixture.Auto()).ToListAsync()).ToChatResponse();

        Assert.Contains("the model may call functions", whole.GetCost().CacheBypassReason, StringComparison.Ordinal);
        Assert.Contains("the model may call functions", streamed.GetCost().CacheBypassReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_not_stored_says_why()
    {
        await using var fixture = Cached();
        fixture.Provider.Answer = (_, options, _) =>
        {
            var response = fixture.Provider.DefaultAnswer(options, "cut");
            response.FinishReason = ChatFinishReason.Length;
            return Task.FromResult(response);
        };
        var response = (await fixture.Kernel.InvokeAsync(fixture.AddPrompt("haiku", "Write about rain"))).GetValue<ChatResponse>()!;
        Assert.NotNull(response.GetCost().CacheBypassReason);
    }

    [Fact]
    public async Task Tenants_never_share_an_answer_not_even_one_that_is_under_way()
    {
        await using var fixture = Cached();
        fixture.Provider.Delay = TimeSpan.FromMilliseconds(100);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var answers = await Task.WhenAll(AsAsync("a"), AsAsync("b"), AsAsync(null));
        Assert.Equal(3, answers.Distinct().Count());
        Assert.Equal(answers, await Task.WhenAll(AsAsync("a"), AsAsync("b"), AsAsync(null)));
        Assert.Equal(3, fixture.Provider.Calls.Count);

        await fixture.Costs.Cache.InvalidateTenantAsync("a");
        Assert.Equal("answer 4", await AsAsync("a"));
        Assert.Equal(answers[1], await AsAsync("b"));

        async Task<string> AsAsync(string? tenant)
        {
            using var scope = CostScope.Begin(tenant: tenant);
            return (await fixture.Kernel.InvokeAsync(haiku)).ToString();
        }
    }

    private static KernelFixture Cached(TempHome? home = null) => new(filters: options => options.CacheFunctions.Add("Writer.haiku"), home: home);

    /// <summary>Two kernels of one home whose clients have no metadata and the same wrapper around them.</summary>
    private static KernelFixture Nameless(IChatClient client, TempHome home) => new(
        services: (builder, _) => builder.Services.Add(Service<IChatClient>(client.AsBuilder().UseKernelFunctionInvocation().Build())),
        filters: options => options.CacheFunctions.Add("Writer.haiku"),
        home: home);

    private static IChatClient Budgeted(KernelFixture fixture) => fixture.Provider.AsBuilder().UseBudget(fixture.Costs).Build();

    private static Microsoft.Extensions.DependencyInjection.ServiceDescriptor Service<T>(T instance)
        where T : class => Microsoft.Extensions.DependencyInjection.ServiceDescriptor.Singleton(instance);

    private static async Task<string> TextAsync(Task<FunctionResult> result) => (await result).ToString();

    private static async Task<string> TextAsync(IAsyncEnumerable<string> pieces) => string.Concat(await pieces.ToListAsync());

    private abstract class NamelessClient(string answer) : IChatClient
    {
        // Metadata that says nothing, as a client without an address or a name has it.
        private readonly ChatClientMetadata _metadata = new();

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer)) { FinishReason = ChatFinishReason.Stop, ModelId = "gpt-4o-mini", Usage = new() { InputTokenCount = 10, OutputTokenCount = 5 } });

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }
    }

    private sealed class FirstClient() : NamelessClient("first");

    private sealed class SecondClient() : NamelessClient("second");
}
