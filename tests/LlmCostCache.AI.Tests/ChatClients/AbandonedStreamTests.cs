using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Nothing else may run calls meanwhile: what is counted is counted for the whole process.</summary>
[Collection(TelemetryListeners.Name)]
public class AbandonedStreamTests
{
    [Fact]
    public async Task Streams_that_are_never_ended_do_not_gather_in_memory()
    {
        await using var pipeline = new Pipeline(build: static (builder, costs) => builder.UseUsageMetering(costs));
        var before = CallToken.LiveCount;
        for (var i = 0; i < 200; i++)
        {
            await BeginAsync(pipeline.Client);
        }

        for (var i = 0; i < 1_000 && CallToken.LiveCount > before + 20; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10);
        }

        Assert.InRange(CallToken.LiveCount, 0, before + 20);
    }

    // Begun, read once and dropped without a word.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task BeginAsync(IChatClient client) => await client.GetStreamingResponseAsync("Hi").GetAsyncEnumerator().MoveNextAsync();
}
