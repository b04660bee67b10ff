using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Who may pass, when, and behind whom; nothing here waits for a real clock.</summary>
public sealed class RateGateTests : IDisposable
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new();
    private readonly RateGate _gate;

    public RateGateTests() => _gate = new RateGate(_time);

    public void Dispose() => _gate.Dispose();

    [Fact]
    public void A_window_lets_its_limit_pass_and_the_next_call_waits()
    {
        var limit = RateLimit.Requests(2, s_minute);
        Assert.True(HasPassed(Enter(limit)));
        Assert.True(HasPassed(Enter(limit)));
        var third = Enter(limit);
        Assert.False(third.IsCompleted);
        _time.Advance(s_minute - TimeSpan.FromMilliseconds(1));
        Assert.False(third.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(HasPassed(third));
        Assert.Equal(s_minute, Done(third).Waited);
    }

    [Fact]
    public void A_bucket_is_refilled_evenly()
    {
        var limit = RateLimit.Requests(60, s_minute).AsTokenBucket(burst: 1);
        Assert.True(HasPassed(Enter(limit)));
        var second = Enter(limit);
        var third = Enter(limit);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(HasPassed(second));
        Assert.False(third.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(HasPassed(third));
    }

    [Fact]
    public void A_bucket_lets_its_burst_pass_at_once()
    {
        var limit = RateLimit.Requests(60, s_minute).AsTokenBucket(burst: 5);
        Assert.All(Enumerable.Range(0, 5).Select(_ => Enter(limit)), entry => Assert.True(HasPassed(entry)));
        Assert.False(Enter(limit).IsCompleted);
    }

    [Fact]
    public void First_come_is_first_served_even_when_a_later_call_would_fit()
    {
        var limit = RateLimit.Tokens(100, s_minute);
        _ = Enter(limit, 60);
        var large = Enter(limit, 80);
        var small = Enter(limit, 10);
        Assert.False(small.IsCompleted);
        _time.Advance(s_minute);
        Assert.True(HasPassed(large));
        Assert.True(HasPassed(small));
    }

    [Fact]
    public void Who_has_used_up_his_own_limit_stands_in_nobodys_way_at_a_common_one()
    {
        var own = RateLimit.Requests(1, s_minute).ForEachUser();
        var common = RateLimit.Requests(10, s_minute);
        Task<RateEntry> Call(string user) => Enter(new RateClaim(own, user, 1), new RateClaim(common, "", 1));
        Assert.True(HasPassed(Call("alice")));
        var waits = Call("alice");
        Assert.False(waits.IsCompleted);
        Assert.True(HasPassed(Call("bob")));
    }

    [Fact]
    public void Nobody_is_overtaken_for_ever_by_calls_that_need_less()
    {
        var a = RateLimit.Requests(1, TimeSpan.FromSeconds(10)).Named("a");
        var g = RateLimit.Requests(1, TimeSpan.FromSeconds(7)).Named("g");
        _ = Enter(a);
        var both = Enter(new RateClaim(a, "", 1), new RateClaim(g, "", 1));
        for (var i = 0; i < 20 && !both.IsCompleted; i++)
        {
            // Others take whatever is free of one of the two, again and again.
            _ = Enter(a);
            _ = Enter(g);
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.True(HasPassed(both));
    }

    [Fact]
    public void A_cancelled_call_leaves_the_queue_and_lets_the_next_one_pass()
    {
        var limit = RateLimit.Tokens(100, s_minute);
        _ = Enter(limit, 50);
        using var cancel = new CancellationTokenSource();
        var large = Enter(cancel.Token, new RateClaim(limit, "", 80));
        var small = Enter(limit, 50);
        Assert.False(small.IsCompleted);
        cancel.Cancel();
        Assert.True(HasPassed(small));
        Assert.True(large.IsCanceled);
        Assert.Equal(0, _gate.Waiting);
    }

    [Fact]
    public void Who_waits_after_a_cancelled_call_has_left_the_queue_empty_is_woken_all_the_same()
    {
        var limit = RateLimit.Requests(1, s_minute);
        _ = Enter(limit);
        using var cancel = new CancellationTokenSource();
        _ = Enter(cancel.Token, new RateClaim(limit, "", 1));
        cancel.Cancel();
        _time.Advance(s_minute);
        Assert.True(HasPassed(Enter(limit)));
        var waits = Enter(limit);
        _time.Advance(s_minute);
        Assert.True(HasPassed(waits));
    }

    [Fact]
    public void A_full_queue_refuses_at_once_and_says_when_to_come_again()
    {
        var limit = RateLimit.Requests(1, s_minute);
        _ = Enter(limit);
        _ = _gate.EnterAsync([new(limit, "", 1)], maxWaiting: 1, TimeSpan.FromHours(1), default).AsTask();
        var refused = Done(_gate.EnterAsync([new(limit, "", 1)], maxWaiting: 1, TimeSpan.FromHours(1), default).AsTask());
        Assert.Equal(RateRefusal.QueueFull, refused.Reason);
        Assert.Equal(s_minute, refused.RetryAfter);
    }

    [Fact]
    public void A_wait_that_is_known_to_take_too_long_is_refused_at_once()
    {
        var limit = RateLimit.Requests(1, s_minute);
        _ = Enter(limit);
        var refused = Done(_gate.EnterAsync([new(limit, "", 1)], 10, TimeSpan.FromSeconds(59), default).AsTask());
        Assert.Equal(RateRefusal.WaitTooLong, refused.Reason);
        Assert.Equal(s_minute, refused.RetryAfter);
    }

    [Fact]
    public void Who_waits_longer_than_he_may_is_refused_and_holds_nobody_up()
    {
        var limit = RateLimit.Tokens(100, s_minute);
        var first = Enter(limit, 100);
        var waits = _gate.EnterAsync([new(limit, "", 100)], 10, s_minute, default).AsTask();

        // The first turns out larger than it was thought to be, so that the wait is longer than it seemed.
        _time.Advance(TimeSpan.FromSeconds(30));
        Passed(first).Settle(1, 150, null);
        var small = Enter(limit, 10);
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(RateRefusal.WaitTooLong, Done(waits).Reason);
        Assert.Equal(s_minute, Done(waits).Waited);
        Assert.True(HasPassed(small));
    }

    [Fact]
    public void What_never_fits_is_refused_without_a_time_to_come_again()
    {
        var refused = Done(Enter(RateLimit.Tokens(100, s_minute), 101));
        Assert.Equal(RateRefusal.TooLarge, refused.Reason);
        Assert.Null(refused.RetryAfter);
    }

    [Theory]
    [InlineData(RateLimitAlgorithm.SlidingWindow)]
    [InlineData(RateLimitAlgorithm.TokenBucket)]
    public void What_was_estimated_too_high_is_there_again_at_once(RateLimitAlgorithm algorithm)
    {
        var limit = Limit(100, algorithm);
        var first = Passed(Enter(limit, 100));
        var waits = Enter(limit, 40);
        Assert.False(waits.IsCompleted);
        first.Settle(1, 60, null);
        Assert.True(HasPassed(waits));
    }

    [Theory]
    [InlineData(RateLimitAlgorithm.SlidingWindow)]
    [InlineData(RateLimitAlgorithm.TokenBucket)]
    public void What_was_estimated_too_low_is_paid_off_by_waiting(RateLimitAlgorithm algorithm)
    {
        var limit = Limit(100, algorithm);
        Passed(Enter(limit, 10)).Settle(1, 150, null);
        var waits = Enter(limit, 10);
        _time.Advance(s_minute / 2);
        Assert.False(waits.IsCompleted);
        _time.Advance(s_minute / 2);
        Assert.True(HasPassed(waits));
    }

    [Fact]
    public void A_bucket_never_holds_more_than_its_brim_after_a_correction()
    {
        var limit = Limit(100, RateLimitAlgorithm.TokenBucket);
        var late = Passed(Enter(limit, 100));
        _time.Advance(s_minute);
        late.GiveBack();
        Assert.True(HasPassed(Enter(limit, 100)));
        Assert.False(Enter(limit, 1).IsCompleted);
    }

    [Fact]
    public void A_window_takes_nothing_back_that_has_left_it()
    {
        var limit = Limit(100, RateLimitAlgorithm.SlidingWindow);
        var late = Passed(Enter(limit, 100));
        _time.Advance(s_minute);
        _ = Enter(limit, 100);
        late.GiveBack();
        Assert.False(Enter(limit, 1).IsCompleted);
    }

    [Fact]
    public void A_pass_is_corrected_once()
    {
        var limit = Limit(100, RateLimitAlgorithm.SlidingWindow);
        var pass = Passed(Enter(limit, 50));
        pass.GiveBack();
        pass.GiveBack();
        Assert.True(HasPassed(Enter(limit, 100)));
        Assert.False(Enter(limit, 1).IsCompleted);
    }

    [Fact]
    public void Counts_that_are_as_good_as_new_are_forgotten()
    {
        var limit = RateLimit.Requests(1, s_minute).ForEachSession();
        for (var i = 0; i < 5_000; i++)
        {
            Passed(Enter(new RateClaim(limit, $"s{i}", 1))).Keep();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(_gate.Windows, 60, 1_100);
    }

    [Fact]
    public async Task Who_waits_when_everything_is_closed_is_told_so()
    {
        var limit = RateLimit.Requests(1, s_minute);
        _ = Enter(limit);
        var waits = Enter(limit);
        _gate.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waits);
    }

    [Fact]
    public async Task Who_gives_up_after_everything_is_closed_hears_of_no_failure()
    {
        var limit = RateLimit.Requests(1, s_minute);
        _ = Enter(limit);
        using var cancel = new CancellationTokenSource();
        var waits = Enter(cancel.Token, new RateClaim(limit, "", 1));
        _gate.Dispose();
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waits);
    }

    [Fact]
    public void Who_turns_out_to_have_used_up_his_own_limit_lets_the_others_pass_at_a_common_one_for_which_he_had_waited()
    {
        var own = RateLimit.Tokens(100, s_minute).ForEachUser();
        var common = RateLimit.Requests(2, s_minute);
        Task<RateEntry> Call(string user) => Enter(new RateClaim(own, user, 50), new RateClaim(common, "", 1));
        var dear = Passed(Call("alice"));
        Assert.True(HasPassed(Call("bob")));
        var alice = Call("alice");
        var carol = Call("carol");

        _time.Advance(s_minute / 2);
        dear.Settle(1, 150, null);
        _time.Advance(s_minute / 2);
        Assert.False(alice.IsCompleted);
        Assert.True(HasPassed(carol));
        Assert.True(HasPassed(Call("dave")));
        _time.Advance(s_minute);
        Assert.True(HasPassed(alice));
    }

    [Fact]
    public void A_count_is_not_forgotten_while_a_call_is_given_its_others()
    {
        var fills = RateLimit.Requests(1, s_minute).Named("fills");
        var (first, second) = (RateLimit.Requests(1, s_minute).ForEachSession(), RateLimit.Tokens(100, s_minute).ForEachSession());
        for (var i = 0; i < 1_023; i++)
        {
            _ = Enter(new RateClaim(fills, $"s{i}", 1));
        }

        Assert.True(HasPassed(Enter(new RateClaim(first, "s", 1), new RateClaim(second, "s", 1))));
        Assert.False(Enter(new RateClaim(first, "s", 1)).IsCompleted);
    }

    [Fact]
    public void A_count_is_not_forgotten_while_a_call_waits_elsewhere_and_will_take_from_it()
    {
        var fills = RateLimit.Requests(1, TimeSpan.FromHours(1)).Named("fills");
        var (own, common) = (RateLimit.Requests(1, s_minute).ForEachUser(), RateLimit.Requests(1, TimeSpan.FromSeconds(1)));
        Task<RateEntry> Call(string user) => Enter(new RateClaim(own, user, 1), new RateClaim(common, "", 1));
        Passed(Call("alice")).Keep();
        var waits = Call("alice");
        _time.Advance(TimeSpan.FromSeconds(10));
        for (var i = 0; i < 1_100; i++)
        {
            _ = Enter(new RateClaim(fills, $"s{i}", 1));
        }

        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.True(HasPassed(waits));
        Assert.False(Call("bob").IsCompleted);
    }

    /// <summary>Calls of any size at any time, some cancelled, some given back: what passed in any stretch as long as the window is never more than the limit.</summary>
    [Fact]
    public void No_window_wherever_it_begins_ever_holds_more_than_the_limit() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[0, 20_000]).Array[1, 60].Sample(
            calls =>
            {
                var time = new FakeTimeProvider();
                using var gate = new RateGate(time);
                var limit = RateLimit.Tokens(40, TimeSpan.FromSeconds(10));
                var passed = new List<(long At, int Amount)>();
                var waiting = new List<(Task<RateEntry> Task, long At, int Amount)>();
                void Collect()
                {
                    foreach (var done in waiting.Where(call => call.Task.IsCompleted).ToList())
                    {
                        Assert.NotNull(Done(done.Task).Pass);
                        passed.Add((done.At + Done(done.Task).Waited.Ticks, done.Amount));
                        waiting.Remove(done);
                    }
                }

                foreach (var (amount, pause) in calls)
                {
                    waiting.Add((gate.EnterAsync([new(limit, "", amount)], 100, TimeSpan.FromHours(1), default).AsTask(), time.GetTimestamp(), amount));
                    Collect();
                    for (var left = pause; left > 0; left -= 500)
                    {
                        time.Advance(TimeSpan.FromMilliseconds(Math.Min(left, 500)));
                        Collect();
                    }
                }

                while (waiting.Count > 0)
                {
                    time.Advance(TimeSpan.FromMilliseconds(500));
                    Collect();
                }

                var window = TimeSpan.FromSeconds(10).Ticks;
                Assert.All(passed, first => Assert.True(passed.Where(call => call.At >= first.At && call.At < first.At + window).Sum(call => call.Amount) <= 40));
                Assert.Equal(calls.Length, passed.Count);
            },
            iter: TestSize.Cases / 40);

    private static RateLimit Limit(long tokens, RateLimitAlgorithm algorithm) =>
        algorithm == RateLimitAlgorithm.TokenBucket ? RateLimit.Tokens(tokens, s_minute).AsTokenBucket() : RateLimit.Tokens(tokens, s_minute);

    private static RateEntry Done(Task<RateEntry> entry)
    {
        Assert.True(entry.IsCompletedSuccessfully);
        return entry.Result;
    }

    private static RatePass Passed(Task<RateEntry> entry) => Done(entry).Pass!;

    private static bool HasPassed(Task<RateEntry> entry) => entry.IsCompletedSuccessfully && entry.Result.Pass is not null;

    private Task<RateEntry> Enter(RateLimit limit, long amount = 1) => Enter(new RateClaim(limit, "", amount));

    private Task<RateEntry> Enter(params RateClaim[] claims) => Enter(default, claims);

    private Task<RateEntry> Enter(CancellationToken cancellationToken, params RateClaim[] claims) =>
        _gate.EnterAsync(claims, 10_000, TimeSpan.FromHours(1), cancellationToken).AsTask();
}
