using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace LlmCostCache.AI.Tests;

[Collection(TelemetryListeners.Name)]
public sealed class CostTelemetryMetricTests : IDisposable
{
    private readonly TestMeterFactory _factory = new();
    private readonly CostTelemetry _telemetry;

    public CostTelemetryMetricTests() => _telemetry = new CostTelemetry(new LlmCostsOptions { MeterFactory = _factory });

    public void Dispose()
    {
        _telemetry.Dispose();
        _factory.Dispose();
    }

    [Fact]
    public void A_priced_attempt_is_one_observation_of_cost_with_the_tags_of_the_conventions()
    {
        using var costs = Doubles("gen_ai.client.operation.cost");

        _telemetry.Attempt(default, MeteredRow.Priced(0.0125m));

        var cost = Assert.Single(costs.GetMeasurementSnapshot());
        Assert.Equal(0.0125, cost.Value);
        AssertTags(cost.Tags, new()
        {
            ["gen_ai.operation.name"] = "chat",
            ["gen_ai.provider.name"] = "openai",
            ["gen_ai.request.model"] = "gpt-4o-mini",
            ["gen_ai.response.model"] = "gpt-4o-mini-2024-07-18",
            ["gen_ai.usage.cost.currency"] = "USD",
            ["gen_ai.usage.cost.source"] = "local",
        });
        Assert.Equal("{cost}", costs.Instrument!.Unit);
    }

    [Fact]
    public void Cost_buckets_reach_from_a_millionth_of_a_dollar_to_ten_dollars()
    {
        using var costs = Doubles("gen_ai.client.operation.cost");

        var buckets = ((Histogram<double>)costs.Instrument!).Advice!.HistogramBucketBoundaries!;

        Assert.Equal((0.000001, 10d), (buckets[0], buckets[^1]));
        Assert.Equal(buckets.Order(), buckets);
    }

    [Theory]
    [InlineData("provider_cost")]
    [InlineData("clamped, provider_cost")]
    public void A_cost_that_the_provider_named_says_so(string flags)
    {
        using var costs = Doubles("gen_ai.client.operation.cost");

        _telemetry.Attempt(default, MeteredRow.Priced(0.01m) with { Flags = flags });

        Assert.Equal("provider", Assert.Single(costs.GetMeasurementSnapshot()).Tags["gen_ai.usage.cost.source"]);
    }

    [Fact]
    public void Money_spent_adds_up_in_a_counter()
    {
        using var total = Doubles("llmcostcache.cost.total");

        _telemetry.Attempt(default, MeteredRow.Priced(0.5m));
        _telemetry.Attempt(default, MeteredRow.Priced(0.25m));

        Assert.Equal(0.75, total.GetMeasurementSnapshot().Sum(measurement => measurement.Value));
        AssertTags(total.LastMeasurement!.Tags, new()
        {
            ["gen_ai.operation.name"] = "chat",
            ["gen_ai.provider.name"] = "openai",
            ["gen_ai.response.model"] = "gpt-4o-mini-2024-07-18",
        });
        Assert.Equal("{USD}", total.Instrument!.Unit);
    }

