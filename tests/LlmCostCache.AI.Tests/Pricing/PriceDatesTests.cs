namespace LlmCostCache.AI.Tests;

/// <summary>Prices are facts with two dates: from when they hold, and from when the book knew.</summary>
public sealed class PriceDatesTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("2026-05-31T23:59:59.9999999Z", 1)]
    [InlineData("2026-06-01T00:00:00Z", 2)]
    [InlineData("2026-06-01T01:59:59+02:00", 1)]
    [InlineData("2026-06-01T02:00:00+02:00", 2)]
    [InlineData("2026-05-31T16:59:59-07:00", 1)]
    [InlineData("2026-05-31T17:00:00-07:00", 2)]
    public void A_price_takes_effect_at_midnight_in_UTC_wherever_the_caller_lives(string at, int dollars)
    {
        var book = Book("""{"input":"1","output":"1"},{"effective_from":"2026-06-01","input":"2","output":"2"}""");

        Assert.Equal(Money.FromUsd(dollars), Cost(book, at).Amount);
    }

    [Theory]
    [InlineData("2026-08-21T23:59:59.9999999Z", 1)]
    [InlineData("2026-08-22T00:00:00Z", 2)]
    [InlineData("2026-08-22T01:59:59+02:00", 1)]
    [InlineData("2026-08-22T02:00:00+02:00", 2)]
    [InlineData(null, 2)]
    public void A_correction_counts_from_the_day_it_became_known(string? knownAt, int dollars)
    {
        var book = Book("""
            {"effective_from":"2026-06-01","known_from":"2026-06-03","input":"1","output":"1"},
            {"effective_from":"2026-06-01","known_from":"2026-08-22","input":"2","output":"2"}
            """);

        Assert.Equal(Money.FromUsd(dollars), Cost(book, "2026-06-15", knownAt).Amount);
    }

    [Fact]
    public void The_latest_price_in_effect_wins_over_one_that_became_known_later()
    {
        var book = Book("""
            {"effective_from":"2026-01-01","known_from":"2026-09-01","input":"1","output":"1"},
            {"effective_from":"2026-06-01","known_from":"2026-05-01","input":"2","output":"2"}
            """);

        Assert.Equal(Money.FromUsd(2), Cost(book, "2026-07-01").Amount);
        Assert.Equal(Money.FromUsd(1), Cost(book, "2026-05-31").Amount);
    }

    [Fact]
    public void A_price_that_was_not_known_yet_is_unknown_and_says_since_when_it_is_known()
    {
        var cost = Cost(Book("""{"input":"1","output":"1"}""", header: "\"known_from\":\"2026-08-22\","), "2026-08-01", "2026-08-01T10:00:00Z");

        Assert.Equal(CostCertainty.Unknown, cost.Certainty);
        Assert.Equal("no price for 'm' was known on 2026-08-01; the book learned of it on 2026-08-22", cost.Reason);
        Assert.Null(cost.PriceRevision);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2026-05-20")]
    [InlineData("2020-01-01")]
    public void A_call_before_the_first_dated_price_is_not_priced_by_a_later_one(string? knownAt)
    {
        var book = Book("""
            {"effective_from":"2026-06-01","known_from":"2026-05-20","input":"1","output":"1"},
            {"effective_from":"2026-07-01","known_from":"2026-05-20","input":"2","output":"2"}
            """);
        var cost = Cost(book, "2026-05-31T23:59:59Z", knownAt);

        Assert.Equal(CostCertainty.Unknown, cost.Certainty);
        Assert.Equal("no price for 'm' before 2026-06-01", cost.Reason);
        Assert.Null(book.Ceiling("acme", "m", Instant("2026-05-31"), 1, 1));
        Assert.NotNull(book.Ceiling("acme", "m", Instant("2026-06-01"), 1, 1));
    }

    [Fact]
    public void The_day_in_a_price_wins_over_the_day_of_its_file()
    {
        const string Header = "\"known_from\":\"2026-08-22\",";
        var earlier = Book("""{"known_from":"2026-01-01","input":"1","output":"1"}""", Header);
        var later = Book("""{"known_from":"2026-10-01","input":"1","output":"1"}""", Header);

        Assert.Equal(CostCertainty.Known, Cost(earlier, "2026-08-01", "2026-08-01").Certainty);
        Assert.Equal(CostCertainty.Unknown, Cost(later, "2026-08-01", "2026-09-30").Certainty);
    }

    [Fact]
    public void The_day_of_a_file_counts_wherever_it_stands()
    {
        Home("""{"provider":"acme","models":[{"id":"m","input":"1","output":"1"}],"known_from":"2026-08-22"}""");

        Assert.Equal(CostCertainty.Unknown, Cost(Load(), "2026-08-01", "2026-08-21").Certainty);
        Assert.Equal(CostCertainty.Known, Cost(Load(), "2026-08-01", "2026-08-22").Certainty);
    }

    [Fact]
    public void An_override_without_a_day_was_known_from_the_beginning()
    {
        Assert.Equal(CostCertainty.Known, Cost(Book("""{"input":"1","output":"1"}"""), "2020-01-01", "2020-01-01").Certainty);

        var code = PriceBook.Load(new() { Prices = { new ModelPrice("m") { InputPerMillion = 1, OutputPerMillion = 1 } } }, null, _ => null);
        Assert.Equal(CostCertainty.Known, Cost(code, "2020-01-01", "2020-01-01").Certainty);
    }

    [Fact]
    public void An_override_that_does_not_hold_yet_leaves_the_price_to_the_built_in_book()
    {
        Home("""{"provider":"openai","models":[{"id":"gpt-4o","prices":[{"effective_from":"2026-10-01","known_from":"2026-09-15","input":"1","output":"1"}]}]}""");
        var query = new PriceQuery { Provider = "openai", Model = "gpt-4o", At = Instant("2026-09-30"), Usage = new() { UncachedInputTokens = 1_000_000 } };

        Assert.Equal(PriceBook.BuiltIn.Price(query).Cost, Load().Price(query).Cost);
        Assert.Equal(Money.FromUsd(1), Load().Price(query with { At = Instant("2026-10-01") }).Cost.Amount);
        Assert.Equal(PriceBook.BuiltIn.Price(query).Cost, Load().Price(query with { At = Instant("2026-10-01"), KnownAt = Instant("2026-09-14") }).Cost);
    }

    [Fact]
    public void A_model_that_was_listed_later_does_not_change_what_its_name_cost_before()
    {
        Home("""
            {"provider":"acme","known_from":"2026-08-22","models":[
              {"id":"m","input":"1","output":"1"},
              {"id":"m-2026-09-01","prices":[{"known_from":"2026-09-05","input":"5","output":"5"}]}]}
            """);
        var query = Query("2026-09-02", null) with { Model = "m-2026-09-01" };

        Assert.Equal(Money.FromUsd(5), Load().Price(query).Cost.Amount);
        Assert.Equal(Money.FromUsd(5), Load().Price(query with { KnownAt = Instant("2026-09-05") }).Cost.Amount);
        Assert.Equal(Money.FromUsd(1), Load().Price(query with { KnownAt = Instant("2026-09-04") }).Cost.Amount);
    }

    [Fact]
    public void Two_sellers_of_a_name_are_ambiguous_only_since_both_are_known()
    {
        Home("""
            {"models":[
              {"id":"m","provider":"acme","input":"1","output":"1","known_from":"2026-08-01"},
              {"id":"m","provider":"other","input":"2","output":"2","known_from":"2026-09-01"}]}
            """);
        var query = Query("2026-09-02", null) with { Provider = null };

        Assert.Equal(CostCertainty.Unknown, Load().Price(query).Cost.Certainty);
        Assert.Equal(Money.FromUsd(1), Load().Price(query with { KnownAt = Instant("2026-08-31") }).Cost.Amount);
    }

    [Fact]
    public void A_correction_has_a_revision_of_its_own_and_leaves_the_earlier_one_reproducible()
    {
        const string First = """{"effective_from":"2026-06-01","known_from":"2026-06-03","input":"1","output":"1"}""";
        var before = Cost(Book(First), "2026-06-15");
        var corrected = Book(First + """,{"effective_from":"2026-06-01","known_from":"2026-08-22","input":"2","output":"2"}""");
        var after = Cost(corrected, "2026-06-15");

        Assert.StartsWith("acme/m@2026-06-03#", before.PriceRevision, StringComparison.Ordinal);
        Assert.StartsWith("acme/m@2026-08-22#", after.PriceRevision, StringComparison.Ordinal);
        Assert.Equal(before, Cost(corrected, "2026-06-15", "2026-08-21"));
    }

    [Fact]
    public void The_answer_names_both_days_of_the_price_it_used()
    {
        var priced = Book("""{"effective_from":"2026-06-01","known_from":"2026-06-03","input":"1","output":"1"}""").Price(Query("2026-06-15", null));
        var undated = Book("""{"input":"1","output":"1"}""").Price(Query("2026-06-15", null));

        Assert.Equal((new DateOnly(2026, 6, 1), new DateOnly(2026, 6, 3)), (priced.EffectiveFrom, priced.KnownFrom));
        Assert.Equal((null, null), (undated.EffectiveFrom, undated.KnownFrom));
    }

    [Theory]
    [InlineData("""{"effective_from":"2026-06-01","input":"1","output":"1"},{"effective_from":"2026-06-01","input":"2","output":"1"}""")]
    [InlineData("""{"input":"1","output":"1"},{"input":"2","output":"1"}""")]
    [InlineData("""{"effective_from":"2026-06-01","known_from":"2026-08-22","input":"1","output":"1"},{"effective_from":"2026-06-01","input":"2","output":"1"}""")]
    public void Two_prices_with_both_days_the_same_are_an_error(string prices)
    {
        var error = Assert.Throws<LlmCostException>(() => Book(prices, "\"known_from\":\"2026-08-22\","));

        Assert.Contains("line 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("'m' has two prices that take effect on the same day and became known on the same day", error.Message, StringComparison.Ordinal);
    }

    private PriceBook Book(string prices, string header = "")
    {
        Home($$"""{"provider":"acme",{{header}}"models":[{"id":"m","prices":[{{prices}}]}]}""");
        return Load();
    }

    private void Home(string json) => File.WriteAllText(Path.Combine(_home.Path, "prices.json"), json);

    private PriceBook Load() => PriceBook.Load(new(), _home.Path, _ => null);

    private static CallCost Cost(PriceBook book, string at, string? knownAt = null) => book.Price(Query(at, knownAt)).Cost;

    private static PriceQuery Query(string at, string? knownAt) => new()
    {
        Provider = "acme",
        Model = "m",
        At = Instant(at),
        KnownAt = knownAt is null ? null : Instant(knownAt),
        Usage = new() { UncachedInputTokens = 1_000_000 },
    };

    private static DateTimeOffset Instant(string text) =>
        DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal);
}
