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
