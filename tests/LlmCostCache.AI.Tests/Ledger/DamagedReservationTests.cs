using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Reservations that can no longer be booked as they were written down.</summary>
public class DamagedReservationTests
{
    private static readonly Budget s_daily = Budget.Daily(0.000001m);
    private static readonly Budget s_alice = Budget.Daily(0.000001m).ForUser("alice").ForTag("beta");
    private static readonly Budget s_each = Budget.Monthly(0.000001m).ForEachTenant();

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("{\"high\":\"many\"}")]
    [InlineData(null)]
    public async Task One_that_cannot_be_read_is_booked_at_its_amount_and_stops_nobody(string? record)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("sound", home.Hold(s_daily, 100)));
        await store.ReserveAsync(home.Request("damaged", home.Hold(s_daily, 600), home.Hold(s_alice, 600), home.Hold(s_each, 600, "tenant=a%2Cb")));
        home.Execute($"UPDATE reservation SET record = {(record is null ? "NULL" : $"'{record}'")} WHERE id = 'damaged'");

        home.Clock.Advance(TimeSpan.FromMinutes(10));
        var next = await store.ReserveAsync(home.Request("next", home.Hold(s_daily, 300)));

        Assert.True(next.Accepted);
        Assert.Equal((700, 0), (next.Balances[0].Spent.Nanos, next.Balances[0].Reserved.Nanos));
        var rows = await store.ReadAsync(LedgerFilter.All).ToListAsync();
        Assert.Equal(["damaged", "sound"], rows.Select(row => row.Id).Order());
        var damaged = rows.Single(row => row.Id == "damaged");
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded, 600L), (damaged.Status, damaged.Cost.Certainty, damaged.Cost.High.Nanos));
        Assert.Equal(("alice", "a,b", "beta"), (damaged.Attribution.User, damaged.Attribution.Tenant, Assert.Single(damaged.Attribution.Tags)));
        Assert.All(await store.ReadBalancesAsync(), balance => Assert.True(balance.Spent.Nanos is 600 or 700, $"{balance.Window.Budget}: {balance.Spent}"));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_late_answer_still_corrects_one_that_could_not_be_read()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("damaged", home.Hold(s_daily, 600)));
        home.Execute("UPDATE reservation SET record = 'x'");
        home.Clock.Advance(TimeSpan.FromMinutes(10));
        await store.ReserveAsync(home.Request("next", home.Hold(s_daily, 1)));

        Assert.True(await store.AppendAsync(home.Row("damaged", 200)));
        Assert.Equal(200, Assert.Single(await store.ReadBalancesAsync(), balance => balance.Window.Budget.Id == s_daily.Id).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task One_that_the_ledger_does_not_take_in_any_form_is_put_off_and_stops_nobody()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("poison", home.Hold(s_daily, 600)));
        home.Execute("CREATE TRIGGER poison BEFORE INSERT ON entry WHEN NEW.id = 'poison' BEGIN SELECT RAISE(ABORT, 'never'); END");
        home.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.True((await store.ReserveAsync(home.Request("next", home.Hold(s_daily, 300)))).Accepted);
        Assert.True(await store.AppendAsync(home.Row("next", 200)));
        Assert.Equal(600, Assert.Single(await store.ReadBalancesAsync()).Reserved.Nanos);

        home.Execute("DROP TRIGGER poison");
        home.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(800, (await store.ReserveAsync(home.Request("later", home.Hold(s_daily, 10)))).Balances[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task What_expired_and_what_was_damaged_is_told()
    {
        await using var home = new LedgerHome();
        var log = new FakeLogger();
        await using var store = SqliteLedgerStore.Open(home.Path, home.Options, log);
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 1)));
        await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 1)));
        home.Execute("UPDATE reservation SET record = 'x' WHERE id = 'b'");
        home.Clock.Advance(TimeSpan.FromMinutes(10));
        await store.ReserveAsync(home.Request("c", home.Hold(s_daily, 1)));
        await store.FlushAsync();

        var told = log.Collector.GetSnapshot();
        Assert.Contains(told, record => record.Id.Id == 65 && record.Message.StartsWith("2 ", StringComparison.Ordinal));
        Assert.Contains(told, record => record.Id.Id == 76 && record.Message.StartsWith("1 ", StringComparison.Ordinal));
    }
}
