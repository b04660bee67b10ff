using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class SingleFlightTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // What a door does with the cache, in miniature.
    private static async Task<ChatResponse> AskAsync(CacheFixture fixture, string question, Func<Task<ChatResponse>> provider,
        CancellationToken cancellationToken = default)
    {
        var plan = fixture.Plan(question);
        while (true)
        {
            if (await fixture.Cache.FindAsync(plan, cancellationToken) is { } hit)
                return hit.Response;

            using var flight = fixture.Cache.Enter(plan.Key);
            if (!flight.IsLeader)
            {
                if (await flight.WaitAsync(cancellationToken) is { } shared)
                {
                    Assert.Equal(CacheLayer.Coalesced, shared.Layer);
                    return shared.Response;
                }

                continue;
            }

            // The last leader may have stored between our look and our turn.
            if (await fixture.Cache.FindAsync(plan, cancellationToken) is { } late)
            {
                flight.Complete(late);
                return late.Response;
            }

            var response = await provider();
            fixture.Cache.Store(plan, response, CacheFixture.Cost);
            flight.Complete(plan, response, CacheFixture.Cost);
            return response;
        }
    }

    [Fact]
    public async Task A_hundred_identical_callers_make_one_call_and_each_gets_its_own_copy()
    {
        await using var fixture = new CacheFixture();
        var calls = 0;
        var gate = new TaskCompletionSource();
        var callers = Enumerable.Range(0, 100).Select(_ => Task.Run(() => AskAsync(fixture, "Q", async () =>
        {
            Interlocked.Increment(ref calls);
            await gate.Task;
            return CacheFixture.Answer();
        }))).ToList();
        gate.SetResult();

        var answers = await Task.WhenAll(callers).WaitAsync(s_patience);

        Assert.Equal(1, calls);
        Assert.All(answers, a => Assert.Equal("Paris.", a.Text));
        Assert.Equal(100, answers.Distinct(ReferenceEqualityComparer.Instance).Count());
    }

    [Fact]
    public async Task When_the_leader_fails_one_follower_takes_over()
    {
        await using var fixture = new CacheFixture();
        var calls = 0;
        var gate = new TaskCompletionSource();
        async Task<ChatResponse> Provider()
        {
            if (Interlocked.Increment(ref calls) > 1)
                return CacheFixture.Answer();

            await gate.Task;
            throw new HttpRequestException("down");
        }

        var leader = AskAsync(fixture, "Q", Provider);
        var followers = Enumerable.Range(0, 10).Select(_ => AskAsync(fixture, "Q", Provider)).ToList();
        gate.SetResult();

        await Assert.ThrowsAsync<HttpRequestException>(() => leader);
        Assert.All(await Task.WhenAll(followers).WaitAsync(s_patience), a => Assert.Equal("Paris.", a.Text));
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task An_answer_that_is_not_fit_to_share_is_not_shared()
    {
        await using var fixture = new CacheFixture();
        var plan = fixture.Plan("Q");
        using var leader = fixture.Cache.Enter(plan.Key);
        using var follower = fixture.Cache.Enter(plan.Key);
        var cut = CacheFixture.Answer();
        cut.FinishReason = ChatFinishReason.Length;

        Assert.NotNull(leader.Complete(plan, cut, CacheFixture.Cost));

        Assert.Null(await follower.WaitAsync(CancellationToken.None).AsTask().WaitAsync(s_patience));
        using var next = fixture.Cache.Enter(plan.Key);
        Assert.True(next.IsLeader);
    }

    [Fact]
    public async Task A_follower_that_is_cancelled_stops_neither_the_leader_nor_the_others()
    {
        await using var fixture = new CacheFixture();
        var plan = fixture.Plan("Q");
        using var leader = fixture.Cache.Enter(plan.Key);
        using var impatient = fixture.Cache.Enter(plan.Key);
        using var patient = fixture.Cache.Enter(plan.Key);
        using var stop = new CancellationTokenSource();
        var gone = impatient.WaitAsync(stop.Token).AsTask();
        var waiting = patient.WaitAsync(CancellationToken.None).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        impatient.Dispose();
        Assert.False(waiting.IsCompleted);

        Assert.Null(leader.Complete(plan, CacheFixture.Answer(), CacheFixture.Cost));

        Assert.Equal("Paris.", (await waiting.WaitAsync(s_patience))!.Response.Text);
    }

    [Fact]
    public async Task Questions_without_a_key_never_wait_for_each_other()
    {
        await using var fixture = new CacheFixture();
        using var one = fixture.Cache.Enter(default);
        using var other = fixture.Cache.Enter(default);

        Assert.True(one.IsLeader && other.IsLeader);
    }

    [Fact]
    public async Task A_leader_that_leaves_without_a_word_wakes_its_followers()
    {
        await using var fixture = new CacheFixture();
        var key = fixture.Plan("Q").Key;
        var leader = fixture.Cache.Enter(key);
        using var follower = fixture.Cache.Enter(key);
        Assert.False(follower.IsLeader);

        leader.Dispose();

        Assert.Null(await follower.WaitAsync(CancellationToken.None).AsTask().WaitAsync(s_patience));
        using var next = fixture.Cache.Enter(key);
        Assert.True(next.IsLeader);
    }
}
