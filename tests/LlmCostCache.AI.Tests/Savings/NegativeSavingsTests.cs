namespace LlmCostCache.AI.Tests;

/// <summary>Rows of what a cache itself spent take it off what it saved.</summary>
public class NegativeSavingsTests
{
    [Fact]
    public async Task What_a_cache_spent_is_taken_off_in_the_totals_and_may_leave_less_than_nothing()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Costs.RecordAsync(Row("hit", CallStatus.Cached, CallCost.Known(Money.Zero) with { Saved = Money.FromNanos(300) }));
        await pipeline.Costs.RecordAsync(Row("verifier", CallStatus.Ok, CallCost.Known(Money.FromNanos(1_000)) with { Saved = Money.FromNanos(-1_000) }));

        var total = Assert.Single(await pipeline.Costs.Ledger.TotalsAsync(null, null, LedgerFilter.All));
        Assert.Equal((1_000, -700), (total.Spent.Nanos, total.Saved.Nanos));

        // What would have been spent without the cache.
        Assert.Equal(300, (total.Spent + total.Saved).Nanos);
    }

    [Fact]
    public async Task A_negative_saving_comes_back_from_the_ledger_and_the_ledger_verifies()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Costs.RecordAsync(Row("a", CallStatus.Ok, CallCost.Known(Money.FromNanos(5)) with { Saved = Money.FromNanos(-5) }));

        Assert.Equal(-5, Assert.Single(await pipeline.RowsAsync()).Cost.Saved.Nanos);
        Assert.True((await pipeline.Costs.Store.VerifyAsync()).IsIntact);
        using var export = new StringWriter();
        await pipeline.Costs.Ledger.ExportAsync(export, LedgerExportFormat.Jsonl);
        Assert.Contains("\"saved_nanos\":-5,", export.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_cache_spent_keeps_its_negative_saving_when_it_is_priced_here()
    {
        await using var pipeline = new Pipeline();
        var usage = new TokenUsage { UncachedInputTokens = 5 };
        var cost = await pipeline.Costs.RecordAsync(Row("e", CallStatus.Ok, CallCost.Unknown with { Usage = usage, Saved = Money.FromNanos(-100) }) with
        {
            Operation = "embeddings",
            Provider = "openai",
            Model = "text-embedding-3-small",
        });

        Assert.Equal((100, -100), (cost.Amount!.Value.Nanos, cost.Saved.Nanos));
    }

    [Fact]
    public void A_negative_saving_travels_with_an_answer()
    {
        var cost = CallCost.Known(Money.FromNanos(7)) with { Saved = Money.FromNanos(-7) };
        Assert.Equal(cost, CostCarrier.Read(CostCarrier.Write(cost)));
    }

    private static UsageRecord Row(string id, CallStatus status, CallCost cost) => new() { Id = id, At = BoughtAnswer.Noon, Status = status, Cost = cost };
}
