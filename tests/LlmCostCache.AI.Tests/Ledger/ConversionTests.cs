namespace LlmCostCache.AI.Tests;

public class ConversionTests
{
    private static readonly DateOnly s_day = new(2026, 8, 22);

    [Fact]
    public async Task A_ledger_in_dollars_has_no_conversions()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(home.Row("1", 5));

        Assert.Empty(await store.ConversionsAsync(LedgerFilter.All));
    }

    [Fact]
    public async Task Every_rate_is_named_with_its_day_and_its_calls()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(home.Row("1", 5));
        await store.AppendAsync(Converted(home, "2", 7.20m, null));
        await store.AppendAsync(Converted(home, "3", 7.1m, s_day));
        await store.AppendAsync(Converted(home, "4", 7.1m, s_day));
        await store.AppendAsync(Converted(home, "5", 0.92m, s_day) with { Currency = "EUR" });

        Assert.Equal([new("CNY", 7.20m, null, 1), new("CNY", 7.1m, s_day, 2), new("EUR", 0.92m, s_day, 1)], await store.ConversionsAsync(LedgerFilter.All));
    }

    [Fact]
    public async Task A_rate_is_the_same_with_more_zeros()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(Converted(home, "1", 7.2m, s_day));
        await store.AppendAsync(Converted(home, "2", 7.200m, s_day));

        Assert.Equal(2, Assert.Single(await store.ConversionsAsync(LedgerFilter.All)).Calls);
    }

    [Fact]
    public async Task Only_the_calls_that_were_asked_for_count()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var noon = LedgerHome.Noon;
        await store.AppendAsync(Converted(home, "1", 7.1m, s_day) with { At = noon, Attribution = Attribution.None with { Project = "p", Tags = ["beta", "x"] } });
        await store.AppendAsync(Converted(home, "2", 7.2m, s_day) with { At = noon.AddHours(1), Model = "other", Attribution = Attribution.None with { Session = "s", User = "u" } });

        async Task<decimal[]> Rates(LedgerFilter filter) => [.. (await store.ConversionsAsync(filter)).Select(conversion => conversion.Rate)];
        Assert.Equal([7.2m], await Rates(new() { Since = noon.AddTicks(1) }));
        Assert.Equal([7.1m], await Rates(new() { Until = noon.AddHours(1) }));
        Assert.Equal([7.1m], await Rates(new() { Project = "p", Tag = "x" }));
        Assert.Equal([7.2m], await Rates(new() { Model = "other", Session = "s", User = "u", Provider = "openai", Status = CallStatus.Ok }));
        Assert.Empty(await Rates(new() { Tag = "y" }));
        Assert.Empty(await Rates(new() { Project = "p", Session = "s" }));
    }

    [Fact]
    public async Task A_call_that_was_adjusted_counts_once()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.AppendAsync(Converted(home, "1", 7.1m, s_day));
        await store.AdjustAsync("1", CallCost.Known(Money.FromNanos(3)), "tokenizer");

        Assert.Equal([new("CNY", 7.1m, s_day, 1)], await store.ConversionsAsync(LedgerFilter.All));
    }

    [Fact]
    public async Task A_call_that_was_settled_after_its_reservation_expired_counts_once()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await store.ReserveAsync(home.Request("1", home.Hold(Budget.Daily(1m), 100)));
        home.Clock.Advance(TimeSpan.FromMinutes(11));
        await store.ReserveAsync(home.Request("2", home.Hold(Budget.Daily(1m), 100)));
        await store.AppendAsync(Converted(home, "1", 7.1m, s_day));

        Assert.Equal([new("CNY", 7.1m, s_day, 1)], await store.ConversionsAsync(LedgerFilter.All));
    }

    [Fact]
    public async Task The_question_is_answered_by_an_index_of_converted_rows_alone()
    {
        await using var home = new LedgerHome(fast: true);
        home.Open();
        using var connection = home.Connect();
        using var command = connection.CreateCommand();
        command.CommandText = """
            EXPLAIN QUERY PLAN SELECT COUNT(*) FROM entry INDEXED BY entry_exchange
             WHERE fx_rate IS NOT NULL AND currency || ' ' || fx_rate || ' ' || ifnull(fx_date, '') = 'CNY 7.1 2026-08-22' AND at >= 1 AND at < 2
            """;
        using var plan = command.ExecuteReader();
        Assert.True(plan.Read());

        Assert.EndsWith("INDEX entry_exchange (<expr>=? AND at>? AND at<?)", plan.GetString(3), StringComparison.Ordinal);
    }

    private static UsageRecord Converted(LedgerHome home, string id, decimal rate, DateOnly? day) =>
        home.Row(id, 7) with { Currency = "CNY", NativeCost = 0.00000005m, FxRate = rate, FxDate = day };
}
