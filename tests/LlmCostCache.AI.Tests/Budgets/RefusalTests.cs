using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>When a budget refuses, when it must not, and what it says.</summary>
public class RefusalTests
{
    private static readonly DateTimeOffset s_start = new(2026, 8, 22, 12, 59, 30, TimeSpan.Zero);

    // Only so that a call that waits in vain fails and does not hang.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_time_of_the_next_period_reads_the_same_in_every_culture()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = new FakeTimeProvider(s_start);
            o.Budgets.Add(Budget.Hourly(0.0001m));
        });
        var strange = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        strange.DateTimeFormat.TimeSeparator = "h";
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = strange;
        try
        {
            var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
            Assert.EndsWith("The next period begins at 2026-08-22 13:00 UTC.", refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public async Task A_call_that_no_period_can_hold_is_not_told_to_try_again()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m)));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Null(refusal.RetryAfter);
    }

    [Fact]
    public async Task A_call_that_the_next_period_can_hold_is_told_when_that_begins()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = new FakeTimeProvider(s_start);
            o.Budgets.Add(Budget.Hourly(0.0006m));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello again"));
        Assert.Equal(TimeSpan.FromSeconds(30), refusal.RetryAfter);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_waits_for_one_budget_while_another_has_nothing_left_and_does_not_wait(bool waitingFirst)
    {
        Budget[] budgets = [Budget.Daily(0.0006m), Budget.Hourly(0.0006m).WaitFor(TimeSpan.FromMinutes(1))];
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = new FakeTimeProvider(s_start);
            foreach (var budget in waitingFirst ? budgets.Reverse() : budgets)
            {
                o.Budgets.Add(budget);
            }
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello again").WaitAsync(s_patience));
        Assert.Equal("day", refusal.Budget!.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_waits_for_one_budget_while_another_waits_too_briefly_for_its_own_period(bool briefFirst)
    {
        Budget[] budgets = [Budget.Daily(0.0006m).WaitFor(TimeSpan.FromMinutes(2)), Budget.Hourly(0.0006m).WaitFor(TimeSpan.FromMinutes(1))];
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = new FakeTimeProvider(s_start);
            foreach (var budget in briefFirst ? budgets : budgets.Reverse())
            {
                o.Budgets.Add(budget);
            }
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello again").WaitAsync(s_patience));
        Assert.Equal("day", refusal.Budget!.Name);
    }

    [Fact]
    public async Task A_model_that_costs_nothing_fits_a_budget_that_was_exceeded()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Prices.Add(new ModelPrice("local") { InputPerMillion = 0m, OutputPerMillion = 0m });
            o.Budgets.Add(Budget.Daily(10m));
        });
        await pipeline.Client.GetResponseAsync("one");
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(0.0001m).FallBackTo("local"));

        await pipeline.Client.GetResponseAsync("two");

        Assert.Equal("local", pipeline.Provider.Calls[1].Options!.ModelId);
        Assert.True((await pipeline.Costs.CheckBudgetsAsync(Money.Zero)).IsAllowed);
    }

    [Fact]
    public async Task A_model_that_costs_nothing_still_counts_as_a_request_when_money_was_exceeded()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Prices.Add(new ModelPrice("local") { InputPerMillion = 0m, OutputPerMillion = 0m });
            o.Budgets.Add(Budget.Daily(10m));
            o.Budgets.Add(Budget.Daily(BudgetAmount.Requests(1)));
        });
        await pipeline.Client.GetResponseAsync("one");
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(0.0001m));

        var refusal = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two", new ChatOptions { ModelId = "local" }));
        Assert.Equal(BudgetUnit.Requests, refusal.Budget!.Unit);
    }

    [Fact]
    public async Task A_strict_limit_set_at_run_time_is_seen_by_calls_whose_price_is_not_known()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m).Warn()), provider: new FakeChatClient("nobody-prices-this"));
        await pipeline.Client.GetResponseAsync("one");

        await using var other = pipeline.OpenAnother();
        await other.Limits.SetAsync(Budget.Monthly(1m));

        await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_call_that_no_budget_can_bound_is_not_told_to_try_a_balanced_one_which_cannot_either()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Prices.Add(new ModelPrice("my-finetune") { InputPerMillion = 1m, OutputPerMillion = 2m });
            o.Budgets.Add(Budget.Daily(1m).Balanced());
        }, provider: new FakeChatClient("my-finetune"));
        var refusal = await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { RawRepresentationFactory = _ => null }));
        Assert.DoesNotContain(".Balanced()", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fallback_without_a_price_is_passed_over()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.002m).FallBackTo("nobody-prices-this", "gpt-4o-mini")), provider: new FakeChatClient("gpt-4-turbo"));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("gpt-4o-mini", Assert.Single(pipeline.Provider.Calls).Options!.ModelId);
    }

    [Fact]
    public async Task A_refusal_whose_fallback_has_no_price_names_the_budget_and_the_fallback()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).FallBackTo("nobody-prices-this")));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));

        Assert.Contains("'nobody-prices-this'", refusal.Message, StringComparison.Ordinal);
        Assert.IsType<UnknownPriceException>(refusal.InnerException);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Blocked, "gpt-4o-mini"), (row.Status, row.RequestedModel));
    }

    [Fact]
    public async Task A_spent_rolling_budget_is_found_although_the_clock_goes_on_meanwhile()
    {
        var clock = new FakeTimeProvider(s_start);
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Rolling(10m, TimeSpan.FromMinutes(1)));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Costs.Limits.SetAsync(Budget.Rolling(0.0001m, TimeSpan.FromMinutes(1)));

        // A slice of this span is a second long.
        clock.AutoAdvanceAmount = TimeSpan.FromSeconds(1.5);
        Assert.NotNull(await pipeline.Costs.Budgets.FindSpentAsync(Demand("gpt-4o-mini"), default, default));
    }

    [Fact]
    public async Task A_free_call_is_not_found_spent_because_another_budget_counts_requests()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Prices.Add(new ModelPrice("local") { InputPerMillion = 0m, OutputPerMillion = 0m });
            o.Budgets.Add(Budget.Daily(0m));
            o.Budgets.Add(Budget.Daily(BudgetAmount.Requests(5)));
        });
        Assert.Null(await pipeline.Costs.Budgets.FindSpentAsync(Demand("local"), default, default));
    }

    [Fact]
    public async Task A_spent_budget_that_was_forgotten_is_still_found_by_the_application_that_gives_it()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0005m)));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Costs.RecordAsync(new UsageRecord { Id = "more", At = DateTimeOffset.UtcNow, Cost = CallCost.Known(Money.FromUsd(0.0001m)) });
        await pipeline.Costs.Limits.ForgetAsync(Budget.Daily(0.0005m));

        Assert.IsType<BudgetExceededException>(await pipeline.Costs.Budgets.FindSpentAsync(Demand("gpt-4o-mini"), default, default));
        Assert.False((await pipeline.Costs.CheckBudgetsAsync(Money.FromUsd(0.0001m))).IsAllowed);
        Assert.Equal(Money.FromUsd(0.00055m), Assert.Single(await pipeline.Costs.GetBudgetStatusAsync()).Spent.Money);
        Assert.Empty(await pipeline.Costs.Limits.ListAsync());
    }

    [Fact]
    public async Task A_name_with_an_asterisk_in_it_is_no_template()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m).ForUser("a*b")));
        Assert.Equal("", Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Window.Key);
    }

    private static BudgetDemand Demand(string model) => new()
    {
        CallId = CallToken.NewId(),
        Operation = "chat",
        Attribution = Attribution.None,
        Client = new ClientIdentity(null, null, null, false),
        Model = model,
        Size = RequestSize.Of([new ChatMessage(ChatRole.User, "Hello")], null),
    };
}
