using System.Globalization;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>
/// What a question of about 2,000 tokens costs beyond its provider when it was never asked before, one caller at a time. Ours has its row on the
/// disk before the answer is handed out, so the disk decides; the same with a home in memory shows the rest.
/// </summary>
[Config(typeof(WallTimeConfig))]
public class MissBenchmarks
{
    private static readonly Budget s_budget = Budget.Daily(1_000_000m);

    private readonly byte[] _page = new byte[4096];
    private Subject _subject = null!;
    private BenchmarkHome? _home;
    private FileStream? _file;
    private List<ChatMessage> _messages = null!;
    private ChatOptions _options = null!;
    private int _number;

    [GlobalSetup(Target = nameof(Fsync))]
    public void SetUpFsync()
    {
        SetUp(Subject.Bare());
        _home = new BenchmarkHome();
        _file = new FileStream(Path.Combine(_home.Path, "page"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        _file.Write(_page);
        _file.Flush(flushToDisk: true);
    }

    [GlobalSetup(Target = nameof(Bare))]
    public void SetUpBare() => SetUp(Subject.Bare());

    [GlobalSetup(Target = nameof(DistributedCache))]
    public void SetUpPeer() => SetUp(Subject.Peer());

    [GlobalSetup(Target = nameof(OnDisk))]
    public void SetUpOnDisk() => SetUp(Subject.Ours());

    [GlobalSetup(Target = nameof(OnDiskWithBudget))]
    public void SetUpOnDiskWithBudget() => SetUp(Subject.Ours(budgets: s_budget));

    [GlobalSetup(Target = nameof(InMemory))]
    public void SetUpInMemory() => SetUp(Subject.Ours(inMemory: true));

    [GlobalSetup(Target = nameof(InMemoryWithBudget))]
    public void SetUpInMemoryWithBudget() => SetUp(Subject.Ours(inMemory: true, budgets: s_budget));

    [GlobalCleanup]
    public void CleanUp()
    {
        _subject.Dispose();
        _file?.Dispose();
        _home?.Dispose();
    }

    [Benchmark(Description = "provider alone")]
    public Task<ChatResponse> Bare() => Ask();

    [Benchmark(Description = "UseDistributedCache")]
    public Task<ChatResponse> DistributedCache() => Ask();

    [Benchmark(Baseline = true, Description = "the disk alone: 4 KiB and fsync")]
    public void Fsync()
    {
        _file!.Position = 0;
        _file.Write(_page);
        _file.Flush(flushToDisk: true);
    }

    [Benchmark(Description = "UseCostCache")]
    public Task<ChatResponse> OnDisk() => Ask();

    [Benchmark(Description = "UseCostCache, one strict budget")]
    public Task<ChatResponse> OnDiskWithBudget() => Ask();

    [Benchmark(Description = "UseCostCache, home in memory")]
    public Task<ChatResponse> InMemory() => Ask();

    [Benchmark(Description = "UseCostCache, one strict budget, home in memory")]
    public Task<ChatResponse> InMemoryWithBudget() => Ask();

    private Task<ChatResponse> Ask()
    {
        _messages[^1] = new ChatMessage(ChatRole.User, string.Create(CultureInfo.InvariantCulture, $"question {++_number}"));
        return _subject.Client.GetResponseAsync(_messages, _options);
    }

    private void SetUp(Subject subject)
    {
        _subject = subject;
        (_messages, _options) = Payload.Request(2_000, tools: false);
        _messages.Add(new ChatMessage(ChatRole.User, ""));
        _options.MaxOutputTokens = 1_000;
        Ask().GetAwaiter().GetResult();
        Ask().GetAwaiter().GetResult();
        if (_subject.Provider.Calls != 2)
        {
            throw new InvalidOperationException($"The provider was called {_subject.Provider.Calls} times; this does not measure misses.");
        }
    }
}
