using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A real provider SDK that talks to a scripted endpoint, under cache, budget and meter.</summary>
internal sealed class ProviderPipeline : IAsyncDisposable
{
    private readonly TempHome _home = new();

    private ProviderPipeline(ScriptedEndpoint endpoint, Func<Uri, IChatClient> sdk, Func<ChatClientBuilder, LlmCosts, ChatClientBuilder>? build, Action<LlmCostsOptions>? configure)
    {
        Endpoint = endpoint;
        Costs = LlmCosts.Open(o =>
        {
            o.TimeProvider = SameDayClock.ForATest;
            o.HomeDirectory = _home.Path;
            o.Budgets.Add(Budget.Daily(100m));
            configure?.Invoke(o);
        });
        build ??= static (builder, costs) => builder.UseCostCache(costs).UseBudget(costs);
        Client = build(sdk(endpoint.Address).AsBuilder(), Costs).Build();
    }

    public ScriptedEndpoint Endpoint { get; }

    public LlmCosts Costs { get; }

    public IChatClient Client { get; }

    public static async Task<ProviderPipeline> StartAsync(Func<Uri, IChatClient> sdk, params ScriptedReply[] replies) =>
        new(await ScriptedEndpoint.StartAsync(replies), sdk, null, null);

    public static async Task<ProviderPipeline> BuildAsync(
        Func<Uri, IChatClient> sdk, Func<ChatClientBuilder, LlmCosts, ChatClientBuilder>? build, Action<LlmCostsOptions>? configure, params ScriptedReply[] replies) =>
        new(await ScriptedEndpoint.StartAsync(replies), sdk, build, configure);

    /// <summary>What is in the ledger, everything queued included.</summary>
    public async Task<List<UsageRecord>> RowsAsync()
    {
        await Costs.FlushAsync();
        return await Costs.Store.ReadAsync(LedgerFilter.All).ToListAsync();
    }

    /// <summary>The only row; its cost is what the budget has booked, and nothing is held any more.</summary>
    public async Task<UsageRecord> RowAsync()
    {
        var row = Assert.Single(await RowsAsync());
        await AssertSettledAsync(row.Cost.High);
        return row;
    }

    /// <summary>Nothing is held, and the budget has booked exactly this.</summary>
    public async Task AssertSettledAsync(Money booked)
    {
        var balance = Assert.Single(await Costs.Store.ReadBalancesAsync());
        Assert.Equal(Money.Zero, balance.Reserved);
        Assert.Equal(booked, balance.Spent);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Costs.DisposeAsync();
        await Endpoint.DisposeAsync();
        _home.Dispose();
    }
}
