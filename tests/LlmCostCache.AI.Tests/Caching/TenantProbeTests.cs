using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What one tenant can learn of another by looking closely: nothing.</summary>
[Collection(TelemetryListeners.Name)]
[Trait("Pace", "Machine")]
public class TenantProbeTests
{
    private const int Probes = 2_000;

    [Fact]
    public async Task What_is_told_about_a_hit_is_the_same_whether_another_tenant_asked_before_or_not() =>
        Assert.Equal(await ToldAsync(anotherAskedBefore: false), await ToldAsync(anotherAskedBefore: true));

    [Fact]
    public async Task How_long_a_look_up_takes_does_not_tell_what_another_tenant_asked()
    {
        await using var fixture = new CacheFixture(disk: true);
        for (var i = 0; i < Probes; i += 2)
            fixture.Store($"Question {i}", tenant: "a");

        await fixture.Cache.FlushAsync(CancellationToken.None);

        // Several times, for a busy machine may favour one side once.
        var areas = new List<double>();
        for (var run = 0; run < 7; run++)
            areas.Add(await AreaAsync(fixture, new Random(run)));

        areas.Sort();
        Assert.InRange(areas[areas.Count / 2], 0.40, 0.60);
    }

    /// <summary>How well the times of a tenant's look-ups tell what the other one cached: 1 or 0 perfectly, 0.5 not at all.</summary>
    private static async Task<double> AreaAsync(CacheFixture fixture, Random random)
    {
        var order = Enumerable.Range(0, Probes).ToArray();
        random.Shuffle(order);
        var times = new List<(long Ticks, bool IsCached)>(Probes);
        foreach (var i in order)
        {
            var began = Stopwatch.GetTimestamp();
            var hit = await fixture.FindAsync(fixture.Plan($"Question {i}", tenant: "b"));
            times.Add((Stopwatch.GetTimestamp() - began, i % 2 == 0));
            Assert.Null(hit);
        }

        // The share of pairs in which the cached one was slower; equal times count half.
        double wins = 0;
        var others = times.Where(time => !time.IsCached).Select(time => time.Ticks).Order().ToArray();
        foreach (var (ticks, _) in times.Where(time => time.IsCached))
            wins += others.Count(other => other < ticks) + (0.5 * others.Count(other => other == ticks));

        return wins / others.Length / (times.Count - others.Length);
    }

    private static async Task<List<string>> ToldAsync(bool anotherAskedBefore)
    {
        var told = new List<string>();
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        using var meters = new TestMeterFactory();
        await using var pipeline = new Pipeline(o => (o.TimeProvider, o.MeterFactory) = (time, meters));
        pipeline.Provider.Answer = (_, options, _) => Task.FromResult(pipeline.Provider.DefaultAnswer(options, "Paris."));
        if (anotherAskedBefore)
        {
            using var scope = CostScope.Begin(tenant: "a");
            await pipeline.Client.GetResponseAsync("Where?");
            await pipeline.Client.GetResponseAsync("Where?");
        }

        time.SetUtcNow(BoughtAnswer.Noon + TimeSpan.FromMinutes(10));
        using var spans = new SpanRecorder("LlmCostCache.AI");
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "LlmCostCache.AI" && instrument is not { IsObservable: true })
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Tell(instrument.Name, value, tags.ToArray()));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Tell(instrument.Name, value, tags.ToArray()));
        listener.Start();
        using (CostScope.Begin(tenant: "b"))
        {
            await pipeline.Client.GetResponseAsync("Where?");
            var hit = await pipeline.Client.GetResponseAsync("Where?");
            Tell("cost", hit.GetCost() with { Usage = TokenUsage.None }, []);
            Tell("answer", hit.Text, [.. (hit.AdditionalProperties ?? []).Select(property => KeyValuePair.Create(property.Key, property.Value))]);
        }

        listener.Dispose();
        foreach (var span in spans.Stopped)
            Tell(span.OperationName, span.Status, [.. span.TagObjects.Where(tag => tag.Key != "llmcostcache.call.id")]);

        Assert.Contains(told, line => line.Contains("llmcostcache.cache.requests", StringComparison.Ordinal));
        told.Sort(StringComparer.Ordinal);
        return told;

        void Tell(string name, object value, KeyValuePair<string, object?>[] tags)
        {
            lock (told)
                told.Add(FormattableString.Invariant($"{name} {value} {string.Join(',', tags.Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal))}"));
        }
    }
}
