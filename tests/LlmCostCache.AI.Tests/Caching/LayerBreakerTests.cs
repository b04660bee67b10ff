using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public class LayerBreakerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();

    private LayerBreaker Breaker(double random = 0.5) => new(CacheLayer.Distributed, _time, _logger, failuresInARow: 3, () => random);

    private void FailInARow(LayerBreaker breaker, int times = 3)
    {
        for (var i = 0; i < times; i++)
            breaker.Failed("SQLite error 5");
    }

    [Fact]
    public void Three_failures_in_a_row_leave_a_layer_alone_and_fewer_do_not()
    {
        var breaker = Breaker();
        FailInARow(breaker, 2);
        breaker.Succeeded();
        FailInARow(breaker, 2);
        Assert.True(breaker.TryEnter());

        breaker.Failed("SQLite error 5");

        Assert.True(breaker.IsLeftAlone);
        Assert.False(breaker.TryEnter());
    }

    [Fact]
    public void A_layer_that_kept_a_caller_waiting_is_left_alone_at_once()
    {
        var breaker = Breaker();
        Assert.True(breaker.LeaveAlone("timeout"));
        Assert.False(breaker.TryEnter());
    }

    [Fact]
    public async Task When_the_pause_is_over_exactly_one_caller_looks()
    {
        var breaker = Breaker();
        breaker.LeaveAlone("timeout");
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(breaker.TryEnter());

        _time.Advance(TimeSpan.FromSeconds(2));
        var entered = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(breaker.TryEnter)));

        Assert.Single(entered, static e => e);
        breaker.Succeeded();
        Assert.True(breaker.TryEnter());
        Assert.False(breaker.IsLeftAlone);
    }

    [Fact]
    public void Every_look_in_vain_doubles_the_pause_up_to_five_minutes()
    {
        var breaker = Breaker();
        breaker.LeaveAlone("timeout");
        var pauses = new List<double>();
        for (var i = 0; i < 8; i++)
        {
            var since = _time.GetUtcNow();
            while (!breaker.TryEnter())
                _time.Advance(TimeSpan.FromSeconds(1));

            pauses.Add((_time.GetUtcNow() - since).TotalSeconds);
            breaker.Failed("timeout");
        }

        Assert.Equal([10, 20, 40, 80, 160, 300, 300, 300], pauses);
    }

    [Fact]
    public void A_look_that_never_ends_is_followed_by_another()
    {
        var breaker = Breaker();
        breaker.LeaveAlone("timeout");
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.TryEnter());
        Assert.False(breaker.TryEnter());
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void Callers_who_were_inside_when_it_was_left_alone_do_not_lengthen_the_pause()
    {
        var breaker = Breaker();
        breaker.LeaveAlone("timeout");
        for (var i = 0; i < 64; i++)
            breaker.LeaveAlone("timeout");

        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void A_layer_that_comes_and_goes_is_left_alone_for_longer_until_it_has_been_well_for_a_while()
    {
        var breaker = Breaker();
        Assert.True(breaker.LeaveAlone("timeout"));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.TryEnter());
        breaker.Succeeded();

        Assert.False(breaker.LeaveAlone("timeout"));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.False(breaker.TryEnter());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(breaker.TryEnter());
        breaker.Succeeded();

        _time.Advance(LayerBreaker.LongestPause + TimeSpan.FromSeconds(1));
        Assert.True(breaker.LeaveAlone("timeout"));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(breaker.TryEnter());
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(1, 12)]
    public void Pauses_differ_from_process_to_process(double random, int seconds)
    {
        var breaker = Breaker(random);
        breaker.LeaveAlone("timeout");
        _time.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.False(breaker.TryEnter());
        _time.Advance(TimeSpan.FromSeconds(1.001));
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void One_message_says_that_a_layer_is_left_alone_and_one_that_it_is_back()
    {
        var breaker = Breaker();
        for (var i = 0; i < 100; i++)
            breaker.Failed("SQLite error 5");

        _time.Advance(TimeSpan.FromSeconds(11));
        breaker.TryEnter();
        breaker.Failed("SQLite error 5");
        _time.Advance(TimeSpan.FromSeconds(21));
        breaker.TryEnter();
        breaker.Succeeded();
        breaker.Succeeded();

        Assert.Equal(
            [
                (LogLevel.Warning, "The Distributed layer of the cache failed (SQLite error 5) and is left alone for about 00:00:10; calls go on without it."),
                (LogLevel.Information, "The Distributed layer of the cache is back after 00:00:32."),
            ],
            _logger.Collector.GetSnapshot().Select(record => (record.Level, record.Message)));
    }
}
