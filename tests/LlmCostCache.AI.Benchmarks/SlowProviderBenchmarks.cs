using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A question of about 2,000 tokens that was never asked before, to a provider that takes 200 ms. The target is a ratio of at most 1.010.</summary>
/// <remarks>The answer is there before it is stored: key, look-ups and the ledger row are what its caller waits for.</remarks>
[Config(typeof(WallTimeConfig))]
public class SlowProviderBenchmarks
{
    private Subject _subject = null!;
    private RequestPool _requests = null!;
    private int _number;

    [GlobalSetup(Target = nameof(Bare))]
    public void SetUpBare() => SetUp(Subject.Bare());

    [GlobalSetup(Target = nameof(DistributedCache))]
    public void SetUpPeer() => SetUp(Subject.Peer());

    [GlobalSetup(Target = nameof(CostCache))]
    public void SetUpOurs() => SetUp(Subject.Ours());

    [GlobalCleanup]
    public void CleanUp() => _subject.Dispose();

    [Benchmark(Baseline = true, Description = "provider alone")]
    public ChatResponse Bare() => Ask();

    [Benchmark(Description = "UseDistributedCache")]
    public ChatResponse DistributedCache() => Ask();

    [Benchmark(Description = "UseCostCache")]
    public ChatResponse CostCache() => Ask();

    private ChatResponse Ask()
    {
        var (messages, options) = _requests.Next();
        options.Seed = ++_number;
        return _subject.Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
    }

    private void SetUp(Subject subject)
    {
        _subject = subject;
        _requests = new RequestPool(2_000, tools: false);
        Ask();
        _subject.Provider.Latency = TimeSpan.FromMilliseconds(200);
    }
}
