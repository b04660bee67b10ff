using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Passes many distinct questions through the memory layer and watches what it holds. The target is the limit plus a quarter.</summary>
internal sealed class CacheSoak(int keys)
{
    public const int FullSize = 10_000_000;
    public const int SmokeSize = 60_000;

    private const long Limit = 64L << 20;
    private const int Samples = 40;

    private static readonly CacheEndpoint s_endpoint = new("openai", new Uri("https://api.openai.com/v1"), "gpt-4o-mini");

    private static readonly CallCost s_cost = CallCost.Known(Money.FromNanos(600_000)) with
    {
        Usage = new TokenUsage { UncachedInputTokens = 2_000, OutputTokens = 500, Requests = 1 },
    };

    /// <summary>Runs and says what it saw, as a table.</summary>
    public (string Table, decimal Ratio) Run()
    {
        // Most answers are short, some are long, a few are of the largest size that is stored.
        string[] texts = [.. new[] { 200, 500, 1_000, 2_000, 4_000 }.Select(length => Payload.Text(length, length)), Payload.Text(200_000, 7), Payload.Text(1_900_000, 8)];
        using var cache = new ResponseCache(new LlmCostsOptions { MemoryCacheBytes = Limit }, homeDirectory: null, NullLogger.Instance);
        Pass(cache, texts, 0, 1_000);
        cache.ClearAsync().GetAwaiter().GetResult();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (live, resident, hits) = (0L, 0L, 0);
        var watch = Stopwatch.StartNew();
        for (var sample = 0; sample < Samples; sample++)
        {
            hits += Pass(cache, texts, sample * (keys / Samples), keys / Samples);
            live = Math.Max(live, GC.GetTotalMemory(forceFullCollection: true) - before);
            using var process = Process.GetCurrentProcess();
            resident = Math.Max(resident, process.WorkingSet64);
        }

        GC.KeepAlive(cache);
        var ratio = decimal.Round((decimal)live / Limit, 3);
        var today = TimeProvider.System.GetUtcNow();
        return (string.Create(CultureInfo.InvariantCulture, $"""
            | distinct questions | limit | most that was held | ratio | most memory of the process | asked again and found |
            |---:|---:|---:|---:|---:|---:|
            | {keys:N0} | {Limit >> 20} MB | {live / 1048576m:N1} MB | {ratio:0.000}x | {resident >> 20:N0} MB | {hits:N0} |

            {today:yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, {watch.Elapsed.TotalSeconds:N0} s, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --soak`

            """), ratio);
    }

    // Every tenth question is asked a second time soon after, so that both queues of the layer are in use.
    private static int Pass(ResponseCache cache, string[] texts, int from, int count)
    {
        var hits = 0;
        for (var i = from; i < from + count; i++)
        {
            var plan = Plan(cache, i);
            var text = texts[i % 20_000 == 0 ? 6 : i % 1_000 == 0 ? 5 : i % 5];
            var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, new string(text.AsSpan()))) { FinishReason = ChatFinishReason.Stop };
            if (cache.Store(plan, response, s_cost) is { } whyNot)
            {
                throw new InvalidOperationException($"Answer {i} was not stored: {whyNot}.");
            }

            if (i % 10 == 9 && cache.FindAsync(Plan(cache, i - 5), CancellationToken.None).AsTask().GetAwaiter().GetResult() is not null)
            {
                hits++;
            }
        }

        return hits;
    }

    private static CachePlan Plan(ResponseCache cache, int number) => cache.Plan(
        [new ChatMessage(ChatRole.System, "You are a helpful assistant."), new ChatMessage(ChatRole.User, string.Create(CultureInfo.InvariantCulture, $"What is order {number} about?"))],
        options: null, s_endpoint, tenant: null, CachePolicy.Default);
}
