using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Distributed;

namespace LlmCostCache.AI.Tests;

/// <summary>A distributed cache that misbehaves as it is told, until it is told otherwise.</summary>
internal class ScriptedDistributedCache : IDistributedCache
{
    private readonly ConcurrentDictionary<string, byte[]> _entries = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DistributedCacheEntryOptions> _options = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _reads;
    private volatile string? _writes;
    private int _answerReads;
    private int _writeCount;

    /// <summary>All ways in which reading can go wrong.</summary>
    public static TheoryData<string> Troubles => ["throws", "throws at once", "throws a timeout", "hangs", "hangs and ignores cancellation", "blocks", "is slow", "cancels by itself", "returns no task"];

    /// <summary>What happens to reads; null when all is well.</summary>
    public string? Reads
    {
        get => _reads;
        set => _reads = value;
    }

    /// <summary>What happens to writes and removals; null when all is well.</summary>
    public string? Writes
    {
        get => _writes;
        set => _writes = value;
    }

    /// <summary>What a read answers instead of what is stored under a name.</summary>
    public Func<string, byte[]?, byte[]?>? Forge { get; set; }

    /// <summary>How long a read takes when all is well.</summary>
    public TimeSpan ReadsTake { get; set; }

    /// <summary>How often an answer was asked for, not a stamp or a sign of life.</summary>
    public int AnswerReads => Volatile.Read(ref _answerReads);

    public int WriteCount => Volatile.Read(ref _writeCount);

    public IReadOnlyDictionary<string, byte[]> Entries => _entries;

    public DistributedCacheEntryOptions OptionsOf(string name) => _options[name];

    public static bool IsAnswer(string name) => !name.Contains(":invalid", StringComparison.Ordinal) && !name.EndsWith(":probe", StringComparison.Ordinal);

    /// <summary>Everything is well from now on, also for those who hang in here.</summary>
    public void Recover()
    {
        (_reads, _writes) = (null, null);
        _released.TrySetResult();
    }

    private async Task<byte[]?> Stored(string key)
    {
        await Task.Yield();
        if (ReadsTake > TimeSpan.Zero)
            await Task.Delay(ReadsTake);

        var bytes = _entries.GetValueOrDefault(key);
        return Forge is { } forge ? forge(key, bytes) : bytes;
    }

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        if (IsAnswer(key))
            Interlocked.Increment(ref _answerReads);

        return _reads is { } trouble ? Trouble<byte[]?>(trouble, () => Stored(key), token)! : Stored(key);
    }

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        Interlocked.Increment(ref _writeCount);
        return _writes is { } trouble ? Trouble(trouble, () => Set(), token)! : Set();

        Task<bool> Set()
        {
            _entries[key] = value;
            _options[key] = options;
            return Task.FromResult(true);
        }
    }

    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        Interlocked.Increment(ref _writeCount);
        return _writes is { } trouble ? Trouble(trouble, () => Remove(), token)! : Remove();

        Task<bool> Remove() => Task.FromResult(_entries.TryRemove(key, out _));
    }

    public byte[]? Get(string key) => throw new NotSupportedException();

    public void Set(string name, byte[] bytes) => _entries[name] = bytes;

    public void Delete(string name) => _entries.TryRemove(name, out _);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();

    public void Refresh(string key) => throw new NotSupportedException();

    public Task RefreshAsync(string key, CancellationToken token = default) => throw new NotSupportedException();

    public void Remove(string key) => throw new NotSupportedException();

    private Task<T>? Trouble<T>(string trouble, Func<Task<T>> well, CancellationToken token)
    {
        switch (trouble)
        {
            case "throws at once":
                throw new InvalidOperationException("MOVED 1234 10.0.0.1");
            case "blocks":
                _released.Task.Wait(TimeSpan.FromSeconds(60), CancellationToken.None);
                return well();
            case "returns no task":
                return null;
            default:
                return LaterAsync(trouble, well, token);
        }
    }

    private async Task<T> LaterAsync<T>(string trouble, Func<Task<T>> well, CancellationToken token)
    {
        await Task.Yield();
        switch (trouble)
        {
            case "throws":
                throw new InvalidOperationException("WRONGTYPE Operation against a key holding the wrong kind of value");
            case "throws a timeout":
                throw new TimeoutException();
            case "hangs":
                await _released.Task.WaitAsync(token);
                break;
            case "hangs and ignores cancellation":
                await _released.Task;
                break;
            case "is slow":
                await _released.Task.WaitAsync(TimeSpan.FromSeconds(10), token);
                break;
            case "cancels by itself":
                throw new OperationCanceledException();
            default:
                throw new ArgumentException(trouble, nameof(trouble));
        }

        return await well();
    }

    /// <summary>The same with the buffers of newer implementations.</summary>
    internal sealed class Buffered : ScriptedDistributedCache, IBufferDistributedCache
    {
        public async ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default)
        {
            if (await GetAsync(key, token) is not { } bytes)
                return false;

            foreach (var piece in bytes.Chunk(1000))
            {
                destination.Write(piece);
                await Task.Yield();
            }

            return true;
        }

        public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
            new(SetAsync(key, value.ToArray(), options, token));

        public bool TryGet(string key, IBufferWriter<byte> destination) => throw new NotSupportedException();

        public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) => throw new NotSupportedException();
    }
}
