using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A temporary home, a fake provider and the pipeline between them.</summary>
internal sealed class Pipeline : IAsyncDisposable
{
    private readonly TempHome _home = new();

    public Pipeline(Action<LlmCostsOptions>? configure = null, Func<ChatClientBuilder, LlmCosts, ChatClientBuilder>? build = null, FakeChatClient? provider = null)
    {
        Provider = provider ?? new FakeChatClient();
        Costs = OpenAnother(configure);
        build ??= static (builder, costs) => builder.UseCostCache(costs).UseBudget(costs);
        Client = build(Provider.AsBuilder(), Costs).Build();
    }

    public FakeChatClient Provider { get; }

    public LlmCosts Costs { get; }

    public IChatClient Client { get; }

    public string Home => _home.Path;

    /// <summary>Opens the home once more, as another process would.</summary>
    public LlmCosts OpenAnother(Action<LlmCostsOptions>? configure = null) => LlmCosts.Open(o =>
    {
        o.HomeDirectory = _home.Path;
        o.TimeProvider = SameDayClock.ForATest;
        configure?.Invoke(o);
    });

    /// <summary>What is in the ledger, everything queued included.</summary>
    public async Task<List<UsageRecord>> RowsAsync()
    {
        await Costs.FlushAsync();
        var rows = new List<UsageRecord>();
        await foreach (var row in Costs.Store.ReadAsync(LedgerFilter.All))
        {
            rows.Add(row);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Costs.DisposeAsync();
        _home.Dispose();
    }
}
