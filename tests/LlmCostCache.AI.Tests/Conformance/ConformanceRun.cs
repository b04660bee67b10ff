using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A case on its way through the whole pipeline: SDK, meter, price book, ledger.</summary>
/// <param name="Answer">What the answer says it cost; null when there is none.</param>
/// <param name="Row">The row in the ledger.</param>
/// <param name="Thrown">What the SDK threw.</param>
internal sealed record ConformanceRun(CallCost? Answer, UsageRecord Row, Exception? Thrown)
{
    private static int s_runs;

    /// <param name="test">The case.</param>
    /// <param name="costs">Where it is booked.</param>
    /// <param name="cut">How the bytes arrive; at once when null.</param>
    public static async Task<ConformanceRun> OfAsync(ConformanceCase test, LlmCosts costs, Action<WireHandler>? cut = null)
    {
        using var wire = new WireHandler(test.Reply);
        cut?.Invoke(wire);
        CallCost? answer = null;

        // The session finds the row among those of other cases, some of which use the same ids.
        var session = $"run-{Interlocked.Increment(ref s_runs)}";
        using var scope = CostScope.Begin(session: session);
        var thrown = await Record.ExceptionAsync(async () => answer = await CostAsync(test, costs, wire));
        await costs.FlushAsync();
        var rows = await costs.Store.ReadAsync(new LedgerFilter { Session = session }).ToListAsync();
        return new(answer, Assert.Single(rows), thrown);
    }

    private static async Task<CallCost> CostAsync(ConformanceCase test, LlmCosts costs, WireHandler wire)
    {
        var request = test.Request;
        if (test.Adapter.EndsWith("-embeddings", StringComparison.Ordinal))
        {
            using var generator = ConformanceAdapters.Embeddings(test, wire).AsBuilder().UseUsageMetering(costs).Build();
            return (await generator.GenerateAsync([request.Text])).GetCost();
        }

        using var client = ConformanceAdapters.Chat(test, wire).AsBuilder().UseUsageMetering(costs).Build();
        var response = request.Streamed
            ? await client.GetStreamingResponseAsync(request.Text, request.Options).ToChatResponseAsync()
            : await client.GetResponseAsync(request.Text, request.Options);
        return response.GetCost();
    }
}
