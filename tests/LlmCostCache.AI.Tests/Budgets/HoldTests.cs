using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What is held for a call, and what becomes of it.</summary>
public class HoldTests
{
    [Fact]
    public async Task What_is_sent_to_a_dearer_host_than_was_admitted_is_held_anew()
    {
        var reserved = new List<Money>();
        foreach (var admitted in (string[])["https://eu.api.openai.com/v1", "https://api.openai.com/v1"])
        {
            await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)),
                (builder, costs) => builder.UseBudget(costs).Use(inner => new Renamed(inner, admitted)).UseUsageMetering(costs),
                new FakeChatClient("gpt-5.4", "openai", "https://eu.api.openai.com/v1"));
            pipeline.Provider.Answer = async (_, options, _) =>
            {
                reserved.Add(Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money);
                return pipeline.Provider.DefaultAnswer(options, "hello");
            };
            await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 });
        }

        Assert.True(reserved[0] > Money.Zero);
        Assert.Equal(reserved[0], reserved[1]);
    }

    [Fact]
    public async Task A_stream_that_outlives_its_reservations_deadline_keeps_it_and_is_one_row()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = new Pipeline(o =>
        {
            o.TimeProvider = clock;
            o.ReservationTimeout = TimeSpan.FromSeconds(10);
            o.Budgets.Add(Budget.Daily(10m));
        });
        var pieces = 0;
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("long"))
        {
            clock.Advance(TimeSpan.FromSeconds(6));
            pieces++;

            // Whoever reserves next looks for what is due.
            await pipeline.Client.GetResponseAsync($"short {pieces}");
        }

        Assert.True(pieces > 2);
        var rows = await pipeline.RowsAsync();
        Assert.Equal(pieces + 1, rows.Count);
        Assert.All(rows, row => Assert.Equal((CallStatus.Ok, null), (row.Status, row.Flags)));
    }

    [Fact]
    public async Task A_call_that_is_cancelled_while_its_amount_is_being_held_leaves_no_hold_behind()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Client.GetResponseAsync("first");
        using var stop = new CancellationTokenSource();
        await using (var other = new SqliteConnection($"Data Source={Path.Combine(pipeline.Home, "ledger.db")};Pooling=False"))
        {
            other.Open();
            Execute(other, "BEGIN IMMEDIATE");
            var call = pipeline.Client.GetResponseAsync("second", cancellationToken: stop.Token);
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            Execute(other, "COMMIT");
        }

        await pipeline.Costs.FlushAsync();
        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal(Money.Zero, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved);
    }

    [Fact]
    public async Task An_answer_from_a_model_without_a_price_costs_a_strict_budget_what_was_held_for_it()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, $"answer {n}");
            response.ModelId = "nobody-knows-this-model";
            return Task.FromResult(response);
        };
        var cost = (await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 })).GetCost();

        Assert.Equal(CostCertainty.Bounded, cost.Certainty);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal(cost.High, balance.Spent);
        Assert.True(balance.Spent > Money.Zero);
        Assert.Equal(Money.Zero, balance.Reserved);
    }

    [Fact]
    public async Task An_answer_from_a_model_without_a_price_stays_unpriced_where_no_budget_refuses()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m).Warn()));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, $"answer {n}");
            response.ModelId = "nobody-knows-this-model";
            return Task.FromResult(response);
        };
        Assert.Equal(CostCertainty.Unknown, (await pipeline.Client.GetResponseAsync("Hello")).GetCost().Certainty);
    }

    [Fact]
    public async Task A_call_that_crosses_midnight_after_it_was_admitted_is_charged_to_the_day_that_held_it()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 23, 59, 59, TimeSpan.Zero));
        await using var pipeline = new Pipeline(
            o =>
            {
                o.TimeProvider = clock;
                o.Budgets.Add(Budget.Daily(10m));
            },
            (builder, costs) => builder.UseBudget(costs).Use(inner => new Slow(inner, clock)).UseUsageMetering(costs));
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();
        await pipeline.Client.GetResponseAsync("on the next day");

        var balances = await pipeline.Costs.Store.ReadBalancesAsync();
        Assert.Equal(cost.Amount, Assert.Single(balances, balance => balance.Window.StartsAt.Day == 2).Spent.Money);
        var first = (await pipeline.RowsAsync())[0];
        Assert.Equal(1, first.At.Day);
    }

    [Fact]
    public async Task A_budget_that_only_warns_does_not_shorten_the_answer_of_a_model_whose_limit_is_not_known()
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Budgets.Add(Budget.Daily(10m).Warn());
                o.Prices.Add(new ModelPrice("my-model") { InputPerMillion = 1m, OutputPerMillion = 2m });
            },
            provider: new FakeChatClient("my-model"));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Null(pipeline.Provider.Calls[0].Options?.MaxOutputTokens);
    }

    [Fact]
    public async Task A_try_again_below_the_cache_is_held_to_the_budget_as_the_first_try_was()
    {
        // 16,384 tokens of gpt-4o-mini are a cent: this budget only has room for a part of them.
        await using var pipeline = new Pipeline(
            o => o.Budgets.Add(Budget.Daily(0.005m)),
            (builder, costs) => builder.UseCostCache(costs).Use(inner => new Again(inner)).UseBudget(costs));
        pipeline.Provider.Answer = (_, options, n) => n == 1
            ? throw new HttpRequestException("slow down", null, System.Net.HttpStatusCode.TooManyRequests)
            : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "answer"));
        Assert.Equal("answer", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.NotNull(pipeline.Provider.Calls[0].Options?.MaxOutputTokens);
        Assert.Equal(pipeline.Provider.Calls[0].Options?.MaxOutputTokens, pipeline.Provider.Calls[1].Options?.MaxOutputTokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_name_that_the_meter_was_given_for_the_provider_counts_for_the_budget_too(bool isInside)
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Budgets.Add(Budget.Daily(10m));
                o.Prices.Add(new ModelPrice("their-model") { Provider = "vendor", InputPerMillion = 1m, OutputPerMillion = 2m });
            },
            (builder, costs) => isInside
                ? builder.UseBudget(costs).UseUsageMetering(costs, meter => meter.ProviderName = "vendor")
                : builder.UseUsageMetering(costs, meter => meter.ProviderName = "vendor").UseBudget(costs),
            new FakeChatClient("their-model"));
        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task An_output_limit_that_is_none_is_held_as_none(int limit)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)));
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = limit });
        Assert.Equal(limit, pipeline.Provider.Calls[0].Options?.MaxOutputTokens);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Says that it is somewhere else than what it passes calls on to, as a router may.</summary>
    private sealed class Renamed(IChatClient inner, string endpoint) : DelegatingChatClient(inner)
    {
        private readonly ChatClientMetadata _metadata = new("openai", new Uri(endpoint), "gpt-5.4");

        public override object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? _metadata : base.GetService(serviceType, serviceKey);
    }

    private sealed class Slow(IChatClient inner, FakeTimeProvider clock) : DelegatingChatClient(inner)
    {
        public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            clock.Advance(TimeSpan.FromSeconds(2));
            return base.GetResponseAsync(messages, options, cancellationToken);
        }
    }

    private sealed class Again(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            try
            {
                return await base.GetResponseAsync(messages, options, cancellationToken);
            }
            catch (HttpRequestException)
            {
                return await base.GetResponseAsync(messages, options, cancellationToken);
            }
        }
    }
}
