using System.Reflection;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Tests;

/// <summary>What goes wrong in the bookkeeping stays there.</summary>
public sealed class BookkeepingFailureTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_flush_waits_for_a_full_queue_of_counts_and_ends()
    {
        using var costs = LlmCosts.Open(o => o.HomeDirectory = _home.Path);
        var gate = new TaskCompletionSource();
        var store = Store(costs.Store, () => gate.Task);
        await using var refiner = new TokenRefiner(costs.Prices, store, NullLogger.Instance);
        for (var i = 0; i < 300; i++)
        {
            Refine(refiner, costs, $"r{i}");
        }

        var flush = refiner.FlushAsync(CancellationToken.None).AsTask();
        gate.SetResult();
        await flush.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_count_that_cannot_be_written_does_not_stop_the_later_ones()
    {
        using var costs = LlmCosts.Open(o => o.HomeDirectory = _home.Path);
        var store = Store(costs.Store, () => throw new LlmCostException("The ledger holds no such attempt."));
        await using var refiner = new TokenRefiner(costs.Prices, store, NullLogger.Instance);
        Refine(refiner, costs, "lost");
        await refiner.FlushAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        await refiner.FlushAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_waiting_row_that_the_ledger_will_never_take_does_not_keep_the_others_out_or_the_ledger_closed()
    {
        var good = new UsageRecord { Id = "good", At = new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero), Cost = CallCost.Known(Money.FromNanos(5)) };
        var bad = good with { Id = "bad", Cost = CallCost.Known(Money.FromNanos(5)) with { Low = Money.FromNanos(9) } };
        File.WriteAllText(Path.Combine(_home.Path, "spool.jsonl"), UsageRecordJson.Serialize(bad) + "\n" + UsageRecordJson.Serialize(good) + "\n");
        await using var costs = LlmCosts.Open(o => o.HomeDirectory = _home.Path);

        var ids = new List<string>();
        await foreach (var row in costs.Store.ReadAsync(LedgerFilter.All))
        {
            ids.Add(row.Id);
        }

        Assert.Equal(["good"], ids);
        Assert.Contains("\"bad\"", File.ReadAllText(Path.Combine(_home.Path, "spool-refused.jsonl")), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_home.Path, "spool.jsonl*"));
    }

    [Fact]
    public async Task A_failed_call_keeps_its_own_exception_whatever_its_options_say()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs));
        pipeline.Provider.Answer = (_, _, _) => throw new TimeoutException("no answer");
        await Assert.ThrowsAsync<TimeoutException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = -1 }));
        Assert.Equal(CallStatus.Assumed, Assert.Single(await pipeline.RowsAsync()).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_cannot_be_measured_reaches_its_caller_all_the_same(bool streamed)
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs));
        pipeline.Provider.Answer = (_, options, _) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, "paid");
            response.Messages[0].Contents.Add(new FunctionCallContent("c", "f", new Dictionary<string, object?> { ["x"] = new Unprintable() }));
            return Task.FromResult(response);
        };
        var text = streamed
            ? (await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync()).ToChatResponse().Text
            : (await pipeline.Client.GetResponseAsync("Hello")).Text;
        Assert.Equal("paid", text);
        Assert.Equal(Money.FromUsd(0.00045m), Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listener_to_metrics_that_throws_costs_nobody_an_answer_and_the_ledger_no_row(bool streamed)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), static (builder, costs) => builder.UseBudget(costs));
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Name == "llmcostcache.cost.total")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        var thread = new AsyncLocal<bool> { Value = true };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            if (thread.Value)
            {
                throw new InvalidOperationException("The collector is closed.");
            }
        });
        listener.Start();
        var response = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal("answer 1", response.Text);
        Assert.Equal(Money.FromUsd(0.00045m), Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listener_to_spans_that_throws_costs_nobody_an_answer(bool streamed)
    {
        await using var pipeline = new Pipeline();
        var here = new AsyncLocal<bool> { Value = true };
        var stopped = 0;
        using var listener = new System.Diagnostics.ActivityListener
        {
            ShouldListenTo = static source => source.Name == "LlmCostCache.AI",
            Sample = (ref System.Diagnostics.ActivityCreationOptions<System.Diagnostics.ActivityContext> _) =>
                here.Value ? System.Diagnostics.ActivitySamplingResult.AllData : System.Diagnostics.ActivitySamplingResult.None,
            ActivityStopped = _ =>
            {
                if (here.Value)
                {
                    stopped++;
                    throw new InvalidOperationException("The collector is closed.");
                }
            },
        };
        System.Diagnostics.ActivitySource.AddActivityListener(listener);
        var response = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(("answer 1", true), (response.Text, stopped > 0));
    }

    [Fact]
    public async Task A_client_that_returns_nothing_leaves_nothing_held_and_may_have_been_billed()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), static (builder, costs) => builder.UseBudget(costs));
        pipeline.Provider.Answer = (_, _, _) => Task.FromResult<ChatResponse>(null!);
        await Assert.ThrowsAsync<InvalidOperationException>(() => pipeline.Client.GetResponseAsync("Hello"));

        var row = Assert.Single(await pipeline.RowsAsync());
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((CallStatus.Assumed, row.Cost.High, Money.Zero), (row.Status, balance.Spent.Money, balance.Reserved.Money));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reservation_that_was_made_although_the_ledger_said_otherwise_is_given_back(bool warns)
    {
        var budget = warns ? Budget.Daily(10m).Warn() : Budget.Daily(10m);
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            o.Budgets.Add(budget);
        });
        var guard = new BudgetGuard(costs.Options, new Mistaken(costs.Store), costs.Prices, costs.Telemetry, costs.Notifier, costs.Watch, NullLogger.Instance);
        var demand = new BudgetDemand
        {
            CallId = CallToken.NewId(),
            Operation = "chat",
            Attribution = Attribution.None,
            Client = new ClientIdentity("openai", null, null, true),
            Model = "gpt-4o-mini",
            Size = RequestSize.Of([new ChatMessage(ChatRole.User, "Hello")], null),
        };
        var admission = await Record.ExceptionAsync(async () => await guard.AdmitAsync(demand, default, default));
        Assert.Equal(warns, admission is null);
        await costs.FlushAsync();
        Assert.Equal(Money.Zero, Assert.Single(await costs.Store.ReadBalancesAsync()).Reserved.Money);
    }

    [Fact]
    public async Task What_a_tool_throws_says_nothing_about_the_rounds_that_were_answered_before_it()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs).UseFunctionInvocation(configure: client => client.MaximumConsecutiveErrorsPerRequest = 0));
        pipeline.Provider.Answer = (_, options, _) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, "");
            response.Messages[0].Contents = [new FunctionCallContent("c1", "look")];
            return Task.FromResult(response);
        };
        var look = AIFunctionFactory.Create(string () => throw new HttpRequestException("no such page", null, System.Net.HttpStatusCode.NotFound), "look");
        await Assert.ThrowsAnyAsync<Exception>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000, Tools = [look] }));

        Assert.Single(pipeline.Provider.Calls);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Assumed, true), (row.Status, row.Cost.High > Money.Zero));
    }

    private static void Refine(TokenRefiner refiner, LlmCosts costs, string id)
    {
        var record = new UsageRecord { Id = id, At = new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero), Provider = "openai", Model = "gpt-4o-mini", Cost = CallCost.Between(Money.Zero, Money.FromNanos(5)) };
        refiner.Refine(record, "o200k_base", new CountableText(["Hello"], 1, ["Hi"]), 0, null);
    }

    private static ILedgerStore Store(ILedgerStore inner, Func<Task> adjust)
    {
        var store = DispatchProxy.Create<ILedgerStore, StoreProxy>();
        ((StoreProxy)(object)store).Inner = inner;
        ((StoreProxy)(object)store).Adjust = adjust;
        return store;
    }

    /// <summary>Holds what it is asked to and says that it could not, as after a commit of which nobody knows whether it happened.</summary>
    private sealed class Mistaken(ILedgerStore inner) : DelegatingLedgerStore(inner)
    {
        public override async ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default)
        {
            await base.ReserveAsync(request, cancellationToken);
            throw new StoreUnavailableException("The disk does not answer.");
        }
    }

    private sealed class Unprintable
    {
        public override string ToString() => throw new InvalidOperationException("This value does not print.");
    }

    internal class StoreProxy : DispatchProxy
    {
        public ILedgerStore? Inner { get; set; }

        public Func<Task>? Adjust { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name == nameof(ILedgerStore.AdjustAsync) ? new ValueTask(Adjust!()) : targetMethod.Invoke(Inner, args);
    }
}
