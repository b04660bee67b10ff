namespace LlmCostCache.AI.Cli.Live;

/// <summary>Sums of the last minutes, kept up to date with rows as they are written.</summary>
internal sealed class MinuteMeter
{
    public const int Minutes = 30;

    private const int MostLatencies = 1_000;
    private const long MicrosPerMinute = 60_000_000;

    private readonly Dictionary<long, MinuteSum> _minutes = [];
    private readonly Queue<(long At, long Milliseconds)> _latencies = [];

    /// <summary>Takes a row in: a call, or what became known about one.</summary>
    public void Add(LedgerEntry row)
    {
        var minute = row.At / MicrosPerMinute;
        if (!_minutes.TryGetValue(minute, out var sum))
        {
            _minutes.Add(minute, sum = new());
        }

        sum.Spent += Money.FromNanos(row.BookedNanos);
        sum.Saved += Money.FromNanos(row.SavedNanos);
        sum.Unpriced += row.Unpriced;
        sum.Tokens += row.Status is CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked ? 0 : row.Usage.TotalTokens;
        if (row.IsAdjustment)
        {
            return;
        }

        sum.Calls++;
        sum.Hits += row.Status is CallStatus.Cached or CallStatus.Coalesced ? 1 : 0;
        sum.Failed += row.Status is CallStatus.Failed or CallStatus.Assumed ? 1 : 0;
        sum.Blocked += row.Status == CallStatus.Blocked ? 1 : 0;
        if (row.CacheLayer == CacheLayer.None && row.Status == CallStatus.Ok)
        {
            _latencies.Enqueue((row.At, row.LatencyMs));
            if (_latencies.Count > MostLatencies)
            {
                _latencies.Dequeue();
            }
        }
    }

    /// <summary>Forgets what is older than it shows.</summary>
    public void Forget(DateTimeOffset now)
    {
        var oldest = MinuteOf(now) - Minutes;
        foreach (var minute in _minutes.Keys.Where(minute => minute < oldest).ToList())
        {
            _minutes.Remove(minute);
        }

        while (_latencies.TryPeek(out var first) && first.At / MicrosPerMinute < oldest)
        {
            _latencies.Dequeue();
        }
    }

    /// <summary>The minute that runs and the ones before it, together.</summary>
    public MinuteSum Last(DateTimeOffset now, int minutes)
    {
        var sum = new MinuteSum();
        foreach (var minute in Each(now, minutes))
        {
            sum.Spent += minute.Spent;
            sum.Saved += minute.Saved;
            sum.Unpriced += minute.Unpriced;
            sum.Tokens += minute.Tokens;
            sum.Calls += minute.Calls;
            sum.Hits += minute.Hits;
            sum.Failed += minute.Failed;
            sum.Blocked += minute.Blocked;
        }

        return sum;
    }

    /// <summary>The last minutes one by one, the earliest first; the last one still runs.</summary>
    public IReadOnlyList<MinuteSum> Each(DateTimeOffset now, int minutes)
    {
        var last = MinuteOf(now);
        return [.. Enumerable.Range(0, minutes).Select(i => _minutes.GetValueOrDefault(last - minutes + 1 + i) ?? MinuteSum.Nothing)];
    }

    /// <summary>The middle and the slow end of how long providers took to answer; null without answers.</summary>
    public (long Median, long NinetyFifth, int Answers)? Latency()
    {
        if (_latencies.Count == 0)
        {
            return null;
        }

        long[] sorted = [.. _latencies.Select(latency => latency.Milliseconds).Order()];
        return (sorted[(sorted.Length - 1) / 2], sorted[(sorted.Length * 95 + 99) / 100 - 1], sorted.Length);
    }

    private static long MinuteOf(DateTimeOffset at) => LedgerTime.Micros(at) / MicrosPerMinute;

    /// <summary>What happened in one minute.</summary>
    internal sealed class MinuteSum
    {
        public static readonly MinuteSum Nothing = new();

        public Money Spent { get; set; }

        public Money Saved { get; set; }

        public long Calls { get; set; }

        public long Hits { get; set; }

        public long Failed { get; set; }

        public long Blocked { get; set; }

        public long Unpriced { get; set; }

        public long Tokens { get; set; }
    }
}
