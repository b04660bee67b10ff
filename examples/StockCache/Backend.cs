using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace StockCacheExample;

/// <summary>A <see cref="MemoryDistributedCache"/> that can be told to be down, to lose writes and to hold garbage, as servers do.</summary>
internal sealed class Backend(SettableClock clock) : IDistributedCache
{
    private readonly MemoryDistributedCache _cache = new(Options.Create(new MemoryDistributedCacheOptions { Clock = clock }));
    private readonly ConcurrentDictionary<string, DistributedCacheEntryOptions> _written = [];

    public bool CannotBeRead { get; set; }

    public bool CannotBeWritten { get; set; }

    /// <summary>Replaces what was written by something else.</summary>
    public void Garble(Func<byte[], byte[]> change)
    {
        foreach (var (key, options) in _written)
        {
            if (_cache.Get(key) is { } value)
            {
                _cache.Set(key, change(value), options);
            }
        }
    }

    public byte[]? Get(string key) => CannotBeRead ? throw new IOException("The server does not answer.") : _cache.Get(key);

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        CannotBeRead ? Task.FromException<byte[]?>(new IOException("The server does not answer.")) : _cache.GetAsync(key, token);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => SetAsync(key, value, options).GetAwaiter().GetResult();

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (CannotBeWritten)
        {
            return Task.FromException(new IOException("The server is full."));
        }

        _written[key] = options;
        return _cache.SetAsync(key, value, options, token);
    }

    public void Refresh(string key) => _cache.Refresh(key);

    public Task RefreshAsync(string key, CancellationToken token = default) => _cache.RefreshAsync(key, token);

    public void Remove(string key) => _cache.Remove(key);

    public Task RemoveAsync(string key, CancellationToken token = default) => _cache.RemoveAsync(key, token);
}
