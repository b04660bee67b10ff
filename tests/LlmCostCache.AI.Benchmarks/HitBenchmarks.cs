using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What a question costs its caller when the answer is in memory. Ours includes the queued ledger row and the telemetry; the peer has neither.</summary>
[Config(typeof(CallerTimeConfig))]
public class HitBenchmarks
{
    private Subject _subject = null!;
    private RequestPool _requests = null!;

    [Params(100, 2_000, 30_000, 100_000)]
    public int Tokens { get; set; }

    [Params(false, true)]
    public bool Tools { get; set; }

    [GlobalSetup(Target = nameof(DistributedCache))]
    public void SetUpPeer() => SetUp(Subject.Peer());

    [GlobalSetup(Target = nameof(CostCache))]
    public void SetUpOurs() => SetUp(Subject.Ours());

    [GlobalSetup(Target = nameof(CostCacheObserved))]
    public void SetUpObserved() => SetUp(Subject.Ours(listeners: true));

    [GlobalCleanup]
    public void CleanUp() => _subject.Dispose();

    [Benchmark(Baseline = true, Description = "UseDistributedCache")]
    public ChatResponse DistributedCache() => Ask();

    [Benchmark(Description = "UseCostCache")]
    public ChatResponse CostCache() => Ask();

    [Benchmark(Description = "UseCostCache, listeners")]
    public ChatResponse CostCacheObserved() => Ask();

    private ChatResponse Ask()
    {
        var (messages, options) = _requests.Next();
        return _subject.Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
    }

    private void SetUp(Subject subject)
    {
        _subject = subject;
        _requests = new RequestPool(Tokens, Tools);
        _subject.Prime(_requests);
    }
}
