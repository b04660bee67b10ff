namespace LlmCostCache.AI.Tests;

/// <summary>Yesterday's call is priced by yesterday's price for ever, whatever the book learns later.</summary>
public sealed class PriceRefreshTests : IDisposable
{
    private static readonly DateTimeOffset s_october = new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset s_november = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly LedgerFilter s_closed = new() { Since = s_october, Until = s_november };

    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_new_price_leaves_booked_calls_and_the_totals_of_a_closed_month_alone()
    {
        Prices("""{"input":"1","output":"1"}""");
        await Book("a", s_october.AddDays(30).AddHours(23.999));
        var before = await Closed();

        Prices("""{"input":"1","output":"1"},{"effective_from":"2026-11-01","input":"2","output":"2"}""");
        await Book("b", s_november);

        Assert.Equal(before, await Closed());
        Assert.Equal([("a", 1m), ("b", 2m)], await Costs());
    }

    [Fact]
    public async Task A_correction_of_a_past_price_moves_no_booked_call_and_its_price_can_still_be_asked_for()
    {
        Prices("""{"input":"1","output":"1"}""");
        await Book("a", s_october);
        var (before, revision) = (await Closed(), await Revision("a"));

        Prices("""{"input":"1","output":"1"},{"known_from":"2026-11-15","input":"3","output":"3"}""");

        await using var costs = Open();
        Assert.Equal(before, await Closed());
        Assert.Equal(Money.FromUsd(3), costs.Prices.Price(Query(s_october)).Cost.Amount);
        Assert.Equal((Money.FromUsd(1), revision), (costs.Prices.Price(Query(s_october, s_november)).Cost.Amount, costs.Prices.Price(Query(s_october, s_november)).Cost.PriceRevision));
    }

    [Fact]
    public async Task A_book_that_was_opened_keeps_its_prices_when_the_file_changes_under_it()
    {
        Prices("""{"input":"1","output":"1"}""");
        await using var costs = Open();
        Prices("""{"input":"2","output":"2"}""");

        Assert.Equal(Money.FromUsd(1), costs.Prices.Price(Query(s_october)).Cost.Amount);
    }

    [Theory]
    [InlineData("2026-10-31T23:59:59.9999999Z", 1)]
    [InlineData("2026-11-01T00:00:00Z", 2)]
    [InlineData("2026-11-01T00:59:59+01:00", 1)]
    [InlineData("2026-10-31T17:00:00-07:00", 2)]
    public async Task The_time_of_the_call_decides_and_not_the_time_of_booking(string at, int dollars)
    {
        Prices("""{"input":"1","output":"1"},{"effective_from":"2026-11-01","input":"2","output":"2"}""");
        await Book("a", DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal([("a", (decimal)dollars)], await Costs());
    }

    private static TokenUsage Million { get; } = new() { UncachedInputTokens = 1_000_000, Requests = 1 };

    private static PriceQuery Query(DateTimeOffset at, DateTimeOffset? knownAt = null) => new() { Provider = "acme", Model = "m", At = at, KnownAt = knownAt, Usage = Million };

    private void Prices(string prices) =>
        File.WriteAllText(Path.Combine(_home.Path, "prices.json"), $$"""{"provider":"acme","models":[{"id":"m","prices":[{{prices}}]}]}""");

    private LlmCosts Open() => LlmCosts.Open(options => options.HomeDirectory = _home.Path);

    private async Task Book(string id, DateTimeOffset at)
    {
        await using var costs = Open();
        await costs.RecordAsync(new() { Id = id, At = at, Provider = "acme", Model = "m", Cost = CallCost.Unknown with { Usage = Million } });
    }

    private async Task<LedgerTotal> Closed()
    {
        await using var costs = Open();
        return Assert.Single(await costs.Ledger.TotalsAsync(filter: s_closed));
    }

    private async Task<IReadOnlyList<(string, decimal)>> Costs()
    {
        await using var costs = Open();
        return await costs.Ledger.ReadAsync().Select(row => (row.Id, row.Cost.Amount!.Value.Usd)).ToListAsync();
    }

    private async Task<string?> Revision(string id)
    {
        await using var costs = Open();
        return await costs.Ledger.ReadAsync().Where(row => row.Id == id).Select(row => row.Cost.PriceRevision).SingleAsync();
    }
}
