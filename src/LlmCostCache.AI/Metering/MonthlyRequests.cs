using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// How many requests to a model went before in the calendar month (UTC), for prices that have steps by volume: what providers answered, hits excluded, by every
/// process that writes this ledger. Models without steps cost one look into the price book. The ledger is asked at most every five seconds and own requests are added
/// in between, so calls that run side by side can count the same number, and what other processes did in the last seconds may be missing.
/// </summary>
internal sealed class MonthlyRequests(PriceBook prices, ILedgerStore store, TimeProvider time, ILogger logger)
{
    private const int MaxRemembered = 1_000;

    private static readonly TimeSpan s_stale = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(PriceEntry Entry, DateTimeOffset Month), Count> _counts = new();

    /// <summary>The requests before one that is made now; null when the price has no steps, or when the ledger cannot be read.</summary>
    public async ValueTask<long?> BeforeAsync(string? provider, string? model, DateTimeOffset at, string? host)
    {
        if (prices.FindStepped(provider, model, at, host) is not { } entry)
        {
            return null;
        }

        var key = (entry, MonthOf(at));
        if (!_counts.TryGetValue(key, out var count) || time.GetElapsedTime(count.ReadAt) > s_stale)
        {
            if (await ReadAsync(entry, key.Item2, at, host).ConfigureAwait(false) is not { } read)
            {
                return null;
            }

            if (_counts.Count >= MaxRemembered)
            {
                _counts.Clear();
            }

            _counts[key] = count = new(read, time.GetTimestamp());
        }

        return Interlocked.Read(ref count.Requests);
    }

    /// <summary>The requests before one that was made elsewhere and may be long ago.</summary>
    public ValueTask<long?> BeforeRecordedAsync(string? provider, string? model, DateTimeOffset at) =>
        prices.FindStepped(provider, model, at) is { } entry ? ReadAsync(entry, MonthOf(at), at, null) : new(default(long?));

    /// <summary>Adds requests that are in the ledger now.</summary>
    public void Add(string? provider, string? model, DateTimeOffset at, string? host, long requests)
    {
        if (prices.FindStepped(provider, model, at, host) is { } entry && _counts.TryGetValue((entry, MonthOf(at)), out var count))
        {
            Interlocked.Add(ref count.Requests, requests);
        }
    }

    private static DateTimeOffset MonthOf(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    private async ValueTask<long?> ReadAsync(PriceEntry entry, DateTimeOffset month, DateTimeOffset at, string? host)
    {
        // To the end of the quarter-hour, so that the roll-up answers alone: nothing that is made now has anything after it.
        var until = LedgerTime.Instant(LedgerTime.SlotStart(LedgerTime.Slot(LedgerTime.Micros(at)) + 1));
        try
        {
            var totals = await store.TotalsAsync(LedgerDimension.Provider, LedgerDimension.Model, new() { Since = month, Until = until }).ConfigureAwait(false);
            return totals.Where(total => ReferenceEquals(prices.FindStepped(total.Key, total.ThenKey, at, host), entry)).Sum(total => total.Usage.Requests);
        }
        catch (StoreUnavailableException exception)
        {
            Log.StoreUnavailable(logger, exception.Message);
            return null;
        }
    }

    private sealed class Count(long requests, long readAt)
    {
        public long Requests = requests;

        public long ReadAt { get; } = readAt;
    }
}
