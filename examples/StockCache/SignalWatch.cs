using System.Diagnostics.Metrics;

namespace StockCacheExample;

/// <summary>Listens to every meter but those of the runtime.</summary>
internal sealed class SignalWatch : IDisposable
{
    private readonly MeterListener _listener;
    private long _inputTokens;
    private int _hits;

    public SignalWatch()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (!instrument.Meter.Name.StartsWith("System.", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>What <c>gen_ai.client.token.usage</c> has counted as input.</summary>
    public long InputTokens => Interlocked.Read(ref _inputTokens);

    /// <summary>Measurements that say they are about a hit.</summary>
    public int Hits => Volatile.Read(ref _hits);

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var (name, tag) in tags)
        {
            if (instrument.Name == "gen_ai.client.token.usage" && name == "gen_ai.token.type" && tag is "input")
            {
                Interlocked.Add(ref _inputTokens, value);
            }

            if (tag is string text && text.Equals("hit", StringComparison.OrdinalIgnoreCase))
            {
                Interlocked.Increment(ref _hits);
            }
        }
    }
}
