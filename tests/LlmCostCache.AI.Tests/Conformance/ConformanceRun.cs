using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A case on its way through the whole pipeline: SDK, meter, price book, ledger. It can be sent again with the bytes cut otherwise.</summary>
internal sealed class ConformanceRun : IAsyncDisposable
{
    private readonly TempHome _home = new();
    private readonly ConformanceCase _test;
    private readonly LlmCosts _costs;
    private readonly HashSet<string> _seen = [];

    public ConformanceRun(ConformanceCase test)
    {
        _test = test;
        _costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            o.TimeProvider = new FixedClock(test.At);
            foreach (var (alias, model) in test.Aliases)
            {
                o.ModelAliases[alias] = model;
            }
        });
    }

    /// <summary>Asks, and returns what the answer says it cost, the row that was written, and what the SDK threw.</summary>
    public async Task<(CallCost? Answer, UsageRecord Row, Exception? Thrown)> AskAsync(Action<WireHandler>? cut = null)
    {
        using var wire = new WireHandler(_test.Reply);
        cut?.Invoke(wire);
        CallCost? answer = null;
        var thrown = await Record.ExceptionAsync(async () => answer = await CostAsync(wire));
        await _costs.FlushAsync();
        var rows = await _costs.Store.ReadAsync(LedgerFilter.All).ToListAsync();
        return (answer, Assert.Single(rows, row => _seen.Add(row.Id)), thrown);
    }

    public async ValueTask DisposeAsync()
    {
        await _costs.DisposeAsync();
        _home.Dispose();
    }

    private async Task<CallCost> CostAsync(WireHandler wire)
    {
        var request = _test.Request;
        if (_test.Adapter.EndsWith("-embeddings", StringComparison.Ordinal))
        {
            using var generator = ConformanceAdapters.Embeddings(_test, wire).AsBuilder().UseUsageMetering(_costs).Build();
            return (await generator.GenerateAsync([request.Text])).GetCost();
        }

        using var client = ConformanceAdapters.Chat(_test, wire).AsBuilder().UseUsageMetering(_costs).Build();
        var response = request.Streamed
            ? await client.GetStreamingResponseAsync(request.Text, request.Options).ToChatResponseAsync()
            : await client.GetResponseAsync(request.Text, request.Options);
        return response.GetCost();
    }

    /// <summary>The day stands still, the stopwatch does not.</summary>
    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
