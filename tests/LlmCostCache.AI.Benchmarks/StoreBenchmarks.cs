using System.Buffers.Binary;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>The disk layer alone, from key in hand to a <see cref="ChatResponse"/> of 2,000 characters, beside what one writes by hand and beside a whole memory hit of the peer.</summary>
[Config(typeof(CallerTimeConfig))]
public class StoreBenchmarks
{
    private const int KeysAskedFor = 50_000;

    private static readonly Dictionary<string, BenchmarkHome> s_filled = [];
    private static readonly CacheEncryptionKey s_key = new(SHA256.HashData("a key for benchmarks"u8));
    private static readonly CacheSecret s_secret = new("a secret for benchmarks");

    private readonly CacheKey[] _keys = new CacheKey[KeysAskedFor];
    private readonly byte[][] _bytes = new byte[KeysAskedFor][];
    private UsualAnswerTable _usual = null!;
    private DiskLayer? _layer;
    private Subject? _peer;
    private RequestPool _requests = null!;
    private int _next;

    static StoreBenchmarks() => AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
    {
        SqliteConnection.ClearAllPools();
        foreach (var home in s_filled.Values)
        {
            home.Dispose();
        }
    };

    /// <summary>Each of the four files takes two minutes to fill with a million, and all together 6 GB, so only the full recording has it.</summary>
    public static IEnumerable<int> Sizes => MeasurementConfig.Effort switch
    {
        Effort.Full => [10_000, 1_000_000],
        Effort.Short => [10_000],
        _ => [1_000],
    };

    [ParamsSource(nameof(Sizes))]
    public int Answers { get; set; }

    [GlobalSetup(Target = nameof(Usual))]
    public void SetUpUsual()
    {
        PrepareKeys();
        var home = Filled("usual", path => new UsualAnswerTable(Path.Combine(path, "usual.db")).Fill(Enumerable.Range(0, Answers).Select(i => (Key(i), Answer()))));
        _usual = new UsualAnswerTable(Path.Combine(home, "usual.db"));
        _ = Usual() ?? throw new InvalidOperationException("This does not measure hits.");
    }

    [GlobalSetup(Target = nameof(Checksum))]
    public void SetUpChecksum() => SetUp(AnswerSeal.None);

    [GlobalSetup(Target = nameof(Secret))]
    public void SetUpSecret() => SetUp(AnswerSeal.Of(s_secret, []));

    [GlobalSetup(Target = nameof(Encrypted))]
    public void SetUpEncrypted() => SetUp(AnswerSeal.Of(secret: null, [s_key]));

    [GlobalSetup(Target = nameof(PeerInMemory))]
    public void SetUpPeer()
    {
        _peer = Subject.Peer();
        _requests = new RequestPool(2_000, tools: false);
        _peer.Prime(_requests);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _layer?.Dispose();
        _peer?.Dispose();
    }

    [Benchmark(Baseline = true, Description = "Microsoft.Data.Sqlite and System.Text.Json")]
    public ChatResponse? Usual() => _usual.Find(_bytes[Next()]);

    [Benchmark(Description = "disk layer")]
    public ChatResponse Checksum() => _layer!.Find(_keys[Next()])!.ToResponse();

    [Benchmark(Description = "disk layer, with a secret")]
    public ChatResponse Secret() => _layer!.Find(_keys[Next()])!.ToResponse();

    [Benchmark(Description = "disk layer, encrypted")]
    public ChatResponse Encrypted() => _layer!.Find(_keys[Next()])!.ToResponse();

    [Benchmark(Description = "UseDistributedCache in memory, 2,000 tokens")]
    public ChatResponse PeerInMemory()
    {
        var (messages, options) = _requests.Next();
        return _peer!.Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
    }

    private static byte[] Key(int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return SHA256.HashData(bytes);
    }

    private static ChatResponse Answer() => new InstantChatClient().GetResponseAsync([]).GetAwaiter().GetResult();

    private int Next() => _next = (_next + 1) % KeysAskedFor;

    private void PrepareKeys()
    {
        var random = new Random(1);
        for (var i = 0; i < KeysAskedFor; i++)
        {
            _bytes[i] = Key(random.Next(Answers));
            _keys[i] = new CacheKey(_bytes[i]);
        }
    }

    private void SetUp(AnswerSeal seal)
    {
        PrepareKeys();
        var home = Filled($"{seal.Encrypts} {ReferenceEquals(seal, AnswerSeal.None)}", path => Fill(path, seal));
        _layer = Open(home, seal);
        _ = Checksum();
    }

    private static DiskLayer Open(string home, AnswerSeal seal) =>
        DiskLayer.TryOpen(home, 1L << 40, seal, TimeProvider.System, new Invalidations(TimeProvider.System), NullLogger.Instance, static what => throw new InvalidOperationException(what))!;

    private void Fill(string home, AnswerSeal seal)
    {
        using var layer = Open(home, seal);
        var plan = new CachePlan { Policy = CachePolicy.Default, Model = "gpt-4o-mini", TimeToLive = TimeSpan.FromDays(1) };
        var cost = CallCost.Known(Money.FromUsd(0.000_6m)) with
        {
            Usage = new TokenUsage { UncachedInputTokens = 2_000, OutputTokens = 500, Requests = 1 },
            PriceRevision = "openai/gpt-4o-mini-2024-07-18@2026-08-22#08ac9afa",
        };
        var purchase = new Purchase { Provider = "openai", Host = "api.openai.com", Model = "gpt-4o-mini-2024-07-18" };
        var answer = StoredAnswer.TryCopy(Answer(), plan, cost, TimeProvider.System.GetUtcNow(), purchase)!;
        for (var i = 0; i < Answers; i++)
        {
            layer.Put(new CacheKey(Key(i)), answer);
            if (i % 5_000 == 0)
            {
                layer.FlushAsync().GetAwaiter().GetResult();
            }
        }
    }

    private string Filled(string name, Action<string> fill)
    {
        name = $"{name} {Answers}";
        if (!s_filled.TryGetValue(name, out var home))
        {
            s_filled[name] = home = new BenchmarkHome();
            fill(home.Path);
        }

        return home.Path;
    }
}