    [Fact]
    public void A_bounded_cost_counts_its_upper_end_as_the_ledger_does()
    {
        using var total = Doubles("llmcostcache.cost.total");

        _telemetry.Attempt(default, MeteredRow.Of(CallCost.Between(Money.FromUsd(0.2m), Money.FromUsd(0.3m))));

        Assert.Equal(0.3, Assert.Single(total.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void An_unknown_cost_is_counted_as_unpriced_and_is_in_no_sum()
    {
        using var costs = Doubles("gen_ai.client.operation.cost");
        using var total = Doubles("llmcostcache.cost.total");
        using var unpriced = Longs("llmcostcache.unpriced");

        _telemetry.Attempt(default, MeteredRow.Unpriced());

        Assert.Empty(costs.GetMeasurementSnapshot());
        Assert.Empty(total.GetMeasurementSnapshot());
        Assert.Equal(1, Assert.Single(unpriced.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void A_free_call_has_a_cost_and_it_is_zero()
    {
        using var costs = Doubles("gen_ai.client.operation.cost");
        using var unpriced = Longs("llmcostcache.unpriced");

        _telemetry.Attempt(default, MeteredRow.Priced(0m));

        Assert.Equal(0, Assert.Single(costs.GetMeasurementSnapshot()).Value);
        Assert.Empty(unpriced.GetMeasurementSnapshot());
    }

    [Theory]
    [InlineData(CallStatus.Cached)]
    [InlineData(CallStatus.Coalesced)]
    [InlineData(CallStatus.Blocked)]
    [InlineData(CallStatus.Failed)]
    public void What_no_provider_billed_is_neither_a_cost_nor_unpriced(CallStatus status)
    {
        using var costs = Doubles("gen_ai.client.operation.cost");
        using var unpriced = Longs("llmcostcache.unpriced");

        _telemetry.Attempt(default, MeteredRow.Priced(0m) with { Status = status });
        _telemetry.Attempt(default, MeteredRow.Unpriced() with { Status = status });

        Assert.Empty(costs.GetMeasurementSnapshot());
        Assert.Empty(unpriced.GetMeasurementSnapshot());
    }

    [Theory]
    [InlineData(CallStatus.Incomplete)]
    [InlineData(CallStatus.Assumed)]
    public void What_may_have_been_billed_is_a_cost(CallStatus status)
    {
        using var total = Doubles("llmcostcache.cost.total");

        _telemetry.Attempt(default, MeteredRow.Priced(0.5m) with { Status = status });

        Assert.Equal(0.5, Assert.Single(total.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void Only_the_kinds_of_tokens_that_the_stock_client_lacks_are_counted()
    {
        using var tokens = Longs("llmcostcache.tokens");

        _telemetry.Attempt(default, MeteredRow.Priced(1m, new TokenUsage
        {
            UncachedInputTokens = 1,
            CachedInputTokens = 2,
            CacheWrite5mTokens = 3,
            CacheWrite1hTokens = 4,
            InputAudioTokens = 5,
            CachedAudioTokens = 6,
            InputImageTokens = 7,
            OutputTokens = 8,
            ReasoningTokens = 9,
            OutputAudioTokens = 10,
            OutputImageTokens = 11,
        }));

        var counted = tokens.GetMeasurementSnapshot().ToDictionary(count => (string)count.Tags["llmcostcache.token.kind"]!, count => count.Value);
        Assert.Equal(
            new Dictionary<string, long>
            {
                ["cached_input"] = 2,
                ["cache_write_5m"] = 3,
                ["cache_write_1h"] = 4,
                ["input_audio"] = 5,
                ["cached_audio"] = 6,
                ["input_image"] = 7,
                ["reasoning"] = 9,
                ["output_audio"] = 10,
                ["output_image"] = 11,
            },
            counted);
        Assert.Equal("{token}", tokens.Instrument!.Unit);
    }

    [Fact]
    public void Nothing_that_the_stock_client_emits_is_emitted_again()
    {
        var names = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (instrument.Meter.Scope == _factory) { names.Add(instrument.Name); } } };
        listener.Start();

        Assert.Contains("gen_ai.client.operation.cost", names);
        Assert.DoesNotContain("gen_ai.client.token.usage", names);
        Assert.DoesNotContain("gen_ai.client.operation.duration", names);
    }

    [Theory]
    [InlineData(CacheOutcome.Hit, CacheLayer.Memory, "hit", "memory")]
    [InlineData(CacheOutcome.Hit, CacheLayer.Disk, "hit", "disk")]
    [InlineData(CacheOutcome.Hit, CacheLayer.Distributed, "hit", "distributed")]
    [InlineData(CacheOutcome.Hit, CacheLayer.Semantic, "hit", "semantic")]
    [InlineData(CacheOutcome.Miss, CacheLayer.None, "miss", "none")]
    [InlineData(CacheOutcome.Bypass, CacheLayer.None, "bypass", "none")]
    [InlineData(CacheOutcome.Coalesced, CacheLayer.Coalesced, "coalesced", "coalesced")]
    internal void A_cache_request_says_result_and_layer(CacheOutcome outcome, CacheLayer layer, string result, string layerName)
    {
        using var requests = Longs("llmcostcache.cache.requests");

        _telemetry.Cache(default, outcome, layer, Money.Zero, "chat", "openai", "gpt-4o-mini", reason: null);

        var request = Assert.Single(requests.GetMeasurementSnapshot());
        Assert.Equal(1, request.Value);
        AssertTags(request.Tags, new()
        {
            ["gen_ai.operation.name"] = "chat",
            ["gen_ai.provider.name"] = "openai",
            ["gen_ai.request.model"] = "gpt-4o-mini",
            ["llmcostcache.cache.result"] = result,
            ["llmcostcache.cache.layer"] = layerName,
        });
    }

    [Fact]
    public void A_hit_counts_what_it_saved()
    {
        using var saved = Doubles("llmcostcache.cost.saved");

        _telemetry.Cache(default, CacheOutcome.Hit, CacheLayer.Memory, Money.FromUsd(0.02m), "chat", "openai", "gpt-4o-mini", null);
        _telemetry.Cache(default, CacheOutcome.Miss, CacheLayer.None, Money.Zero, "chat", "openai", "gpt-4o-mini", null);

        Assert.Equal(0.02, Assert.Single(saved.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void What_a_cache_spent_takes_the_savings_down()
    {
        using var saved = Doubles("llmcostcache.cost.saved");

        _telemetry.Cache(default, CacheOutcome.Hit, CacheLayer.Semantic, Money.FromUsd(-0.01m), "chat", "openai", "gpt-4o-mini", null);

        Assert.Equal(-0.01, Assert.Single(saved.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void A_refusal_names_period_and_budget()
    {
        using var rejections = Longs("llmcostcache.budget.rejections");

        _telemetry.Rejected(default, Budget.Daily(10m).ForProject("my-app"));

        AssertTags(Assert.Single(rejections.GetMeasurementSnapshot()).Tags, new()
        {
            ["llmcostcache.budget.period"] = "day",
            ["llmcostcache.budget.name"] = "day project=my-app",
        });
    }

    [Fact]
    public void The_name_of_a_budget_never_says_who_the_user_or_the_session_is()
    {
        using var rejections = Longs("llmcostcache.budget.rejections");

        _telemetry.Rejected(default, Budget.Daily(10m).ForUser("alice").ForSession("session-7"));

        var name = (string)Assert.Single(rejections.GetMeasurementSnapshot()).Tags["llmcostcache.budget.name"]!;
        Assert.Equal("day user=*,session=*", name);
    }

    [Fact]
    public void A_failed_layer_and_dropped_rows_are_counted()
    {
        using var failures = Longs("llmcostcache.cache.failures");
        using var dropped = Longs("llmcostcache.ledger.dropped");

        _telemetry.LayerFailed(CacheLayer.Distributed, "timeout");
        _telemetry.LedgerDropped(12);

        AssertTags(Assert.Single(failures.GetMeasurementSnapshot()).Tags, new()
        {
            ["llmcostcache.cache.layer"] = "distributed",
            ["llmcostcache.failure.reason"] = "timeout",
        });
        Assert.Equal(12, Assert.Single(dropped.GetMeasurementSnapshot()).Value);
    }

    [Fact]
    public void Model_names_are_bounded_and_early_ones_keep_their_name()
    {
        using var total = Doubles("llmcostcache.cost.total");

        for (var i = 0; i < 1_000; i++)
        {
            _telemetry.Attempt(default, MeteredRow.Priced(1m) with { Model = $"model-{i}" });
        }

        _telemetry.Attempt(default, MeteredRow.Priced(1m) with { Model = "model-0" });

        var models = total.GetMeasurementSnapshot().Select(cost => (string)cost.Tags["gen_ai.response.model"]!).ToList();
        Assert.Equal(201, models.Distinct().Count());
        Assert.Equal("other", models[999]);
        Assert.Equal("model-0", models[^1]);
        Assert.Equal(1_001, total.GetMeasurementSnapshot().Sum(cost => cost.Value));
    }

    [Fact]
    public void Budget_names_are_bounded()
    {
        using var rejections = Longs("llmcostcache.budget.rejections");

        for (var i = 0; i < 300; i++)
        {
            _telemetry.Rejected(default, Budget.Daily(1m).Named($"budget-{i}"));
        }

        var names = rejections.GetMeasurementSnapshot().Select(rejection => (string)rejection.Tags["llmcostcache.budget.name"]!).ToList();
        Assert.Equal(201, names.Distinct().Count());
        Assert.Equal("other", names[^1]);
    }

    [Fact]
    public void No_instrument_has_more_than_eight_tags_and_none_says_who_called()
    {
        var tags = new List<KeyValuePair<string, object?>[]>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Meter.Scope == _factory) { self.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<double>((_, _, measured, _) => tags.Add(measured.ToArray()));
        listener.SetMeasurementEventCallback<long>((_, _, measured, _) => tags.Add(measured.ToArray()));
        listener.Start();

        _telemetry.Attempt(default, MeteredRow.Priced(1m, new TokenUsage { CachedInputTokens = 5, ReasoningTokens = 5 }));
        _telemetry.Attempt(default, MeteredRow.Unpriced());
        _telemetry.Cache(default, CacheOutcome.Hit, CacheLayer.Memory, Money.FromUsd(1m), "chat", "openai", "gpt-4o-mini", "no reason");
        _telemetry.Rejected(default, Budget.Daily(1m).ForUser("alice"));

        Assert.NotEmpty(tags);
        Assert.All(tags, measured => Assert.InRange(measured.Length, 0, 8));
        string[] secrets = ["alice", "session-7", "acme", "my-app", "attempt-1"];
        Assert.All(tags.SelectMany(measured => measured), tag => Assert.DoesNotContain(secrets, secret => $"{tag.Value}".Contains(secret, StringComparison.Ordinal)));
    }

    [Fact]
    public void Nothing_is_allocated_while_nobody_listens()
    {
        var row = MeteredRow.Priced(1m, new TokenUsage { CachedInputTokens = 5 });
        var unpriced = MeteredRow.Unpriced();
        var budget = Budget.Daily(1m).ForUser("alice");

        void Everything()
        {
            using var span = _telemetry.Begin("chat", "gpt-4o-mini");
            _telemetry.Attempt(span, row);
            _telemetry.Attempt(span, unpriced);
            _telemetry.Cache(span, CacheOutcome.Hit, CacheLayer.Memory, row.Cost.High, "chat", "openai", "gpt-4o-mini", "reason");
            _telemetry.Rejected(span, budget);
            _telemetry.LayerFailed(CacheLayer.Disk, "timeout");
            _telemetry.LedgerDropped(1);
        }

        for (var i = 0; i < 100; i++)
        {
            Everything();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            Everything();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Owners_without_a_factory_share_one_meter_that_outlives_each_of_them()
    {
        var first = new CostTelemetry(new LlmCostsOptions());
        var second = new CostTelemetry(new LlmCostsOptions());
        using var total = new MetricCollector<double>(null, "LlmCostCache.AI", "llmcostcache.cost.total");

        first.Dispose();
        second.Attempt(default, MeteredRow.Priced(0.125m) with { Model = "shared-meter-test" });

        Assert.Contains(total.GetMeasurementSnapshot(), cost => cost.Value == 0.125 && cost.Tags["gen_ai.response.model"] is "shared-meter-test");
    }

    private MetricCollector<double> Doubles(string instrument) => new(_factory, "LlmCostCache.AI", instrument);

    private MetricCollector<long> Longs(string instrument) => new(_factory, "LlmCostCache.AI", instrument);

    private static void AssertTags(IReadOnlyDictionary<string, object?> actual, Dictionary<string, object?> expected) =>
        Assert.Equal(expected.OrderBy(tag => tag.Key), actual.OrderBy(tag => tag.Key));
}
