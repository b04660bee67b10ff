using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public class BudgetGuardTests
{
    private static readonly Money s_price = Money.FromUsd(0.00045m);

    [Fact]
    public async Task A_call_that_does_not_fit_is_refused_before_anything_is_sent()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m).Named("tiny")));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));

        Assert.Empty(pipeline.Provider.Calls);
        Assert.Equal("tiny", refusal.Budget!.Name);
        Assert.Equal(Money.FromUsd(0.0001m), refusal.Limit);
        Assert.Equal(Money.Zero, refusal.Spent);
        Assert.True(refusal.Requested > refusal.Limit);
        Assert.NotNull(refusal.ResetsAt);
        Assert.Contains("'tiny'", refusal.Message, StringComparison.Ordinal);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(CallStatus.Blocked, row.Status);
        Assert.Equal(Money.Zero, row.Cost.Amount);
    }

    [Fact]
    public async Task A_call_whose_longest_answer_does_not_fit_gets_a_shorter_one_and_says_so()
    {
        // The model can answer with 16,384 tokens ($0.0098); $0.002 affords far fewer.
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.002m)));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        var cap = pipeline.Provider.Calls[0].Options!.MaxOutputTokens;
        Assert.InRange(cap!.Value, BudgetGuard.SmallestAnswer, 3_400);
        Assert.Contains("MaxOutputTokens", response.GetCost().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MaxOutputTokens_is_left_alone_when_the_longest_answer_fits()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Null(pipeline.Provider.Calls[0].Options?.MaxOutputTokens);
        Assert.Null(response.GetCost().Reason);
    }

    [Fact]
    public async Task Spending_is_the_truth_and_not_the_reservation()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Client.GetResponseAsync("Hello");

        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(s_price, balance.Spent);
        Assert.Equal(Money.Zero, balance.Reserved);
    }

    [Fact]
    public async Task A_hit_never_touches_a_budget()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0004m + 0.0006m)));
        await pipeline.Client.GetResponseAsync("Hello");
        for (var i = 0; i < 5; i++)
        {
            await pipeline.Client.GetResponseAsync("Hello");
        }

        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(s_price, balance.Spent);
    }

    [Fact]
    public async Task A_budget_outside_the_cache_gives_its_reservation_back_on_a_hit()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => builder.UseBudget(costs).UseCostCache(costs));
        await pipeline.Client.GetResponseAsync("Hello");
        var hit = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(CacheLayer.Memory, hit.GetCost().CacheLayer);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((s_price, Money.Zero), (balance.Spent, balance.Reserved));
    }

    [Fact]
    public async Task A_limit_that_is_just_enough_is_enough()
    {
        // What a call reserves is what it may need: a limit of exactly that lets it pass.
        await using var probe = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0m)));
        var options = new ChatOptions { MaxOutputTokens = 300 };
        var needed = (await Assert.ThrowsAsync<BudgetExceededException>(() => probe.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 200 }))).Requested;

        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(needed.Usd)));
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 200 });
        Assert.Equal(200, pipeline.Provider.Calls[0].Options!.MaxOutputTokens);
        Assert.NotNull(options);
    }

    [Fact]
    public async Task A_per_call_budget_shortens_or_refuses_each_call_by_itself()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0.001m)));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello again");

        Assert.All(pipeline.Provider.Calls, call => Assert.InRange(call.Options!.MaxOutputTokens!.Value, 256, 1_700));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync(new string('x', 20_000)));
        Assert.Null(refusal.ResetsAt);
    }

    [Fact]
    public async Task Only_calls_in_scope_count()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0m).ForUser("alice")));
        using (CostScope.Begin(user: "bob"))
        {
            await pipeline.Client.GetResponseAsync("Hello");
        }

        using (CostScope.Begin(user: "alice"))
        {
            await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hi"));
        }
    }

    [Fact]
    public async Task Each_user_has_a_budget_of_their_own()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.0006m).ForEachUser());
            o.ReservationWait = TimeSpan.Zero;
        });
        foreach (var user in (string[])["alice", "bob"])
        {
            using var scope = CostScope.Begin(user: user);
            await pipeline.Client.GetResponseAsync($"Hello from {user}");
            await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync($"Hello again from {user}"));
        }

        await pipeline.Client.GetResponseAsync("Hello from nobody");
        Assert.Equal(3, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Three_overlapping_budgets_hold_all_or_nothing()
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(10m));
            o.Budgets.Add(Budget.Monthly(5m).ForTeam("search"));
            o.Budgets.Add(Budget.Daily(0m).ForUser("alice"));
        });
        using (CostScope.Begin(team: "search", user: "alice"))
        {
            await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello"));
        }

        Assert.All(await pipeline.Costs.Store.ReadBalancesAsync(), balance => Assert.Equal(Money.Zero, balance.Reserved));
    }

    [Fact]
    public async Task A_warning_budget_lets_every_call_pass()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0m).Warn()));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task The_fallback_model_is_asked_priced_and_not_stored_under_the_question()
    {
        await using var pipeline = new Pipeline(
            o => o.Budgets.Add(Budget.Daily(0.005m).FallBackTo("gpt-4o-mini")),
            provider: new FakeChatClient("gpt-4-turbo"));
        // gpt-4-turbo at $30 per million out: the shortest answer of 256 tokens alone is $0.0077.
        var response = await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(2, pipeline.Provider.Calls.Count);
        Assert.All(pipeline.Provider.Calls, call => Assert.Equal("gpt-4o-mini", call.Options!.ModelId));
        Assert.Contains("'gpt-4o-mini' was asked instead of 'gpt-4-turbo'", response.GetCost().Reason, StringComparison.Ordinal);
        var rows = await pipeline.RowsAsync();
        Assert.All(rows, row => Assert.Equal(("gpt-4o-mini", s_price), (row.Model, row.Cost.Amount!.Value)));
    }

    [Fact]
    public async Task A_strict_budget_refuses_a_model_without_a_price_and_says_what_to_do()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: new FakeChatClient("never-heard-of-it", "acme", "https://acme.example"));
        var refusal = await Assert.ThrowsAsync<UnknownPriceException>(() => pipeline.Client.GetResponseAsync("Hello"));

        Assert.Equal("never-heard-of-it", refusal.Model);
        Assert.Contains("options.Prices.Add", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_model_priced_in_code_passes_a_strict_budget_with_a_bounded_answer()
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Budgets.Add(Budget.Daily(10m));
                o.Prices.Add(new ModelPrice("my-finetune") { InputPerMillion = 1.0m, OutputPerMillion = 2.0m });
            },
            provider: new FakeChatClient("my-finetune"));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(Money.FromUsd(0.002m), response.GetCost().Amount);
        Assert.Equal(16_384, pipeline.Provider.Calls[0].Options!.MaxOutputTokens);
    }

    [Fact]
    public async Task A_free_model_is_asked_for_no_shorter_answer_because_of_money()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: new FakeChatClient("my-own-model", "ollama", "http://localhost:11434"));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal((Money.Zero, null), (response.GetCost().Amount, response.GetCost().Reason));
        Assert.Null(pipeline.Provider.Calls[0].Options?.MaxOutputTokens);
    }

    [Fact]
    public async Task A_free_model_is_asked_for_a_bounded_answer_where_tokens_are_limited()
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Budgets.Add(Budget.Daily(10m));
                o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(1_000_000)));
            },
            provider: new FakeChatClient("my-own-model", "ollama", "http://localhost:11434"));
        var response = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal(16_384, pipeline.Provider.Calls[0].Options!.MaxOutputTokens);
        Assert.Contains("tokens", response.GetCost().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_bounded_reserves_the_context_window()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.015m)));
        // 128,000 tokens at $0.15 and 16,384 at $0.60 need $0.029.
        var refusal = await Record.ExceptionAsync(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { ConversationId = "c1" }));
        Assert.IsType<BudgetExceededException>(refusal);
        await pipeline.Client.GetResponseAsync("Hello");
    }

    [Fact]
    public async Task A_call_waits_for_the_reservations_of_others_instead_of_being_refused()
    {
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(150) };
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.003m)), provider: provider);
        var options = new ChatOptions { MaxOutputTokens = 4_000 };

        // Each holds most of the limit and spends $0.00045: six fit, one after the other.
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => pipeline.Client.GetResponseAsync($"Question {i}", options)));
        Assert.Equal(4, answers.Length);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(s_price * 4, balance.Spent);
    }

    [Fact]
    public async Task An_answer_that_was_shortened_to_the_rest_of_one_period_is_whole_when_the_call_waits_into_the_next()
    {
        // A dollar for a million tokens of an answer, which has 16,000 at most: 1.6 cents.
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 8, 22, 12, 59, 50, TimeSpan.Zero));
        await using var pipeline = new Pipeline(
            o =>
            {
                o.TimeProvider = clock;
                o.Prices.Add(new ModelPrice("m") { InputPerMillion = 0m, OutputPerMillion = 1m, MaxOutputTokens = 16_000, ContextWindow = 100_000 });
                o.Budgets.Add(Budget.Hourly(0.02m));
            },
            static (builder, costs) => builder.UseBudget(costs),
            new FakeChatClient("m") { Usage = new() { InputTokenCount = 1, OutputTokenCount = 5_000, TotalTokenCount = 5_001 } });
        var gate = new TaskCompletionSource();
        pipeline.Provider.Answer = async (messages, options, _) =>
        {
            if (messages[0].Text == "holds the rest")
            {
                await gate.Task;
            }

            return pipeline.Provider.DefaultAnswer(options, "answer");
        };

        await pipeline.Client.GetResponseAsync("one", new ChatOptions { MaxOutputTokens = 5_000 });
        var holding = pipeline.Client.GetResponseAsync("holds the rest", new ChatOptions { MaxOutputTokens = 14_500 });
        var waiting = pipeline.Client.GetResponseAsync("waits");
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(waiting, Task.Delay(5));
        }

        await waiting;
        gate.SetResult();
        await holding;
        Assert.Equal(3, pipeline.Provider.Calls.Count);
        Assert.Null(pipeline.Provider.Calls[2].Options!.MaxOutputTokens);
    }

    [Fact]
    public async Task A_wait_ends_with_the_callers_cancellation()
    {
        var provider = new FakeChatClient { Delay = TimeSpan.FromHours(1) };
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.003m)), provider: provider);
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var holding = pipeline.Client.GetResponseAsync("One", new ChatOptions { MaxOutputTokens = 4_000 }, first.Token);
        while (provider.Calls.Count == 0)
        {
            await Task.Delay(5);
        }

        var waiting = pipeline.Client.GetResponseAsync("Two", new ChatOptions { MaxOutputTokens = 4_000 }, second.Token);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
        Assert.Single(provider.Calls);
        Assert.All(await pipeline.Costs.Store.ReadBalancesAsync(), balance => Assert.Equal(Money.Zero, balance.Reserved));
    }

    [Fact]
    public async Task A_call_whose_outcome_is_not_known_is_booked_at_what_was_reserved()
    {
        var provider = new FakeChatClient { Answer = (_, _, _) => throw new TimeoutException("no answer") };
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: provider);
        await Assert.ThrowsAsync<TimeoutException>(() => pipeline.Client.GetResponseAsync("Hello"));

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded, Money.Zero), (row.Status, row.Cost.Certainty, row.Cost.Low));
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((row.Cost.High, Money.Zero), (balance.Spent, balance.Reserved));
        Assert.True(balance.Spent > Money.Zero);
    }

    [Fact]
    public async Task A_call_that_was_certainly_not_billed_costs_nothing()
    {
        var provider = new FakeChatClient { Answer = (_, _, _) => throw new HttpRequestException("slow down", null, System.Net.HttpStatusCode.TooManyRequests) };
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), provider: provider);
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello"));

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Failed, Money.Zero), (row.Status, row.Cost.Amount!.Value));
        Assert.All(await pipeline.Costs.Store.ReadBalancesAsync(), balance => Assert.Equal(Money.Zero, balance.Spent + balance.Reserved));
    }

    [Fact]
    public async Task Each_retry_inside_the_budget_is_held_and_recorded_by_itself()
    {
        var provider = new FakeChatClient();
        provider.Answer = (_, options, number) => number < 3 ? throw new TimeoutException() : Task.FromResult(provider.DefaultAnswer(options, "at last"));
        await using var pipeline = new Pipeline(
            o => o.Budgets.Add(Budget.Daily(10m)),
            (builder, costs) => builder.UseBudget(costs).Use(inner => new Retrying(inner)).UseUsageMetering(costs),
            provider);
        await pipeline.Client.GetResponseAsync("Hello");

        var rows = await pipeline.RowsAsync();
        Assert.Equal([CallStatus.Assumed, CallStatus.Assumed, CallStatus.Ok], rows.Select(row => row.Status));
        Assert.Equal([1, 2, 3], rows.Select(row => row.Attempt));
        Assert.Single(rows.Select(row => row.CallId).Distinct());
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(rows[0].Cost.High + rows[1].Cost.High + s_price, balance.Spent);
    }

    [Fact]
    public async Task The_next_day_is_another_window_and_nothing_is_reset()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 21, 59, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
            o.Budgets.Add(Budget.Daily(0.0006m));
            o.ReservationWait = TimeSpan.Zero;
        });
        await pipeline.Client.GetResponseAsync("Hello");
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello again"));
        Assert.Equal(new DateTimeOffset(2026, 9, 1, 22, 0, 0, TimeSpan.Zero), refusal.ResetsAt);

        clock.Advance(TimeSpan.FromMinutes(2));
        await pipeline.Client.GetResponseAsync("Hello again");
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Function_invocation_inside_a_strict_budget_without_a_meter_between_is_refused_with_the_remedy()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => builder.UseBudget(costs).UseFunctionInvocation());
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };

        var error = await Assert.ThrowsAsync<LlmCostException>(() => pipeline.Client.GetResponseAsync("Hello", options));
        Assert.Contains("UseFunctionInvocation()", error.Message, StringComparison.Ordinal);
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_new_budget_counts_what_the_ledger_already_holds()
    {
        using var home = new TempHome();
        var provider = new FakeChatClient();
        await using (var costs = LlmCosts.Open(o => o.HomeDirectory = home.Path))
        {
            await provider.AsBuilder().UseBudget(costs).Build().GetResponseAsync("Hello");
        }

        await using (var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.ReservationWait = TimeSpan.Zero;
            o.Budgets.Add(Budget.Daily(0.0006m));
        }))
        {
            var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => provider.AsBuilder().UseBudget(costs).Build().GetResponseAsync("Hello"));
            Assert.Equal(s_price, refusal.Spent);
        }
    }

    [Fact]
    public void Negative_and_absurd_limits_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Budget.Daily(-0.01m));
        Assert.Throws<ArgumentOutOfRangeException>(() => Budget.Total(decimal.MaxValue));
        Assert.Throws<ArgumentException>(() => Budget.Daily(1m).ForUser(" "));
        Assert.Throws<ArgumentException>(() => Budget.Daily(1m).ForUser("*"));
    }

    private sealed class Retrying(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            for (var i = 0; ; i++)
            {
                try
                {
                    return await base.GetResponseAsync(messages, options, cancellationToken);
                }
                catch (TimeoutException) when (i < 3)
                {
                    // Again.
                }
            }
        }
    }
}
