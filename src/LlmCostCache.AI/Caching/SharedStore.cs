using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Distributed;

namespace LlmCostCache.AI;

/// <summary>An <see cref="IDistributedCache"/> at arm's length: it may block, throw, hang or return anything without catching our callers.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for has nothing to dispose.")]
internal sealed class SharedStore(IDistributedCache cache)
{
    // Some implementations connect, or even ask, before they return a task. Half of the pool's first threads may be caught in there; timers
    // and callers need the others, or nobody would notice in time that the store is slow.
    private readonly SemaphoreSlim _starts = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>What is stored under a name, or null.</summary>
    /// <exception cref="InvalidDataException">It is larger than any frame.</exception>
    public async Task<ReadOnlyMemory<byte>?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        await _starts.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await Task.Run(
            () =>
            {
                try
                {
                    return cache is IBufferDistributedCache buffered ? ReadAsync(buffered, name, cancellationToken) : ReadAsync(cache, name, cancellationToken);
                }
                finally
                {
                    _starts.Release();
                }
            },
            CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>May block: not to be called on a thread that others wait for.</summary>
    public Task WriteAsync(string name, byte[] bytes, TimeSpan timeToLive, CancellationToken cancellationToken, TimeSpan? slidingFor = null) =>
        cache.SetAsync(name, bytes, new() { AbsoluteExpirationRelativeToNow = timeToLive, SlidingExpiration = slidingFor }, cancellationToken);

    /// <summary>May block: not to be called on a thread that others wait for.</summary>
    public Task RemoveAsync(string name, CancellationToken cancellationToken) => cache.RemoveAsync(name, cancellationToken);

    // Written out: null turns into empty memory by itself, and what is not stored would look like something.
    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(IDistributedCache cache, string name, CancellationToken cancellationToken)
    {
        var bytes = await cache.GetAsync(name, cancellationToken).ConfigureAwait(false);
        return bytes is null ? default(ReadOnlyMemory<byte>?) : new ReadOnlyMemory<byte>(bytes);
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(IBufferDistributedCache cache, string name, CancellationToken cancellationToken)
    {
        var frame = new FrameBuffer();
        return await cache.TryGetAsync(name, frame, cancellationToken).ConfigureAwait(false) ? frame.Written : default(ReadOnlyMemory<byte>?);
    }

    /// <summary>Takes no more bytes than a frame may have, so that a value of gigabytes ends at the door.</summary>
    private sealed class FrameBuffer : IBufferWriter<byte>
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

        public void Advance(int count) => _bytes.Advance(count);

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            Check(sizeHint);
            return _bytes.GetMemory(sizeHint);
        }

        public Span<byte> GetSpan(int sizeHint = 0)
        {
            Check(sizeHint);
            return _bytes.GetSpan(sizeHint);
        }

        private void Check(int sizeHint)
        {
            if (sizeHint > AnswerFrame.MaxBytes - _bytes.WrittenCount || _bytes.WrittenCount >= AnswerFrame.MaxBytes)
                throw new InvalidDataException();
        }
    }
}
