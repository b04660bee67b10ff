using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Answers in any <see cref="IDistributedCache"/>. A look-up takes 50 ms at most; after three failures in a row the cache is
/// left alone for a while.</summary>
internal sealed class DistributedLayer : IAsyncDisposable
{
    private const int FailuresBeforePause = 3;
    private const int QueuedWrites = 1_000;

    private static readonly TimeSpan s_readWithin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_writeWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);

    private readonly IDistributedCache _cache;
    private readonly string _prefix;
    private readonly AnswerSeal _seal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<string> _failed;
    private readonly Channel<QueuedWrite> _writes = Channel.CreateBounded<QueuedWrite>(
        new BoundedChannelOptions(QueuedWrites) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Task _writer;
    private int _failures;
    private long _pausedAt;

    public DistributedLayer(IDistributedCache cache, string cacheNamespace, TimeProvider time, ILogger logger, Action<string> failed, AnswerSeal seal)
    {
        _cache = cache;
        _seal = seal;
        _time = time;
        _logger = logger;
        _failed = failed;

        // Keys already contain the namespace; the names of invalidations need it too.
        _prefix = $"llmcostcache:1:{Hash(cacheNamespace)[..16]}:";
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>An answer that no other machine has invalidated, or null.</summary>
    public async Task<StoredAnswer?> FindAsync(CacheKey key, CancellationToken cancellationToken)
    {
        if (IsPaused())
            return null;

        var name = NameOf(key);
        var frame = await ReadAsync(name, cancellationToken).ConfigureAwait(false);
        if (frame is null)
            return null;

        var opened = AnswerFrame.TryDecode(key, frame, _seal, out var answer);
        if (opened == SealResult.UnknownKey)
        {
            // Good for whoever has the key.
            _failed("an entry is encrypted with a key that is not among CacheEncryptionKeys");
            return null;
        }

        if (answer is null)
        {
            _failed("an entry was malformed");
            _writes.Writer.TryWrite(new(token => _cache.RemoveAsync(name, token), Done: null));
            return null;
        }

        return await IsDeadAsync(answer, cancellationToken).ConfigureAwait(false) ? null : answer;
    }

    public void Put(CacheKey key, StoredAnswer answer)
    {
        var timeToLive = answer.ExpiresAt - _time.GetUtcNow();
        if (timeToLive <= TimeSpan.Zero || IsPaused())
            return;

        var options = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = timeToLive };
        if (!_writes.Writer.TryWrite(new(token => _cache.SetAsync(NameOf(key), AnswerFrame.Encode(key, answer, _seal), options, token),
            Done: null)))
            _failed("the queue is full");
    }

    public Task RemoveAsync(CacheKey key) => DoAsync(token => _cache.RemoveAsync(NameOf(key), token));

    /// <summary>Leaves a stamp that every machine compares with what it reads from here.</summary>
    public Task InvalidateAsync(Invalidations.Scope scope, long stamp)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, stamp);
        var options = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = CachePolicy.LongestTimeToLive };
        return DoAsync(token => _cache.SetAsync(NameOf(scope), bytes, options, token));
    }

    /// <summary>Waits until what is queued so far has been tried.</summary>
    public Task FlushAsync() => DoAsync(static _ => Task.CompletedTask);

    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        try
        {
            await _writer.WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _failed("the queue could not be written before closing");
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private string NameOf(CacheKey key) => _prefix + key;

    private string NameOf(Invalidations.Scope scope) => $"{_prefix}invalid:{(int)scope.Kind}:{Hash(scope.Name)}";

    private async Task<bool> IsDeadAsync(StoredAnswer answer, CancellationToken cancellationToken)
    {
        var scopes = new List<Invalidations.Scope> { new(Invalidations.Kind.Everything, ""), new(Invalidations.Kind.Model, answer.Model) };
        foreach (var tag in answer.Tags)
            scopes.Add(new(Invalidations.Kind.Tag, tag));

        var failuresBefore = Volatile.Read(ref _failures);
        var stamps = await Task.WhenAll(scopes.Select(scope => ReadAsync(NameOf(scope), cancellationToken))).ConfigureAwait(false);

        // Not knowing whether it was invalidated counts as invalidated.
        return Volatile.Read(ref _failures) > failuresBefore
            || stamps.Any(stamp => stamp is { Length: sizeof(long) } && answer.AskedAt <= BinaryPrimitives.ReadInt64LittleEndian(stamp));
    }

    private async Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

            // On the pool: some implementations connect, or even ask, before they return a task. The limit is real time, whatever clock
            // we use.
            var read = Task.Run(() => _cache.GetAsync(name, stop.Token), CancellationToken.None);
            try
            {
                var bytes = await read.WaitAsync(s_readWithin, cancellationToken).ConfigureAwait(false);
                Volatile.Write(ref _failures, 0);
                return bytes;
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                Observe(read);
                throw;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
            return null;
        }
    }

    private Task DoAsync(Func<CancellationToken, Task> write)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_writes.Writer.TryWrite(new(write, done)))
            return done.Task;

        _failed("the queue is full");
        return Task.CompletedTask;
    }

    private async Task WriteAsync()
    {
        await foreach (var (write, done) in _writes.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (!IsPaused())
                await TryWriteAsync(write).ConfigureAwait(false);

            done?.TrySetResult();
        }
    }

    private async Task TryWriteAsync(Func<CancellationToken, Task> write)
    {
        using var stop = new CancellationTokenSource(s_writeWithin);
        var token = stop.Token;
        var task = Task.Run(() => write(token), CancellationToken.None);
        try
        {
            await task.WaitAsync(s_writeWithin).ConfigureAwait(false);
            Volatile.Write(ref _failures, 0);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Observe(task);
            Failed(e);
        }
    }

    private static void Observe(Task task) =>
        task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);

    private bool IsPaused()
    {
        if (Volatile.Read(ref _failures) < FailuresBeforePause)
            return false;

        var pausedAt = Interlocked.Read(ref _pausedAt);
        if (_time.GetElapsedTime(pausedAt) < s_pause)
            return true;

        // One caller tries again; the others stay away until it knows.
        return Interlocked.CompareExchange(ref _pausedAt, _time.GetTimestamp(), pausedAt) != pausedAt;
    }

    private void Failed(Exception e)
    {
        _failed(e is TimeoutException ? "timed out" : e.GetType().Name);
        if (Interlocked.Increment(ref _failures) == FailuresBeforePause)
        {
            Interlocked.Exchange(ref _pausedAt, _time.GetTimestamp());
            CacheLog.DistributedPaused(_logger, FailuresBeforePause, s_pause, e);
        }
    }

    private readonly record struct QueuedWrite(Func<CancellationToken, Task> Write, TaskCompletionSource? Done);
}
