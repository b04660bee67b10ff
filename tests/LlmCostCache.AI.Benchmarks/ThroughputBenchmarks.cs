using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Hits of 64 callers on one thread and on two; time for each hit, on the wall. Half the time is twice the throughput. The writer of the ledger works beside them.</summary>
[Config(typeof(WallTimeConfig))]
public class ThroughputBenchmarks
{
    private const int Callers = 64;
    private const int HitsOfCaller = 32;
    private const int Hits = Callers * HitsOfCaller;

    private readonly List<Thread> _threads = [];
    private Subject _subject = null!;
    private RequestPool[] _requests = null!;
    private Barrier _start = null!;
    private Barrier _end = null!;
    private volatile bool _closing;

    [Params(100, 2_000)]
    public int Tokens { get; set; }

    [GlobalSetup(Target = nameof(OneThread))]
    public void SetUpOne() => SetUp(1);

    [GlobalSetup(Target = nameof(TwoThreads))]
    public void SetUpTwo() => SetUp(2);

    [GlobalCleanup]
    public void CleanUp()
    {
        _closing = true;
        _start.SignalAndWait();
        _threads.ForEach(thread => thread.Join());
        _threads.Clear();
        _start.Dispose();
        _end.Dispose();
        _subject.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Hits, Description = "64 callers on 1 thread")]
    public void OneThread() => Ask();

    [Benchmark(OperationsPerInvoke = Hits, Description = "64 callers on 2 threads")]
    public void TwoThreads() => Ask();

    private void Ask()
    {
        _start.SignalAndWait();
        _end.SignalAndWait();
    }

    private void SetUp(int threads)
    {
        _closing = false;
        _subject = Subject.Ours();
        _requests = [.. Enumerable.Range(0, Callers).Select(_ => new RequestPool(Tokens, tools: false))];
        _subject.Prime(_requests[0]);
        _start = new Barrier(threads + 1);
        _end = new Barrier(threads + 1);
        for (var i = 0; i < threads; i++)
        {
            var first = i;
            var thread = new Thread(() => Work(first, threads)) { IsBackground = true };
            thread.Start();
            _threads.Add(thread);
        }
    }

    // Callers take turns on their thread, one hit each.
    private void Work(int first, int step)
    {
        while (true)
        {
            _start.SignalAndWait();
            if (_closing)
            {
                return;
            }

            for (var hit = 0; hit < HitsOfCaller; hit++)
            {
                for (var caller = first; caller < Callers; caller += step)
                {
                    var (messages, options) = _requests[caller].Next();
                    _subject.Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
                }
            }

            _end.SignalAndWait();
        }
    }
}
