using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What happens to a call that does not fit.</summary>
public class BudgetActionTests
{
    // What an answer of gpt-4o-mini costs.
    private static readonly Money s_price = Money.FromUsd(0.00045m);

    [Fact]
    public async Task A_chain_of_models_is_tried_until_one_fits_and_the_answer_is_priced_as_its_own()
    {
        // The shortest answer of gpt-4-turbo is $0.0077 and of gpt-4o $0.0026; gpt-4o-mini's is $0.00015.
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.002m).FallBackTo("gpt-4o", "gpt-4o-mini")), provider: new FakeChatClient("gpt-4-turbo"));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal("gpt-4o-mini", Assert.Single(pipeline.Provider.Calls).Options!.ModelId);
        Assert.Contains("'gpt-4o-mini' was asked instead of 'gpt-4-turbo'", response.GetCost().Reason, StringComparison.Ordinal);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(("gpt-4o-mini", s_price), (row.Model, row.Cost.Amount!.Value));
    }

    [Fact]
    public async Task The_first_model_of_the_chain_that_fits_is_taken()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.005m).FallBackTo("gpt-4o", "gpt-4o-mini")), provider: new FakeChatClient("gpt-4-turbo"));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("gpt-4o", pipeline.Provider.Calls[0].Options!.ModelId);
    }

    [Fact]
    public async Task A_fallback_is_checked_against_every_budget_and_the_chain_goes_on_when_another_refuses_it()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.005m).FallBackTo("gpt-4o", "gpt-4o-mini"));
            o.Budgets.Add(Budget.Daily(0m).ForModel("gpt-4o"));
        }, provider: new FakeChatClient("gpt-4-turbo"));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("gpt-4o-mini", Assert.Single(pipeline.Provider.Calls).Options!.ModelId);
    }

    [Fact]
    public async Task The_answer_of_a_fallback_is_never_stored_as_the_answer_of_the_dearer_model()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.004m).FallBackTo("gpt-4o", "gpt-4o-mini")), provider: new FakeChatClient("gpt-4-turbo"));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_chain_in_which_nothing_fits_refuses()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).FallBackTo("gpt-4o", "gpt-4o-mini")), provider: new FakeChatClient("gpt-4-turbo"));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_call_waits_for_the_next_period_when_it_may()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 12, 59, 30, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Hourly(0.0006m).WaitFor(TimeSpan.FromMinutes(1)));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var waiting = pipeline.Client.GetResponseAsync("Hello again");
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(waiting, Task.Delay(1));
        }

        await waiting;
        Assert.True(clock.GetUtcNow() >= new DateTimeOffset(2026, 8, 22, 13, 0, 0, TimeSpan.Zero));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_call_that_waited_into_a_day_with_another_price_is_held_at_that_price()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 23, 59, 30, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            File.WriteAllText(Path.Combine(o.HomeDirectory!, "prices.json"), """
                {"provider":"openai","known_from":"2026-01-15","models":[{"id":"mine","max_output_tokens":1000,"prices":[
                  {"effective_from":"2026-01-01","input":"1","output":"1"},{"effective_from":"2026-08-23","input":"3","output":"3"}]}]}
                """);
            o.Budgets.Add(Budget.Daily(0.0055m).WaitFor(TimeSpan.FromMinutes(1)));
        }, provider: new FakeChatClient("mine") { Usage = new() { InputTokenCount = 5_000, OutputTokenCount = 400, TotalTokenCount = 5_400 } });
        await pipeline.Client.GetResponseAsync("Hello");
        var before = pipeline.Costs.Prices.Ceiling("openai", "mine", clock.GetUtcNow(), 0, 1_000)!.Value;
        var held = Money.Zero;
        pipeline.Provider.Answer = async (_, options, _) =>
        {
            held = Assert.Single(await pipeline.Costs.GetBudgetStatusAsync(projections: false)).Reserved.Money;
            return pipeline.Provider.DefaultAnswer(options, "fine");
        };
        var waiting = pipeline.Client.GetResponseAsync("Hello again");
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(waiting, Task.Delay(1));
        }

        await waiting;
        Assert.InRange(held, before * 3, before * 4);
    }

    [Fact]
    public async Task A_shorter_answer_is_held_in_a_rolling_span_whose_slices_are_shorter_than_the_disk_takes()
    {
        // A second has slices of 17 milliseconds, and here every look at the clock takes ten.
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = new SlowClock();
            o.Budgets.Add(Budget.Rolling(0.005m, TimeSpan.FromSeconds(1)));
        });
        await pipeline.Client.GetResponseAsync("Hello").WaitAsync(TimeSpan.FromMinutes(1));
        Assert.InRange(Assert.Single(pipeline.Provider.Calls).Options!.MaxOutputTokens!.Value, 4_000, 8_400);
    }

    private sealed class SlowClock : TimeProvider
    {
        private long _now = new DateTimeOffset(2026, 8, 22, 12, 0, 0, TimeSpan.Zero).Ticks;

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Add(ref _now, TimeSpan.FromMilliseconds(10).Ticks), TimeSpan.Zero);
    }

    [Fact]
    public async Task A_call_waits_until_spending_leaves_a_rolling_span()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Rolling(0.0006m, TimeSpan.FromMinutes(1)).WaitFor(TimeSpan.FromMinutes(3)));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var waiting = pipeline.Client.GetResponseAsync("Hello again");
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(waiting, Task.Delay(1));
        }

        await waiting;
        Assert.True(clock.GetUtcNow() >= new DateTimeOffset(2026, 8, 22, 12, 1, 0, TimeSpan.Zero));
    }

    [Fact]
    public async Task A_call_whose_period_ends_too_late_is_refused_at_once()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Hourly(0.0006m).WaitFor(TimeSpan.FromMinutes(1)));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello again"));
    }

    [Fact]
    public async Task A_call_that_never_fits_does_not_wait()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 12, 59, 59, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Hourly(0.0001m).WaitFor(TimeSpan.FromHours(1)));
        });
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
    }

    [Fact]
    public async Task A_wait_ends_with_the_call_s_cancellation()
    {
        var clock = new FakeTimeProvider(new(2026, 8, 22, 12, 30, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.Budgets.Add(Budget.Hourly(0.0006m).WaitFor(TimeSpan.FromHours(1)));
        });
        await pipeline.Client.GetResponseAsync("Hello");
        using var cancel = new CancellationTokenSource();
        var waiting = pipeline.Client.GetResponseAsync("Hello again", cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(BudgetAmount.FromUsd(0m), Assert.Single(await pipeline.Costs.GetBudgetStatusAsync()).Reserved);
    }

    [Fact]
    public async Task The_application_is_asked_with_the_quote_and_may_allow_the_call()
    {
        BudgetQuestion? asked = null;
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).Named("tiny").Ask((question, _) =>
        {
            asked = question;
            return new(BudgetAnswer.Allow);
        })));
        using (CostScope.Begin(user: "alice"))
        {
            var response = await pipeline.Client.GetResponseAsync("Hello");
            Assert.Equal("The application let it exceed budget 'tiny'", response.GetCost().Reason);
        }

        Assert.Equal(("tiny", "gpt-4o-mini", "openai", "chat", 1, "alice"), (asked!.Budget.Name, asked.Model, asked.Provider, asked.Operation, asked.Attempt, asked.Attribution.User));
        Assert.Equal((BudgetAmount.FromUsd(0.0001m), BudgetAmount.FromUsd(0m)), (asked.Tally.Limit, asked.Tally.Spent));
        Assert.True(asked.Tally.Requested > asked.Tally.Limit);
        Assert.NotNull(asked.ResetsAt);

        // What was allowed is spent all the same.
        var status = Assert.Single(await pipeline.Costs.GetBudgetStatusAsync());
        Assert.Equal((BudgetAmount.FromMoney(s_price), BudgetAmount.FromUsd(0m)), (status.Spent, status.Reserved));
    }

    [Fact]
    public async Task A_limit_of_each_call_may_be_lifted_too()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0m).Ask((_, _) => new(BudgetAnswer.Allow))));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task What_one_budget_s_owner_allows_another_budget_still_refuses()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.0001m).Named("asks").Ask((_, _) => new(BudgetAnswer.Allow)));
            o.Budgets.Add(Budget.Monthly(0.0001m).Named("refuses"));
        });
        Assert.Equal("refuses", (await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"))).Budget!.Name);
    }

    [Fact]
    public async Task The_application_may_block_the_call()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).FallBackTo("gpt-4.1-nano").Ask((_, _) => new(BudgetAnswer.Block))));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.EndsWith("The application was asked and blocked it.", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task The_application_may_name_another_model_which_is_checked_and_priced_as_itself()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.005m).Ask((question, _) => new(BudgetAnswer.UseModel("gpt-4o-mini")))), provider: new FakeChatClient("gpt-4-turbo"));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.All(pipeline.Provider.Calls, call => Assert.Equal("gpt-4o-mini", call.Options!.ModelId));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal(("gpt-4o-mini", s_price), (row.Model, row.Cost.Amount!.Value)));
    }

    [Fact]
    public async Task A_model_that_was_tried_before_is_not_asked_again()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).Ask((question, _) => new(BudgetAnswer.UseModel("gpt-4o-mini")))));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.EndsWith("The application named 'gpt-4o-mini', which cannot be asked any more.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callback_that_throws_blocks_the_call_and_is_found_inside_the_refusal()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).Ask((_, _) => throw new InvalidOperationException("the password is hunter2"))));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.IsType<InvalidOperationException>(refusal.InnerException);
        Assert.EndsWith("The application was asked about it, but it failed (InvalidOperationException).", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_callback_ends_with_the_call_s_cancellation()
    {
        var entered = new TaskCompletionSource();
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).Ask(async (_, cancellationToken) =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return BudgetAnswer.Allow;
        })));
        using var cancel = new CancellationTokenSource();
        var asking = pipeline.Client.GetResponseAsync("Hello", cancellationToken: cancel.Token);
        await entered.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task The_first_refusal_in_a_period_is_announced_and_no_other()
    {
        var told = new List<BudgetNotice>();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.0001m).Named("tiny"));
            o.OnBudgetNotice(told.Add);
        });
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        }

        await pipeline.Costs.FlushAsync();
        var notice = Assert.Single(told);
        Assert.Equal(BudgetNoticeKind.Refusal, notice.Kind);
        Assert.Contains("'tiny' refuses calls: $0.00 of $0.0001 is spent", notice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Actions_and_thresholds_come_from_configuration()
    {
        var budget = Bound(("FallBackTo", "gpt-4o, gpt-4o-mini"), ("WaitFor", "00:05:00"), ("NotifyAt", "0.75,0.5"));
        Assert.Equal(["gpt-4o", "gpt-4o-mini"], budget.FallbackModels);
        Assert.Equal((TimeSpan.FromMinutes(5), "0.5;0.75"), (budget.LongestWait, budget.AnnouncedAt.Text));
        Assert.Equal(["gpt-4o", "gpt-4o-mini"], Bound(("FallBackTo:0", "gpt-4o"), ("FallBackTo:1", "gpt-4o-mini")).FallbackModels);
        foreach (var (key, value) in ((string, string)[])[("NotifyAt", "80"), ("NotifyAt", "much"), ("WaitFor", "2.00:00:00"), ("WaitFor", "soon"), ("FallBackTo", ",")])
        {
            Assert.Contains($"Budgets:0:{key}", Assert.Throws<OptionsValidationException>(() => Bound((key, value))).Message, StringComparison.Ordinal);
        }

        static Budget Bound(params (string Key, string Value)[] entries)
        {
            (string Key, string Value)[] all = [("Period", "Day"), ("Limit", "1"), .. entries];
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(all.Select(entry => KeyValuePair.Create($"Costs:Budgets:0:{entry.Key}", (string?)entry.Value))).Build();
            var services = new ServiceCollection();
            services.AddLlmCostCache(configuration.GetSection("Costs"));
            using var provider = services.BuildServiceProvider();
            return Assert.Single(provider.GetRequiredService<IOptions<LlmCostsOptions>>().Value.Budgets);
        }
    }

    [Fact]
    public void Bad_arguments_are_refused_at_the_door()
    {
        Assert.Throws<ArgumentException>(() => Budget.Daily(1m).FallBackTo());
        Assert.Throws<ArgumentException>(() => Budget.Daily(1m).FallBackTo("a\nb"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Budget.Daily(1m).WaitFor(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Budget.Daily(1m).WaitFor(TimeSpan.FromDays(2)));
        Assert.Throws<ArgumentNullException>(() => Budget.Daily(1m).Ask(null!));
        Assert.Throws<ArgumentException>(() => BudgetAnswer.UseModel(" "));
    }
}
