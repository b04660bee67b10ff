using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public sealed class MonthlyRequestsTests : IDisposable
{
    private readonly TempHome _home = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 8, 31, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task The_first_requests_of_the_month_cost_the_higher_fee_and_all_later_ones_the_lower()
    {
        await using var costs = Open();
        using var client = Client(costs);

        Assert.Equal([0.05m, 0.05m, 0.05m, 0.02m, 0.02m], await AskAsync(client, 5));
        Assert.Equal(0.19m, (await costs.Ledger.TotalsAsync())[0].Spent.Usd);
        Assert.All(await RowsAsync(costs), row => Assert.Equal((CostCertainty.Known, null), (row.Cost.Certainty, row.Cost.Reason)));
    }

    [Fact]
    public async Task Every_month_begins_anew_at_midnight_in_UTC()
    {
        await using var costs = Open();
        using var client = Client(costs);
        await AskAsync(client, 4);
        _clock.SetUtcNow(new(2026, 8, 31, 23, 59, 59, TimeSpan.Zero));
        Assert.Equal([0.02m], await AskAsync(client, 1));
        _clock.SetUtcNow(new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero));

        Assert.Equal([0.05m, 0.05m, 0.05m, 0.02m], await AskAsync(client, 4));
    }

    [Fact]
    public async Task The_count_survives_a_restart()
    {
        await using (var costs = Open())
        {
            using var client = Client(costs);
            await AskAsync(client, 3);
        }

        await using var again = Open();
        using var same = Client(again);

        Assert.Equal([0.02m], await AskAsync(same, 1));
    }

    [Fact]
    public async Task Answers_from_the_cache_are_no_requests()
    {
        await using var costs = Open();
        using var client = new FakeChatClient("m", "acme").AsBuilder().UseCostCache(costs).Build();
        foreach (var _ in Enumerable.Range(0, 5))
        {
            await client.GetResponseAsync("the same");
        }

        await costs.FlushAsync();

        Assert.Equal([0.05m, 0.05m, 0.02m], await AskAsync(client, 3));
    }

    [Fact]
    public async Task Requests_under_every_name_of_the_model_count_and_those_of_other_models_do_not()
    {
        await using var costs = Open();
        using var dated = Client(costs, "m-2026-01-01");
        using var other = Client(costs, "gpt-4o-mini", "openai");
        using var client = Client(costs);
        await AskAsync(other, 5);
        await AskAsync(dated, 2);

        Assert.Equal([0.05m, 0.02m], await AskAsync(client, 2));
    }

    [Fact]
    public async Task Requests_of_another_process_count_a_few_seconds_later()
    {
        await using var costs = Open();
        await using var theirs = Open();
        using var client = Client(costs);
        using var other = Client(theirs);
        await AskAsync(client, 1);
        await AskAsync(other, 3);
        _clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal([0.02m], await AskAsync(client, 1));
    }

    [Fact]
    public async Task Calls_made_elsewhere_are_counted_in_their_own_month()
    {
        await using var costs = Open();
        List<decimal> fees = [];
        for (var i = 0; i < 5; i++)
        {
            // Two requests each: the second and the fifth time lie on both sides of the step, and the month turns between the third and the fourth.
            var at = new DateTimeOffset(2026, 7, 31, 21, 30, 0, TimeSpan.Zero).AddHours(i);
            var cost = await costs.RecordAsync(new() { Id = $"elsewhere-{i}", At = at, Provider = "acme", Model = "m", Cost = CallCost.Unknown with { Usage = new() { Requests = 2 } } });
            Assert.Equal(i is 1 or 4 ? CostCertainty.Bounded : CostCertainty.Known, cost.Certainty);
            fees.Add(cost.Amount!.Value.Usd);
        }

        Assert.Equal([0.10m, 0.10m, 0.04m, 0.10m, 0.10m], fees);
    }

    [Fact]
    public async Task A_strict_budget_holds_the_dearest_step()
    {
        await using var costs = LlmCosts.Open(options =>
        {
            Configure(options);
            options.Budgets.Add(Budget.Daily(0.12m));
        });
        using var client = new FakeChatClient("m", "acme").AsBuilder().UseBudget(costs).Build();

        Assert.Equal([0.05m, 0.05m], await AskAsync(client, 2));
        var refused = await Assert.ThrowsAsync<BudgetExceededException>(() => client.GetResponseAsync("one more"));
        Assert.Equal(Money.FromUsd(0.05m), refused.Requested);
    }

    private void Configure(LlmCostsOptions options)
    {
        options.HomeDirectory = _home.Path;
        options.TimeProvider = _clock;
        options.Prices.Add(new("m")
        {
            InputPerMillion = 0m,
            OutputPerMillion = 0m,
            PerRequest = 0.05m,
            ContextWindow = 100_000,
            MaxOutputTokens = 1_000,
            VolumeSteps = { new(3) { PerRequest = 0.02m } },
        });
    }

    private LlmCosts Open() => LlmCosts.Open(Configure);

    private static IChatClient Client(LlmCosts costs, string model = "m", string provider = "acme") =>
        new FakeChatClient(model, provider).AsBuilder().UseUsageMetering(costs).Build();

    private static async Task<List<decimal>> AskAsync(IChatClient client, int times)
    {
        List<decimal> fees = [];
        for (var i = 0; i < times; i++)
        {
            fees.Add((await client.GetResponseAsync($"question {Guid.NewGuid()}")).GetCost().Amount!.Value.Usd);
        }

        return fees;
    }

    private static async Task<List<UsageRecord>> RowsAsync(LlmCosts costs)
    {
        List<UsageRecord> rows = [];
        await foreach (var row in costs.Ledger.ReadAsync())
        {
            rows.Add(row);
        }

        return rows;
    }
}
