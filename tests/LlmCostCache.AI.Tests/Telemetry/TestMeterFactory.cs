using System.Diagnostics.Metrics;

namespace LlmCostCache.AI.Tests;

/// <summary>Gives each test a meter of its own, as dependency injection gives each application one.</summary>
internal sealed class TestMeterFactory : IMeterFactory
{
    private readonly List<Meter> _meters = [];

    public Meter Create(MeterOptions options)
    {
        var meter = _meters.Find(meter => meter.Name == options.Name);
        if (meter is null)
        {
            options.Scope = this;
            _meters.Add(meter = new Meter(options));
        }

        return meter;
    }

    public void Dispose() => _meters.ForEach(meter => meter.Dispose());
}
