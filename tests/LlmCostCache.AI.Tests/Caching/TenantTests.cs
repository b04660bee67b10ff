using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace LlmCostCache.AI.Tests;

/// <summary>Nothing of one tenant ever reaches another, whichever layer answers.</summary>
public sealed class TenantTests : IAsyncDisposable
{
    private readonly TempHome _home = new();
    private readonly List<LlmCosts> _opened = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var costs in _opened)
            await costs.DisposeAsync();

        _home.Dispose();
    }

    [Fact]
    public void A_distributed_cache_without_a_namespace_is_refused_at_the_start()
    {
        var error = Assert.Throws<ArgumentException>(() => Open(o => o.DistributedCache = new ScriptedDistributedCache()));

        Assert.Contains("CacheNamespace", error.Message, StringComparison.Ordinal);
        Assert.Contains("AllowSharedCacheWithoutNamespace", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_blank_namespace_is_refused_at_the_start() =>
        Assert.Contains("blank", Assert.Throws<ArgumentException>(() => Open(o => o.CacheNamespace = " ")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(61)]
    public void A_wait_out_of_bounds_is_refused_at_the_start(int seconds) =>
        Assert.Contains("DistributedCacheTimeout", Assert.Throws<ArgumentException>(() => Open(o => o.DistributedCacheTimeout = TimeSpan.FromSeconds(seconds))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    [InlineData("distributed")]
    [InlineData("distributed without a namespace")]
    public async Task Tenants_never_meet(string layer)
    {
        var shared = new ScriptedDistributedCache();
        var provider = new FakeChatClient();
        provider.Answer = (_, options, number) => Task.FromResult(provider.DefaultAnswer(options, $"{CostScope.Current.Tenant ?? "nobody"} {number}"));
        string?[] tenants = ["a", "b", "A", "a ", " a", "ａ", "\u00e4", "a\u0308", null];
        var seen = new List<string>();
        for (var round = 0; round < 2; round++)
        {
            // Each round a process of its own, unless the memory is meant.
            var costs = layer == "memory" && _opened.Count > 0 ? _opened[0] : Open(o => Only(layer, o, shared));
            var client = provider.AsBuilder().UseCostCache(costs).Build();
            foreach (var tenant in tenants)
            {
                using var scope = tenant is null ? null : CostScope.Begin(tenant: tenant);
                var response = await client.GetResponseAsync("Who am I?");
                Assert.StartsWith($"{tenant ?? "nobody"} ", response.Text, StringComparison.Ordinal);
                seen.Add(response.Text);
            }

            await costs.FlushAsync();
        }

        Assert.Equal(tenants.Length, provider.Calls.Count);
        Assert.Equal(seen[..tenants.Length], seen[tenants.Length..]);
    }

    [Fact]
    public async Task The_tenant_of_a_stream_is_the_one_that_is_there_when_it_is_read()
    {
        var provider = new FakeChatClient();
        provider.Answer = (_, options, number) => Task.FromResult(provider.DefaultAnswer(options, $"answer {number}"));
        var client = provider.AsBuilder().UseCostCache(Open()).Build();
        using (CostScope.Begin(tenant: "a"))
            Assert.Equal("answer 1", (await client.GetStreamingResponseAsync("Q").ToChatResponseAsync()).Text);

        Assert.Equal("answer 2", (await client.GetStreamingResponseAsync("Q").ToChatResponseAsync()).Text);
        using (CostScope.Begin(tenant: "a"))
            Assert.Equal("answer 1", (await client.GetResponseAsync("Q")).Text);
    }

    [Fact]
    public async Task A_namespace_of_an_application_or_a_call_is_no_tenant()
    {
        var shared = new ScriptedDistributedCache();
        await using var app = new CacheFixture(o => (o.DistributedCache, o.CacheNamespace, o.MemoryCacheBytes) = (shared, "a", 0));
        await using var open = new CacheFixture(o => (o.DistributedCache, o.AllowSharedCacheWithoutNamespace, o.MemoryCacheBytes) = (shared, true, 0));
        Assert.Null(app.Cache.Store(app.Plan("Q"), CacheFixture.Answer("app"), CacheFixture.Cost));
        Assert.Null(open.Cache.Store(open.Plan("Q", new ChatOptions().WithCache(c => c.Namespace("a"))), CacheFixture.Answer("call"), CacheFixture.Cost));
        await app.Cache.FlushAsync(CancellationToken.None);
        await open.Cache.FlushAsync(CancellationToken.None);

        Assert.Null(await open.FindAsync(open.Plan("Q")));
        Assert.Null(await open.FindAsync(open.Plan("Q", tenant: "a")));
        Assert.Null(await app.FindAsync(app.Plan("Q", tenant: "a")));
        Assert.Equal("call", (await open.FindAsync(open.Plan("Q", new ChatOptions().WithCache(c => c.Namespace("a")))))!.Response.Text);
    }

    [Theory]
    [InlineData("openai", "https://proxy.example/v1", "gpt-4o-mini")]
    [InlineData("azure.ai.openai", "https://api.openai.com/v1", "gpt-4o-mini")]
    [InlineData("openai", null, "gpt-4o-mini")]
    [InlineData("openai", "http://api.openai.com/v1", "gpt-4o-mini")]
    public async Task Another_provider_or_address_is_another_question(string provider, string? address, string model)
    {
        await using var fixture = new CacheFixture();
        Assert.Null(fixture.Cache.Store(fixture.Plan("Q"), CacheFixture.Answer(), CacheFixture.Cost));

        Assert.Null(await fixture.FindAsync(fixture.Plan("Q", endpoint: new CacheEndpoint(provider, address is null ? null : new Uri(address), model))));
    }

    [Fact]
    public async Task Many_tenants_at_once_get_only_their_own_answers()
    {
        var tenants = TestSize.IsCi ? 1_000 : 40;
        var provider = new FakeChatClient();
        provider.Answer = (_, options, _) => Task.FromResult(provider.DefaultAnswer(options, $"for {CostScope.Current.Tenant}"));
        var client = provider.AsBuilder().UseCostCache(Open(o => Only("all", o, new ScriptedDistributedCache()))).Build();
        var foreign = 0;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(task => Task.Run(async () =>
        {
            var random = new Random(task);
            for (var i = 0; i < tenants; i++)
            {
                var tenant = $"tenant {random.Next(tenants)}";
                using var scope = CostScope.Begin(tenant: tenant);
                var question = $"question {random.Next(3)}";
                var text = random.Next(2) == 0
                    ? (await client.GetResponseAsync(question)).Text
                    : (await client.GetStreamingResponseAsync(question).ToChatResponseAsync()).Text;
                if (text != $"for {tenant}")
                    Interlocked.Increment(ref foreign);
            }
        })));

        Assert.Equal(0, foreign);
    }

    [Fact]
    public async Task A_miss_tells_a_tenant_nothing_of_what_others_cached()
    {
        var provider = new FakeChatClient();
        provider.Answer = (_, options, _) => Task.FromResult(provider.DefaultAnswer(options, "same"));
        var client = provider.AsBuilder().UseCostCache(Open()).Build();
        using (CostScope.Begin(tenant: "a"))
        {
            await client.GetResponseAsync("cached by a");
            await client.GetResponseAsync("cached by a");
        }

        using var scope = CostScope.Begin(tenant: "b");
        var probes = new[] { await client.GetResponseAsync("cached by a"), await client.GetResponseAsync("cached by none") };

        Assert.Equal(probes[1].GetCost(), probes[0].GetCost());
        Assert.All(probes, probe => Assert.Equal((CacheLayer.None, Money.Zero), (probe.GetCost().CacheLayer, probe.GetCost().Saved)));
        Assert.Equal(Names(probes[1].AdditionalProperties), Names(probes[0].AdditionalProperties));
    }

    private static IEnumerable<string> Names(AdditionalPropertiesDictionary? properties) =>
        (properties?.Keys ?? []).Select(name => name.LastIndexOf('.') is var dot and > 0 ? name[..dot] : name).Order(StringComparer.Ordinal);

    private static void Only(string layer, LlmCostsOptions options, IDistributedCache shared)
    {
        options.DistributedCacheTimeout = TimeSpan.FromSeconds(30);
        if (layer is not ("memory" or "all"))
            options.MemoryCacheBytes = 0;

        if (layer is not ("disk" or "all"))
            options.DiskCacheBytes = 0;

        if (layer is "memory" or "disk")
            return;

        options.DistributedCache = shared;
        if (layer == "distributed without a namespace")
            options.AllowSharedCacheWithoutNamespace = true;
        else
            options.CacheNamespace = "app";
    }

    private LlmCosts Open(Action<LlmCostsOptions>? configure = null)
    {
        var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            configure?.Invoke(o);
        });
        _opened.Add(costs);
        return costs;
    }
}
