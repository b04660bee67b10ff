namespace LlmCostCache.AI.Tests;

/// <summary>A row that the ledger cannot take, or that says what no writer would, is its own misfortune and nobody else's.</summary>
public class UnsoundRowTests
{
    [Fact]
    public async Task A_row_that_fails_half_way_leaves_nothing_in_the_hash_of_the_next_one()
    {
        await using var home = new LedgerHome();
        using (var connection = LedgerFile.OpenForWriting(home.File, home.Clock))
        using (var book = new LedgerBook(connection, home.Clock))
        {
            book.Begin();
            Assert.ThrowsAny<Exception>(() => book.Attempt(attempt => attempt.Append(home.Row("a", 5) with { Status = (CallStatus)99 }, repeated: false)));
            Assert.True(book.Attempt(attempt => attempt.Append(home.Row("b", 5), repeated: false)));
            book.Commit();
        }

        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_row_with_a_word_of_a_later_version_is_refused_at_the_door()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var row = home.Row("a", 1);

        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(row with { Status = (CallStatus)99 }));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(row with { Cost = row.Cost with { CacheLayer = (CacheLayer)99 } }));
        Assert.True(await store.AppendAsync(row));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Names_with_a_zero_character_are_summed_as_their_row_says()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Daily(1m).ForEachUser();
        await store.OpenWindowAsync(home.Hold(budget, 1, "user=a%EF%BF%BDb").Window);

        await store.AppendAsync(home.Row("a", 5, new Attribution { User = "a\0b", Team = "\0" }, model: "m\0n"));

        Assert.Empty((await store.VerifyAsync()).Problems);
        Assert.Equal("m\uFFFDn", Assert.Single(await store.TotalsAsync(LedgerDimension.Model, null, LedgerFilter.All)).Key);
        Assert.Equal(5, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
    }

    [Fact]
    public void A_scope_refuses_a_name_with_a_zero_character() => Assert.Throws<ArgumentException>(() => CostScope.Begin(user: "a\0b"));

    [Fact]
    public async Task A_currency_of_several_words_stands_in_no_report_s_way()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 5) with { Currency = "Swiss francs", FxRate = 0.9m });

        var conversion = Assert.Single(await store.ConversionsAsync(LedgerFilter.All));

        Assert.Equal(("Swiss francs", 0.9m, null, 1), (conversion.Currency, conversion.Rate, conversion.Day, conversion.Calls));
    }

    [Theory]
    [InlineData("UPDATE entry SET status = 'odd' WHERE seq = 2")]
    [InlineData("UPDATE entry SET tags = '[' WHERE seq = 2")]
    public async Task A_row_that_cannot_be_read_keeps_no_application_from_starting(string damage)
    {
        await using var home = new LedgerHome();
        var budget = Budget.Daily(1m).ForTag("x");
        await using (var before = home.Open())
        {
            foreach (var id in (string[])["a", "b", "c"])
            {
                await before.ReserveAsync(home.Request(id, home.Hold(budget, 10)));
                await before.AppendAsync(home.Row(id, 5, new Attribution { Tags = ["x"] }));
            }
        }

        home.Execute(damage);
        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [budget]);

        Assert.True(await store.AppendAsync(home.Row("d", 5)));
        Assert.Contains((await store.VerifyAsync()).Findings, finding => finding is { Kind: LedgerFindingKind.RowChanged, Sequence: 2 });
    }
}
