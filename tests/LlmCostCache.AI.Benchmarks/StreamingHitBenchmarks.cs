using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>The same hit read as a stream, to its end.</summary>
[Config(typeof(CallerTimeConfig))]
public class StreamingHitBenchmarks
{
    private Subject _subject = null!;
    private RequestPool _requests = null!;

    [Params(100, 2_000, 30_000, 100_000)]
    public int Tokens { get; set; }

    [GlobalSetup(Target = nameof(DistributedCache))]
    public void SetUpPeer() => SetUp(Subject.Peer());

    [GlobalSetup(Target = nameof(CostCache))]
    public void SetUpOurs() => SetUp(Subject.Ours());

    [GlobalCleanup]
    public void CleanUp() => _subject.Dispose();

    [Benchmark(Baseline = true, Description = "UseDistributedCache")]
    public int DistributedCache() => Read().GetAwaiter().GetResult();

    [Benchmark(Description = "UseCostCache")]
    public int CostCache() => Read().GetAwaiter().GetResult();

    private async Task<int> Read()
    {
        var (messages, options) = _requests.Next();
        var updates = 0;
        await foreach (var _ in _subject.Client.GetStreamingResponseAsync(messages, options))
        {
            updates++;
        }

        return updates;
    }

    private void SetUp(Subject subject)
    {
        _subject = subject;
        _requests = new RequestPool(Tokens, tools: false);
        Read().GetAwaiter().GetResult();
        Read().GetAwaiter().GetResult();
        if (_subject.Provider.Calls != 1)
        {
            throw new InvalidOperationException($"The provider was called {_subject.Provider.Calls} times; this does not measure hits.");
        }
    }
}
