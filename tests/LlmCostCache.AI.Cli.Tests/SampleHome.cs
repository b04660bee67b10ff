using System.Globalization;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A home directory with a few calls before <see cref="CliRun.Now"/> (a Sunday), removed after the test.</summary>
internal sealed class SampleHome : IDisposable
{
    private readonly TempHome _home = new();

    public string Path => _home.Path;

    public string LedgerFile => System.IO.Path.Combine(Path, "ledger.db");

    public static async Task<SampleHome> CreateAsync(Action<LlmCostsOptions>? configure = null, params UsageRecord[] records)
    {
        var home = new SampleHome();
        await using var costs = LlmCosts.Open(options =>
        {
            options.HomeDirectory = home.Path;
            options.TimeProvider = new FixedTime(CliRun.Now);
            configure?.Invoke(options);
        });
        foreach (var record in records)
        {
            await costs.RecordAsync(record);
        }

        return home;
    }

    /// <summary>A call that cost so many dollars.</summary>
    public static UsageRecord Call(string at, decimal usd, string model = "gpt-4o", string? user = null) => new()
    {
        Id = Guid.NewGuid().ToString("N"),
        At = DateTimeOffset.Parse(at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
        Provider = "openai",
        RequestedModel = model,
        Model = model,
        Cost = CallCost.Known(Money.FromUsd(usd)) with { Usage = new() { UncachedInputTokens = 800, CachedInputTokens = 200, OutputTokens = 50, ReasoningTokens = 10, Requests = 1 } },
        Attribution = Attribution.None with { User = user },
    };

    /// <summary>A call whose answer was cut, so that its cost lies between two ends; the upper one is booked.</summary>
    public static UsageRecord Cut(string at, decimal least, decimal most)
    {
        var call = Call(at, most);
        return call with { Status = CallStatus.Incomplete, Cost = CallCost.Between(Money.FromUsd(least), Money.FromUsd(most), "the stream was cut") with { Usage = call.Cost.Usage } };
    }

    public static UsageRecord Hit(string at, decimal saved, string model = "gpt-4o") => Call(at, 0m, model) with
    {
        Status = CallStatus.Cached,
        Cost = CallCost.Known(Money.Zero) with { Saved = Money.FromUsd(saved), CacheLayer = CacheLayer.Disk },
    };

    public static UsageRecord Unpriced(string at) => Call(at, 0m, "no-such-model") with { Cost = CallCost.Unpriced("no price") with { Usage = new() { UncachedInputTokens = 1 } } };

    public void Dispose() => _home.Dispose();

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
