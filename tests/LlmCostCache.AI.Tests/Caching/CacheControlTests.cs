using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CacheControlTests
{
    [Fact]
    public void Control_survives_cloning_and_json_and_adds_up()
    {
        var options = new ChatOptions().WithCache(c => c.Refresh().Tag("a;b=c%").TimeToLive(TimeSpan.FromSeconds(1.5)));
        Assert.Same(options, options.WithCache(c => c.Tag("ü").Namespace("tenant 42").NoStore()));

        var json = JsonSerializer.Serialize(options.Clone(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ChatOptions)));
        var copy = (ChatOptions)JsonSerializer.Deserialize(json, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ChatOptions)))!;
        var control = CacheControlCarrier.Find(copy.AdditionalProperties)!;

        Assert.True(control is { IsRefresh: true, IsNoStore: true, IsBypass: false, NamespaceName: "tenant 42" });
        Assert.Equal(TimeSpan.FromSeconds(1.5), control.Lifetime);
        Assert.Equal(["a;b=c%", "ü"], control.Tags);
    }

    [Fact]
    public void A_clone_that_is_changed_leaves_the_original()
    {
        var original = new ChatOptions().WithCache(c => c.Tag("a"));

        original.Clone().WithCache(c => c.Bypass());

        Assert.False(CacheControlCarrier.Find(original.AdditionalProperties)!.IsBypass);
    }

    [Theory]
    [InlineData("v2;refresh")]
    [InlineData("v1;ttl=-5")]
    [InlineData("v1;ttl=99999999999999999999999")]
    [InlineData("v1;something=new")]
    [InlineData("")]
    public void Control_that_cannot_be_read_bypasses_the_cache(string text) =>
        Assert.True(CacheControlCarrier.Find(new() { [CacheControlCarrier.Key] = text })!.IsBypass);

    [Fact]
    public async Task Each_wish_of_a_call_is_heard()
    {
        await using var fixture = new CacheFixture();
        CachePlan Wish(Action<CacheControl> wish) => fixture.Plan("Q", new ChatOptions().WithCache(wish));

        Assert.True(Wish(c => c.Bypass()) is { CanRead: false, CanStore: false, BypassReason: not null });
        Assert.True(Wish(c => c.Refresh()) is { CanRead: false, CanStore: true, BypassReason: null });
        Assert.True(Wish(c => c.NoStore()) is { CanRead: true, CanStore: false, BypassReason: null });
        Assert.Equal(TimeSpan.FromMinutes(5), Wish(c => c.TimeToLive(TimeSpan.FromMinutes(5))).TimeToLive);
        Assert.Equal(["a", "b"], Wish(c => c.Tag("a").Tag("b").Tag("a")).Tags);
        Assert.NotEqual(fixture.Plan("Q").Key, Wish(c => c.Namespace("n")).Key);
        Assert.Equal(fixture.Plan("Q").Key, Wish(c => c.Tag("t")).Key);
    }

    [Fact]
    public async Task A_time_without_end_is_as_long_as_a_time_can_be_and_no_bypass()
    {
        await using var fixture = new CacheFixture();
        var options = new ChatOptions().WithCache(c => c.TimeToLive(TimeSpan.MaxValue).SlidingExpiration(TimeSpan.MaxValue).ServeStale(TimeSpan.MaxValue));

        Assert.Null(fixture.Cache.Store(fixture.Plan("Q", options), CacheFixture.Answer(), CacheFixture.Cost));
        fixture.Time.Advance(TimeSpan.FromDays(364));
        Assert.NotNull(await fixture.FindAsync(fixture.Plan("Q", options)));
    }

    [Fact]
    public async Task Refreshing_replaces_what_is_stored()
    {
        await using var fixture = new CacheFixture();
        fixture.Cache.Store(fixture.Plan("Q"), CacheFixture.Answer("old"), CacheFixture.Cost);
        var refresh = fixture.Plan("Q", new ChatOptions().WithCache(c => c.Refresh()));

        Assert.Null(await fixture.FindAsync(refresh));
        fixture.Cache.Store(refresh, CacheFixture.Answer("new"), CacheFixture.Cost);

        Assert.Equal("new", (await fixture.FindAsync(fixture.Plan("Q")))!.Response.Text);
    }
}
