using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI.SemanticKernel.Tests;

public class RegistrationTests
{
    [Fact]
    public async Task Filters_added_twice_count_once_and_the_second_time_configures_the_first()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var builder = Kernel.CreateBuilder();
        var provider = new FakeChatClient();
        builder.Services.AddSingleton<IChatClient>(provider);
        builder.AddLlmCostFilters(costs).AddLlmCostFilters(configure: options => options.ShouldCache = _ => true);
        var kernel = builder.Build().AddLlmCostFilters(costs);
        var function = kernel.CreateFunctionFromPrompt("Hello", functionName: "hello");
        await kernel.InvokeAsync(function);
        await kernel.InvokeAsync(function);

        Assert.Single(kernel.FunctionInvocationFilters);
        Assert.Single(kernel.AutoFunctionInvocationFilters);
        Assert.Single(kernel.PromptRenderFilters);
        Assert.Single(provider.Calls);
        await costs.FlushAsync();
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], await costs.Store.ReadAsync(LedgerFilter.All).Select(row => row.Status).ToListAsync());
    }

    [Fact]
    public async Task A_kernel_that_is_built_already_takes_them_too_and_so_do_its_clones()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton<IChatClient>(new FakeChatClient());
        var kernel = builder.Build();
        kernel.AddLlmCostFilters(costs).AddLlmCostFilters(costs);
        await kernel.InvokePromptAsync("Hello");
        await kernel.Clone().InvokePromptAsync("Hello");

        await costs.FlushAsync();
        Assert.Equal(2, await costs.Store.ReadAsync(LedgerFilter.All).CountAsync());
    }

    [Fact]
    public async Task Two_ledgers_for_one_kernel_are_refused()
    {
        using var home = new TempHome();
        using var otherHome = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        await using var other = LlmCosts.Open(o => o.HomeDirectory = otherHome.Path);
        var builder = Kernel.CreateBuilder().AddLlmCostFilters(costs);
        Assert.Throws<InvalidOperationException>(() => builder.AddLlmCostFilters(other));
        Assert.Throws<InvalidOperationException>(() => builder.Build().AddLlmCostFilters(other));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_costs_the_service_provider_or_the_chat_client_says_whose(bool registered)
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path);
        var builder = Kernel.CreateBuilder();
        IChatClient client = new FakeChatClient();
        if (registered)
        {
            builder.Services.AddSingleton(costs);
        }
        else
        {
            client = client.AsBuilder().UseUsageMetering(costs).Build();
        }

        builder.Services.AddSingleton(client);
        builder.AddLlmCostFilters();
        await builder.Build().InvokePromptAsync("Hello");

        await costs.FlushAsync();
        Assert.Equal(1, await costs.Store.ReadAsync(LedgerFilter.All).CountAsync());
    }

    [Fact]
    public async Task An_application_decides_what_its_functions_are_called()
    {
        await using var fixture = MeteringTests.Over("plain client", filters: options => options.Feature = function => function.Name == "hidden" ? null : $"sk/{function.Name}");
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("haiku", "Write about rain"));
        await fixture.Kernel.InvokeAsync(fixture.AddPrompt("hidden", "Write about rain"));

        Assert.Equal(["sk/haiku", null], (await fixture.RowsAsync()).Select(row => row.Attribution.Feature));
    }

    [Fact]
    public void Times_to_live_out_of_bounds_are_refused()
    {
        var options = new LlmCostFilterOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.TimeToLive = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.TimeToLive = TimeSpan.FromDays(366));
        Assert.Throws<ArgumentNullException>(() => ((IKernelBuilder)null!).AddLlmCostFilters());
        Assert.Throws<ArgumentNullException>(() => ((Kernel)null!).AddLlmCostFilters());
    }
}
