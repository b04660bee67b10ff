using System.Net;
using System.Net.Sockets;

namespace LlmCostCache.AI.Tests;

/// <summary>Which failures certainly cost nothing.</summary>
public class UnbilledFailureTests
{
    private static readonly HttpRequestException s_refused = new(HttpRequestError.ConnectionError, "refused", new SocketException((int)SocketError.ConnectionRefused));

    [Theory]
    [InlineData(400, true)]
    [InlineData(401, true)]
    [InlineData(402, true)]
    [InlineData(403, true)]
    [InlineData(404, true)]
    [InlineData(413, true)]
    [InlineData(422, true)]
    [InlineData(429, true)]
    [InlineData(408, false)]
    [InlineData(409, false)]
    [InlineData(499, false)]
    [InlineData(500, false)]
    [InlineData(502, false)]
    [InlineData(503, false)]
    [InlineData(504, false)]
    [InlineData(529, false)]
    public void A_status_says_whether_a_model_can_have_run(int status, bool certain)
    {
        Assert.Equal(certain, UnbilledFailure.IsCertain(new HttpRequestException("scripted", null, (HttpStatusCode)status)));
        Assert.Equal(certain, UnbilledFailure.IsCertain(new WithStatus(status)));
        Assert.Equal(certain, UnbilledFailure.IsCertain(new InvalidOperationException("outer", new WithStatus(status))));
    }

    [Theory]
    [InlineData("anthropic", null, true)]
    [InlineData("openai", "https://api.anthropic.com/v1/", true)]
    [InlineData("openai", "https://api.notanthropic.com/v1/", false)]
    [InlineData("openai", "https://api.openai.com/v1/", false)]
    public void An_overload_is_a_refusal_where_Anthropic_answers(string provider, string? uri, bool certain)
    {
        var client = new ClientIdentity(provider, uri is null ? null : new Uri(uri), null, IsKnown: true);
        Assert.Equal(certain, UnbilledFailure.IsCertain(new WithStatus(529), client));
        Assert.Equal(certain, UnbilledFailure.IsCertain(new AggregateException(new WithStatus(529), new WithStatus(529)), client));
        Assert.False(UnbilledFailure.IsCertain(new AggregateException(new WithStatus(529), new WithStatus(500)), client));
    }

    [Fact]
    public void What_never_reached_the_provider_cost_nothing()
    {
        Assert.True(UnbilledFailure.IsCertain(s_refused));
        Assert.True(UnbilledFailure.IsCertain(new HttpRequestException(HttpRequestError.NameResolutionError, "no such host")));
        Assert.True(UnbilledFailure.IsCertain(new UnknownPriceException("no price")));
    }

    [Fact]
    public void What_broke_on_the_way_may_have_been_billed()
    {
        Assert.False(UnbilledFailure.IsCertain(new HttpRequestException(HttpRequestError.ResponseEnded, "ended")));
        Assert.False(UnbilledFailure.IsCertain(new IOException("reset", new SocketException((int)SocketError.ConnectionReset))));
        Assert.False(UnbilledFailure.IsCertain(new TaskCanceledException()));
        Assert.False(UnbilledFailure.IsCertain(new System.Text.Json.JsonException()));
    }

    [Fact]
    public void Of_several_attempts_each_must_have_cost_nothing()
    {
        Assert.True(UnbilledFailure.IsCertain(new AggregateException(s_refused, s_refused)));
        Assert.False(UnbilledFailure.IsCertain(new AggregateException(s_refused, new TaskCanceledException())));
        Assert.False(UnbilledFailure.IsCertain(new AggregateException(new TaskCanceledException(), s_refused)));
    }

    private sealed class WithStatus(int status) : Exception
    {
        public int Status { get; } = status;
    }
}
