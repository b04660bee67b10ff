using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Limits and grants that are set while applications run.</summary>
public class RunTimeLimitTests
{
    private static readonly Money s_price = Money.FromUsd(0.00045m);

    [Fact]
    public async Task A_limit_set_by_another_process_holds_from_the_next_reservation_on()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Client.GetResponseAsync("one");

        await using var other = pipeline.OpenAnother();
        Assert.Equal(BudgetAmount.FromUsd(10m), await other.Limits.SetAsync(Budget.Daily(0.0005m)));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));

        Assert.Equal((Money.FromUsd(0.0005m), s_price), (refusal.Limit, refusal.Spent));
    }

    [Fact]
    public async Task Thresholds_that_are_set_with_a_limit_hold_and_stay_until_others_are()
    {
        var told = new List<decimal?>();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.001m).Warn().NotifyAt(0.9m));
            o.OnBudgetNotice(notice => told.Add(notice.Threshold));
        });
        await using (var other = pipeline.OpenAnother())
        {
            await other.Limits.SetAsync(Budget.Daily(0.001m).Warn().NotifyAt(0.3m, 0.4m));
            await other.Limits.SetAsync(Budget.Daily(0.001m).Warn());
            Assert.Equal([0.3m, 0.4m], Assert.Single(await other.Limits.ListAsync()).Budget.Thresholds);
        }

        // An application that starts with the same code does not undo what was set.
        await using (pipeline.OpenAnother(o => o.Budgets.Add(Budget.Daily(0.001m).Warn().NotifyAt(0.9m))))
        {
        }

        await pipeline.Client.GetResponseAsync("one");
        await pipeline.Costs.FlushAsync();
        Assert.Equal([0.3m, 0.4m], told);

        await pipeline.Costs.Limits.RemoveAsync(Budget.Daily(0.001m));
        Assert.Equal([0.9m], Assert.Single(await pipeline.Costs.Limits.ListAsync()).Budget.Thresholds);
    }

    [Fact]
    public async Task The_first_budget_of_all_may_be_set_at_run_time()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("one");

        await using var other = pipeline.OpenAnother();
        await other.Limits.SetAsync(Budget.Daily(0.0000001m).ForEachUser());
        using var scope = CostScope.Begin(user: "alice");
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));

        Assert.Equal("day user=*", refusal.Budget!.Name);
        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_budget_set_at_run_time_counts_calls_beside_those_in_code()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Costs.Limits.SetAsync(Budget.PerCall(0.0000001m));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("one"));

        await pipeline.Costs.Limits.RemoveAsync(Budget.PerCall(1m));
        await pipeline.Client.GetResponseAsync("one");

        Assert.Single(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task A_limit_for_each_call_that_was_raised_refuses_nothing_more()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(0.0000001m)));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("one"));

        await using var other = pipeline.OpenAnother();
        await other.Limits.SetAsync(Budget.PerCall(1m));

        await pipeline.Client.GetResponseAsync("one");
    }

    [Fact]
    public async Task A_limit_below_what_is_spent_leaves_nothing_and_never_less()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Client.GetResponseAsync("one");

        await pipeline.Costs.Limits.SetAsync(Budget.Daily(0.0001m));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        var use = Assert.Single(Assert.Single(await pipeline.Costs.Limits.ListAsync()).Uses);
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(20m));
        await pipeline.Client.GetResponseAsync("two");

        Assert.Equal(s_price, refusal.Spent);
        Assert.Equal((s_price, Money.Zero), (use.Spent.Money, use.Left.Money));
        Assert.Equal(s_price + s_price, Assert.Single(Assert.Single(await pipeline.Costs.Limits.ListAsync()).Uses).Spent.Money);
        Assert.True((await pipeline.Costs.Ledger.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task Removing_a_budget_and_setting_it_again_takes_over_what_was_spent_meanwhile_too()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(10m).Named("ops"));
        await pipeline.Client.GetResponseAsync("one");
        Assert.True(await pipeline.Costs.Limits.RemoveAsync(Budget.Daily(1m).Named("ops")));
        Assert.False(await pipeline.Costs.Limits.RemoveAsync(Budget.Daily(1m).Named("ops")));
        Assert.Empty(await pipeline.Costs.Limits.ListAsync());
        await pipeline.Client.GetResponseAsync("two");

        await pipeline.Costs.Limits.SetAsync(Budget.Daily(5m).Named("ops"));

        var standing = Assert.Single(await pipeline.Costs.Limits.ListAsync());
        Assert.Equal((Money.FromUsd(5m), s_price + s_price), (standing.Budget.Limit, standing.Uses[0].Spent.Money));
        Assert.True((await pipeline.Costs.Ledger.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_forgotten_budget_goes_on_refusing_in_an_application_that_gives_it_and_loses_no_spending()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m)));
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(10m));
        await pipeline.Client.GetResponseAsync("one");
        await pipeline.Costs.Limits.RemoveAsync(Budget.Daily(10m));

        Assert.True(await pipeline.Costs.Limits.ForgetAsync(Budget.Daily(1m), by: "carol"));
        Assert.False(await pipeline.Costs.Limits.ForgetAsync(Budget.Daily(1m)));

        Assert.Empty(await pipeline.Costs.Limits.ListAsync());
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal((Money.FromUsd(0.0001m), s_price), (refusal.Limit, refusal.Spent));
        var change = (await pipeline.Costs.Limits.HistoryAsync())[^1];
        Assert.Equal((BudgetAction.Forget, Money.FromUsd(0.0001m), null, "carol"), (change.Action, change.Old!.Value.Money, change.New, change.By));
        Assert.True((await pipeline.Costs.Ledger.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task Removing_a_limit_lets_the_one_in_code_hold_again()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0001m)));
        await pipeline.Costs.Limits.SetAsync(Budget.Daily(10m));
        await pipeline.Client.GetResponseAsync("one");

        await pipeline.Costs.Limits.RemoveAsync(Budget.Daily(10m));

        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal((Money.FromUsd(0.0001m), s_price), (refusal.Limit, refusal.Spent));
    }

    [Fact]
    public async Task Two_applications_with_different_limits_in_code_each_keep_to_their_own_and_count_each_other()
    {
        await using var generous = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await using var strict = LlmCosts.Open(o =>
        {
            o.HomeDirectory = generous.Home;
            o.Budgets.Add(Budget.Daily(0.001m));
        });
        using var strictClient = new FakeChatClient().AsBuilder().UseBudget(strict).Build();
        await generous.Client.GetResponseAsync("one");
        await generous.Client.GetResponseAsync("two");
        await generous.Client.GetResponseAsync("three");

        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => strictClient.GetResponseAsync("four"));
        await generous.Client.GetResponseAsync("four");

        Assert.Equal((Money.FromUsd(0.001m), s_price * 3), (refusal.Limit, refusal.Spent));
        Assert.True((await strict.Ledger.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_grant_adds_to_the_limit_while_it_holds()
    {
        var clock = new FakeTimeProvider(LedgerHome.Noon);
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.ReservationWait = TimeSpan.Zero;
            o.Budgets.Add(Budget.Total(0.0001m));
        });
        await pipeline.Costs.Limits.GrantAsync(Budget.Total(1m), BudgetAmount.FromUsd(5m), until: LedgerHome.Noon.AddHours(2), from: LedgerHome.Noon.AddHours(1), note: "launch");

        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("one"));
        clock.Advance(TimeSpan.FromHours(1));
        await pipeline.Client.GetResponseAsync("one");
        var use = Assert.Single(Assert.Single(await pipeline.Costs.Limits.ListAsync()).Uses);
        clock.Advance(TimeSpan.FromHours(1));
        var refusal = await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));

        Assert.Equal(Money.FromUsd(5.0001m), use.Limit.Money);
        Assert.Equal((Money.FromUsd(0.0001m), s_price), (refusal.Limit, refusal.Spent));
    }

    [Fact]
    public async Task A_grant_for_one_value_of_a_template_helps_nobody_else()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0000001m).ForEachUser()));
        var grant = await pipeline.Costs.Limits.GrantAsync(Budget.Daily(1m).ForEachUser(), BudgetAmount.FromUsd(1m), DateTimeOffset.UtcNow.AddHours(1), key: "user=alice");
        using (CostScope.Begin(user: "bob"))
        {
            await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("one"));
        }

        using var scope = CostScope.Begin(user: "alice");
        await pipeline.Client.GetResponseAsync("one");
        Assert.True(await pipeline.Costs.Limits.RevokeAsync(grant.Id));
        Assert.False(await pipeline.Costs.Limits.RevokeAsync(grant.Id));
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("two"));
    }

    [Theory]
    [InlineData("alice@example.com", "user=alice@example.com")]
    [InlineData("alice@example.com", "user=alice%40example.com")]
    [InlineData("Alice Smith", "user=Alice Smith")]
    [InlineData("50% Ärger", "user=50%25%20%C3%84rger")]
    public async Task A_grant_helps_the_one_it_is_for_whatever_signs_are_in_the_name(string user, string key)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.0000001m).ForEachUser()));
        await pipeline.Costs.Limits.GrantAsync(Budget.Daily(1m).ForEachUser(), BudgetAmount.FromUsd(1m), DateTimeOffset.UtcNow.AddHours(1), key: key);
        using var scope = CostScope.Begin(user: user);
        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("one")).Text);
    }

    [Fact]
    public async Task A_grant_that_could_never_hold_is_refused_with_the_reason()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m).ForEachUser()));
        var (limits, budget, soon) = (pipeline.Costs.Limits, Budget.Daily(1m).ForEachUser(), DateTimeOffset.UtcNow.AddHours(1));

        await Assert.ThrowsAsync<ArgumentException>("extra", async () => await limits.GrantAsync(budget, BudgetAmount.Tokens(1), soon));
        await Assert.ThrowsAsync<ArgumentException>("extra", async () => await limits.GrantAsync(budget, Money.Zero, soon));
        await Assert.ThrowsAsync<ArgumentException>("until", async () => await limits.GrantAsync(budget, Money.FromUsd(1m), DateTimeOffset.UtcNow.AddHours(-1)));
        await Assert.ThrowsAsync<ArgumentException>("key", async () => await limits.GrantAsync(budget, Money.FromUsd(1m), soon, key: "team=x"));
        await Assert.ThrowsAsync<LlmCostException>(async () => await limits.GrantAsync(Budget.Weekly(1m), Money.FromUsd(1m), soon));
    }

    [Fact]
    public async Task History_says_who_changed_what_from_what_to_what()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        var limits = pipeline.Costs.Limits;

        await limits.SetAsync(Budget.Daily(5m), note: "too dear", by: "carol");
        var grant = await limits.GrantAsync(Budget.Daily(5m), Money.FromUsd(2m), DateTimeOffset.UtcNow.AddHours(1), by: "dave");
        await limits.RevokeAsync(grant.Id, by: "erin");
        await limits.RemoveAsync(Budget.Daily(5m), by: "carol");

        Assert.Equal(
            [
                (BudgetAction.Code, null, Usd(10m)),
                (BudgetAction.Set, Usd(10m), Usd(5m)),
                (BudgetAction.Grant, null, Usd(2m)),
                (BudgetAction.Revoke, Usd(2m), null),
                (BudgetAction.Remove, Usd(5m), Usd(10m)),
            ],
            (await limits.HistoryAsync()).Select(change => (change.Action, change.Old, change.New)));
        Assert.Equal(["carol", "dave", "erin", "carol"], (await limits.HistoryAsync()).Skip(1).Select(change => change.By));
        Assert.Equal("too dear", (await limits.HistoryAsync())[1].Note);
        static BudgetAmount? Usd(decimal usd) => BudgetAmount.FromUsd(usd);
    }

    [Fact]
    public async Task New_users_of_a_template_keep_to_it_from_their_first_call_on()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Daily(Money.FromNanos(1_000)).ForEachTenant();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () => await store.ReserveAsync(home.Request($"{i}", home.Hold(budget, 100, "tenant=new"))))));

        Assert.Equal(10, outcomes.Count(outcome => outcome.Accepted));
        Assert.All(outcomes.Where(outcome => !outcome.Accepted), outcome => Assert.Equal(1_000, outcome.Balances[0].Reserved.Nanos));
    }

    [Fact]
    public async Task Overlapping_budgets_in_any_order_are_each_kept_and_a_refusal_holds_in_none()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var alice = new Attribution { Tenant = "acme", User = "alice" };
        var (all, tenant, user) = (Budget.Daily(Money.FromNanos(5_000)), Budget.Daily(Money.FromNanos(4_000)).ForTenant("acme"), Budget.Daily(Money.FromNanos(3_000)).ForEachUser());

        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 50; i++)
            {
                var amount = random.Next(1, 200);
                var holds = new[] { home.Hold(all, amount), home.Hold(tenant, amount), home.Hold(user, amount, "user=alice") };
                random.Shuffle(holds);
                var id = $"{worker}-{i}";
                if ((await store.ReserveAsync(home.Request(id, holds))).Accepted)
                {
                    await store.AppendAsync(home.Row(id, random.Next(0, amount + 1), alice));
                }
            }
        })));

        var balances = await store.ReadBalancesAsync();
        Assert.Equal(3, balances.Count);
        Assert.All(balances, balance => Assert.True(balance.Spent <= balance.Limit && balance.Reserved == Money.Zero));
        Assert.Single(balances.Select(balance => balance.Spent).Distinct());
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
