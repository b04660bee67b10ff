using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A hit for a question in Chinese: three bytes of UTF-8 for two of UTF-16, and nothing that can be transcoded eight letters at a time.</summary>
[Config(typeof(CallerTimeConfig))]
public class ChineseHitBenchmarks
{
    private Subject _subject = null!;
    private RequestPool _requests = null!;

    [Params(2_000, 30_000)]
    public int Tokens { get; set; }

    [GlobalSetup(Target = nameof(DistributedCache))]
    public void SetUpPeer() => SetUp(Subject.Peer());

    [GlobalSetup(Target = nameof(CostCache))]
    public void SetUpOurs() => SetUp(Subject.Ours());

    [GlobalCleanup]
    public void CleanUp() => _subject.Dispose();

    [Benchmark(Baseline = true, Description = "UseDistributedCache")]
    public ChatResponse DistributedCache() => Ask();

    [Benchmark(Description = "UseCostCache")]
    public ChatResponse CostCache() => Ask();

    private ChatResponse Ask()
    {
        var (messages, options) = _requests.Next();
        return _subject.Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
    }

    private void SetUp(Subject subject)
    {
        _subject = subject;
        _requests = new RequestPool(() => Payload.ChineseRequest(Tokens));
        _subject.Prime(_requests);
    }
}
