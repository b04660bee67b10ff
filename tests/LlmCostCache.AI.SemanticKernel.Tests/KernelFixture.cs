using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI.SemanticKernel.Tests;

/// <summary>A temporary home and a kernel over a provider that answers as it is told.</summary>
internal sealed class KernelFixture : IAsyncDisposable
{
    // gpt-4o-mini: $0.15 in, $0.60 out per million; 1,000 in and 500 out.
    public static readonly Money Price = Money.FromUsd(0.00045m);

    private readonly TempHome _home;
    private readonly bool _ownsHome;

    public KernelFixture(Action<LlmCostsOptions>? configure = null, Action<IKernelBuilder, KernelFixture>? services = null, Action<LlmCostFilterOptions>? filters = null,
        TempHome? home = null)
    {
        (_home, _ownsHome) = (home ?? new TempHome(), home is null);
        Costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            configure?.Invoke(o);
        });
        var builder = Kernel.CreateBuilder();
        (services ?? Plain)(builder, this);
        builder.AddLlmCostFilters(Costs, filters);
        Kernel = builder.Build();
    }

    public FakeChatClient Provider { get; } = new();

    public ScriptedOpenAI OpenAI { get; } = new();

    public LlmCosts Costs { get; }

    public Kernel Kernel { get; }

    /// <summary>The provider as the kernel's chat client, with nothing of ours around it.</summary>
    public static void Plain(IKernelBuilder builder, KernelFixture fixture) =>
        builder.Services.AddSingleton<IChatClient>(fixture.Provider.AsBuilder().UseKernelFunctionInvocation().Build());

    /// <summary>The provider as the kernel's chat client, metered further in.</summary>
    public static void Metered(IKernelBuilder builder, KernelFixture fixture) =>
        builder.Services.AddSingleton<IChatClient>(fixture.Provider.AsBuilder().UseKernelFunctionInvocation().UseCostCache(fixture.Costs).UseBudget(fixture.Costs).Build());

    public static void PlainService(IKernelBuilder builder, KernelFixture fixture) =>
        builder.Services.AddSingleton<IChatCompletionService>(fixture.Provider.AsBuilder().UseKernelFunctionInvocation().Build().AsChatCompletionService());

    public static void MeteredService(IKernelBuilder builder, KernelFixture fixture) => builder.Services.AddSingleton<IChatCompletionService>(
        fixture.Provider.AsBuilder().UseKernelFunctionInvocation().UseUsageMetering(fixture.Costs).Build().AsChatCompletionService());

    /// <summary>The real connector over scripted HTTP.</summary>
    public static void Connector(IKernelBuilder builder, KernelFixture fixture) =>
        builder.AddOpenAIChatCompletion("gpt-4o-mini", "key", httpClient: new HttpClient(fixture.OpenAI));

    /// <summary>The provider's own client over scripted HTTP, with nothing of ours around it.</summary>
    public static void OpenAIClient(IKernelBuilder builder, KernelFixture fixture) =>
        builder.AddOpenAIChatClient("gpt-4o-mini", "key", httpClient: new HttpClient(fixture.OpenAI));

    /// <summary>Adds a prompt function to the plugin <c>Writer</c>.</summary>
    public KernelFunction AddPrompt(string name, string template, PromptExecutionSettings? settings = null) =>
        Kernel.ImportPluginFromFunctions(Kernel.Plugins.Contains("Writer") ? $"Writer{Kernel.Plugins.Count}" : "Writer",
            [KernelFunctionFactory.CreateFromPrompt(template, settings, name)])[name];

    /// <summary>Adds a native function to a plugin of its own.</summary>
    public KernelFunction AddNative(string plugin, string name, Delegate function) =>
        Kernel.ImportPluginFromFunctions(plugin, [KernelFunctionFactory.CreateFromMethod(function, name)])[name];

    /// <summary>The provider asks for functions in all rounds but the last.</summary>
    public void CallFunctions(int rounds, string name)
    {
        Provider.Answer = (_, options, number) =>
        {
            var response = Provider.DefaultAnswer(options, "done");
            if (number < rounds)
            {
                response.Messages = [new ChatMessage(ChatRole.Assistant, [new Microsoft.Extensions.AI.FunctionCallContent($"c{number}", name)])];
                response.FinishReason = ChatFinishReason.ToolCalls;
            }

            return Task.FromResult(response);
        };
    }

    public static KernelArguments Auto() => new(new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() });

    /// <summary>What is in the ledger, everything queued included.</summary>
    public async Task<List<UsageRecord>> RowsAsync()
    {
        await Costs.FlushAsync();
        return await Costs.Store.ReadAsync(LedgerFilter.All).ToListAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Costs.DisposeAsync();
        OpenAI.Dispose();
        if (_ownsHome)
            _home.Dispose();
    }
}
