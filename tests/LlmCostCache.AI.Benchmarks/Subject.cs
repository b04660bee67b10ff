using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A pipeline over an <see cref="InstantChatClient"/>, with what it owns.</summary>
internal sealed class Subject : IDisposable
{
    private readonly List<IDisposable> _owned;

    private Subject(IChatClient client, InstantChatClient provider, List<IDisposable> owned)
    {
        Client = client;
        Provider = provider;
        _owned = owned;
    }

    public IChatClient Client { get; }

    public InstantChatClient Provider { get; }

    /// <summary>The provider alone.</summary>
    public static Subject Bare()
    {
        var provider = new InstantChatClient();
        return new Subject(provider, provider, []);
    }

    /// <summary>What an application has today: the cache of Microsoft.Extensions.AI over memory.</summary>
    public static Subject Peer()
    {
        var provider = new InstantChatClient();
        var cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions { SizeLimit = 64 << 20 }));
        return new Subject(provider.AsBuilder().UseDistributedCache(cache).Build(), provider, []);
    }

    /// <summary>Ours as it comes: memory and disk cache, metering, ledger, telemetry; budgets when there are any.</summary>
    public static Subject Ours(bool inMemory = false, bool listeners = false, params Budget[] budgets)
    {
        var provider = new InstantChatClient();
        var home = new BenchmarkHome(inMemory);
        var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            foreach (var budget in budgets)
            {
                o.Budgets.Add(budget);
            }
        });
        List<IDisposable> owned = [costs, home];
        if (listeners)
        {
            owned.AddRange(Listen());
        }

        return new Subject(provider.AsBuilder().UseCostCache(costs).UseBudget(costs).Build(), provider, owned);
    }

    /// <summary>Asks once and proves that the second answer comes from the cache.</summary>
    public void Prime(RequestPool requests)
    {
        for (var i = 0; i < 2; i++)
        {
            var (messages, options) = requests.Next();
            Client.GetResponseAsync(messages, options).GetAwaiter().GetResult();
        }

        if (Provider.Calls != 1)
        {
            throw new InvalidOperationException($"The provider was called {Provider.Calls} times; this does not measure hits.");
        }
    }

    public void Dispose()
    {
        Client.Dispose();
        _owned.ForEach(o => o.Dispose());
    }

    private static IEnumerable<IDisposable> Listen()
    {
        var meters = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "LlmCostCache.AI")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        meters.SetMeasurementEventCallback<long>(static (_, _, _, _) => { });
        meters.SetMeasurementEventCallback<double>(static (_, _, _, _) => { });
        meters.Start();
        var activities = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "LlmCostCache.AI",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(activities);
        return [meters, activities];
    }
}
