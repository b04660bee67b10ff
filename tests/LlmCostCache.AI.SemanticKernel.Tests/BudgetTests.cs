using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI.SemanticKernel.Tests;

public class BudgetTests
{
    [Theory]
    [MemberData(nameof(MeteringTests.Kernels), MemberType = typeof(MeteringTests))]
    public async Task A_prompt_function_is_refused_when_nothing_is_left(string kernel)
    {
        await using var fixture = MeteringTests.Over(kernel, Spendable(0.0001m));
        var haiku = fixture.AddPrompt("haiku", "Write about {{$topic}}");
        if (kernel != "metered client")
        {
            await fixture.Kernel.InvokeAsync(haiku, new() { ["topic"] = "rain" });
        }

        var asked = fixture.Provider.Calls.Count + fixture.OpenAI.Requests;
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => fixture.Kernel.InvokeAsync(haiku, new() { ["topic"] = "snow" }));

        Assert.Equal("test", refusal.Budget!.Name);
        Assert.Equal(asked, fixture.Provider.Calls.Count + fixture.OpenAI.Requests);
        var blocked = Assert.Single(await fixture.RowsAsync(), row => row.Status == CallStatus.Blocked);
        Assert.Equal("Writer.haiku", blocked.Attribution.Feature);
    }

    [Fact]
    public async Task A_refusal_of_the_filters_is_noticed_once_in_a_period_as_every_refusal_is()
    {
        var told = new List<BudgetNotice>();
        await using var fixture = MeteringTests.Over("connector", o =>
        {
            o.Budgets.Add(Budget.Monthly(0.0001m).NotifyAt());
            o.OnBudgetNotice(told.Add);
        });
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        await Assert.ThrowsAsync<BudgetExceededException>(() => fixture.Kernel.InvokeAsync(haiku));
        await Assert.ThrowsAsync<BudgetExceededException>(() => fixture.Kernel.InvokeAsync(haiku));
        await fixture.Costs.FlushAsync();

        Assert.Equal(BudgetNoticeKind.Refusal, Assert.Single(told).Kind);
    }

    [Fact]
    public async Task A_streamed_function_is_refused_before_its_first_piece()
    {
        await using var fixture = MeteringTests.Over("connector", Spendable(0.0001m));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        await Assert.ThrowsAsync<BudgetExceededException>(async () => await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync());

        Assert.Equal(1, fixture.OpenAI.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_runaway_loop_ends_when_the_budget_is_spent(bool streamed)
    {
        // Three rounds cost 0.0010107.
        await using var fixture = MeteringTests.Over("connector", Spendable(0.001m));
        var called = 0;
        fixture.AddNative("Clock", "now", () => $"{++called}");
        fixture.OpenAI.FunctionRounds = 1_000;
        fixture.OpenAI.CallsPerRound = 2;
        var ask = fixture.AddPrompt("ask", "What time is it?", MeteringTests.Settings());
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(async () =>
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

        Assert.Equal(ScriptedOpenAI.Price * 3, refusal.Spent);
        Assert.Equal(3, fixture.OpenAI.Requests);
        Assert.Equal(4, called);
        var rows = await fixture.RowsAsync();
        Assert.Equal(3, rows.Count(row => row.Status == CallStatus.Ok));
        Assert.Equal(1, rows.Count(row => row.Status == CallStatus.Blocked));
        Assert.Equal(4, rows.Count);
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("plain service")]
    public async Task A_streamed_loop_below_the_kernel_ends_too(string kernel)
    {
        await using var fixture = MeteringTests.Over(kernel, Spendable(0.001m));
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.CallFunctions(1_000, "Clock_now");
        var ask = fixture.AddPrompt("ask", "What time is it?", MeteringTests.Settings());
        await Assert.ThrowsAsync<BudgetExceededException>(async () => await fixture.Kernel.InvokeStreamingAsync(ask).ToListAsync());

        Assert.Equal(3, fixture.Provider.Calls.Count);
        Assert.Equal(3, (await fixture.RowsAsync()).Count(row => row.Status == CallStatus.Ok));
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("plain service")]
    [InlineData("connector")]
    public async Task A_function_that_is_refused_inside_a_loop_ends_it_and_the_outermost_function_throws(string kernel)
    {
        await using var fixture = MeteringTests.Over(kernel, o => o.Budgets.Add(Budget.Total(0m).ForFeature("Inner.paint")));
        var paint = fixture.Kernel.ImportPluginFromFunctions("Inner", [KernelFunctionFactory.CreateFromPrompt("Name a colour", functionName: "paint")])["paint"];
        fixture.CallFunctions(1_000, "Inner_paint");
        fixture.OpenAI.FunctionRounds = 1_000;
        fixture.OpenAI.Function = "Inner-paint";
        var ask = fixture.AddPrompt("ask", "What colour?", MeteringTests.Settings());
        await Assert.ThrowsAsync<BudgetExceededException>(() => fixture.Kernel.InvokeAsync(ask));

        Assert.Equal(1, fixture.Provider.Calls.Count + fixture.OpenAI.Requests);
        var rows = await fixture.RowsAsync();
        Assert.Equal(["Writer.ask"], rows.Where(row => row.Status == CallStatus.Ok).Select(row => row.Attribution.Feature));
        Assert.Equal([paint.PluginName + ".paint"], rows.Where(row => row.Status == CallStatus.Blocked).Select(row => row.Attribution.Feature));
        Assert.Equal(2, rows.Count);
    }

    [Fact]
    public async Task A_native_function_that_copes_with_a_refusal_is_left_alone()
    {
        await using var fixture = MeteringTests.Over("connector", o => o.Budgets.Add(Budget.Total(0m).ForFeature("Inner.paint")));
        var paint = fixture.Kernel.ImportPluginFromFunctions("Inner", [KernelFunctionFactory.CreateFromPrompt("Name a colour", functionName: "paint")])["paint"];
        fixture.AddNative("Clock", "now", async (Kernel kernel) =>
        {
            try
            {
                return (await kernel.InvokeAsync(paint)).ToString();
            }
            catch (BudgetExceededException)
            {
                return "grey";
            }
        });
        fixture.OpenAI.FunctionRounds = 1;
        Assert.Equal("noon", (await fixture.Kernel.InvokeAsync(fixture.AddPrompt("ask", "What colour?", MeteringTests.Settings()))).ToString());
    }

    [Fact]
    public async Task A_warning_budget_and_a_free_model_let_everything_pass()
    {
        await using var fixture = MeteringTests.Over("connector", o => o.Budgets.Add(Budget.Total(0m).Warn()));
        await fixture.Kernel.InvokePromptAsync("Hello");

        await using var free = MeteringTests.Over("plain client", o =>
        {
            o.Budgets.Add(Budget.Total(0m));
            o.Prices.Add(new ModelPrice("gpt-4o-mini") { InputPerMillion = 0m, OutputPerMillion = 0m });
        });
        await free.Kernel.InvokePromptAsync("Hello");
        Assert.Equal(Money.Zero, Assert.Single(await free.RowsAsync()).Cost.Amount);
    }

    [Fact]
    public async Task A_hit_does_not_touch_a_budget()
    {
        await using var fixture = MeteringTests.Over("connector", Spendable(0.0001m), options => options.CacheFunctions.Add("Writer.haiku"));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        Assert.Equal("noon", (await fixture.Kernel.InvokeAsync(haiku)).ToString());
    }

    [Fact]
    public async Task A_function_waits_for_what_other_calls_hold_and_may_still_give_back()
    {
        var budget = Budget.Total(1m).Named("test");
        await using var fixture = MeteringTests.Over("connector", o => o.Budgets.Add(budget));
        var hold = new ReservationRequest
        {
            Record = new UsageRecord { Id = "other", At = DateTimeOffset.UtcNow, Status = CallStatus.Assumed, Cost = CallCost.Between(Money.Zero, Money.FromUsd(1m)) },
            Holds = [new Hold(new BudgetWindow(budget, "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue), Money.FromUsd(1m), true)],
            Timeout = TimeSpan.FromMinutes(10),
        };
        Assert.True((await fixture.Costs.Store.ReserveAsync(hold)).Accepted);
        var asking = fixture.Kernel.InvokePromptAsync("Hello");
        await Task.Delay(100);
        Assert.False(asking.IsCompleted);
        Assert.Equal(0, fixture.OpenAI.Requests);

        await fixture.Costs.Budgets.VoidAsync("other");
        Assert.Equal("noon", (await asking).ToString());
    }

    private static Action<LlmCostsOptions> Spendable(decimal usd) => o => o.Budgets.Add(Budget.Total(usd).Named("test"));
}
