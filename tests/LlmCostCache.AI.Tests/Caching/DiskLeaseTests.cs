namespace LlmCostCache.AI.Tests;

[Trait("Pace", "Machine")]
public class DiskLeaseTests
{
    private static readonly CacheKey s_key = DiskFixture.KeyOf("Q");
    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task One_process_asks_and_the_others_wait_until_it_gives_the_lease_back()
    {
        using var one = new DiskFixture();
        using var two = new DiskFixture(one.Home, time: one.Time);

        Assert.Equal(LeaseOutcome.Taken, await one.Layer.TryLeaseAsync(s_key, s_lifetime));
        Assert.Equal(LeaseOutcome.HeldByOther, await two.Layer.TryLeaseAsync(s_key, s_lifetime));
        Assert.Equal(LeaseOutcome.Taken, await two.Layer.TryLeaseAsync(DiskFixture.KeyOf("R"), s_lifetime));

        one.Layer.ReleaseLease(s_key);
        await one.FlushAsync();

        Assert.Equal(LeaseOutcome.Taken, await two.Layer.TryLeaseAsync(s_key, s_lifetime));
    }

    [Fact]
    public async Task A_lease_whose_time_is_over_is_taken_by_the_next_and_not_given_back_by_the_first()
    {
        using var one = new DiskFixture();
        using var two = new DiskFixture(one.Home, time: one.Time);
        Assert.Equal(LeaseOutcome.Taken, await one.Layer.TryLeaseAsync(s_key, s_lifetime));

        one.Time.Advance(s_lifetime);
        Assert.Equal(LeaseOutcome.Taken, await two.Layer.TryLeaseAsync(s_key, s_lifetime));
        one.Layer.ReleaseLease(s_key);
        await one.FlushAsync();

        Assert.Equal(LeaseOutcome.HeldByOther, await one.Layer.TryLeaseAsync(s_key, s_lifetime));
    }

    [Fact]
    public async Task A_lease_is_renewed_by_its_owner()
    {
        using var one = new DiskFixture();
        using var two = new DiskFixture(one.Home, time: one.Time);
        Assert.Equal(LeaseOutcome.Taken, await one.Layer.TryLeaseAsync(s_key, s_lifetime));
        one.Time.Advance(s_lifetime / 2);
        Assert.Equal(LeaseOutcome.Taken, await one.Layer.TryLeaseAsync(s_key, s_lifetime));
        one.Time.Advance(s_lifetime / 2);

        Assert.Equal(LeaseOutcome.HeldByOther, await two.Layer.TryLeaseAsync(s_key, s_lifetime));
    }

    [Fact]
    public async Task A_call_that_never_ends_keeps_other_processes_waiting_once_and_not_for_ever()
    {
        using var home = new TempHome();
        await using var one = new CacheFixture(home: home.Path);
        await using var two = new CacheFixture(home: home.Path, time: one.Time);
        var plan = one.Plan("Q");
        using var flight = one.Cache.Enter(plan.Key);
        Assert.True(await one.Cache.TryLeadAmongProcessesAsync(plan, flight));
        using var other = two.Cache.Enter(plan.Key);
        for (var i = 0; i < 8; i++)
        {
            one.Time.Advance(TimeSpan.FromSeconds(3));
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        Assert.False(await two.Cache.TryLeadAmongProcessesAsync(two.Plan("Q"), other));
        one.Time.Advance(CacheFlight.Patience);
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        one.Time.Advance(TimeSpan.FromSeconds(20));

        Assert.True(await two.Cache.TryLeadAmongProcessesAsync(two.Plan("Q"), other));
    }

    [Fact]
    public async Task Storing_the_answer_gives_the_lease_back()
    {
        using var one = new DiskFixture();
        using var two = new DiskFixture(one.Home, time: one.Time);
        Assert.Equal(LeaseOutcome.Taken, await one.Layer.TryLeaseAsync(s_key, s_lifetime));

        one.Put("Q");
        await one.FlushAsync();

        Assert.Equal(LeaseOutcome.Taken, await two.Layer.TryLeaseAsync(s_key, s_lifetime));
    }

    [Fact]
    public async Task A_lease_of_a_clock_that_jumped_holds_nobody_up()
    {
        using var future = new DiskFixture(time: new(new DateTimeOffset(2036, 9, 1, 12, 0, 0, TimeSpan.Zero)));
        using var now = new DiskFixture(future.Home);
        Assert.Equal(LeaseOutcome.Taken, await future.Layer.TryLeaseAsync(s_key, s_lifetime));

        Assert.Equal(LeaseOutcome.Taken, await now.Layer.TryLeaseAsync(s_key, s_lifetime));
    }

    [Fact]
    public async Task Of_sixty_four_that_want_the_lease_at_once_one_gets_it()
    {
        using var home = new TempHome();
        var layers = Enumerable.Range(0, 4).Select(_ => new DiskFixture(home.Path)).ToList();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () => (Owner: i % 4, Outcome: await layers[i % 4].Layer.TryLeaseAsync(s_key, s_lifetime)))));

        // Its owner may take it again; another one may not, and may give up when all of them want the lock at once.
        Assert.Single(outcomes.Where(o => o.Outcome == LeaseOutcome.Taken).Select(o => o.Owner).Distinct());
        layers.ForEach(layer => layer.Dispose());
    }
}
