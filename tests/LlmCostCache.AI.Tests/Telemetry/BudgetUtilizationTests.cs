using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace LlmCostCache.AI.Tests;

[Collection(TelemetryListeners.Name)]
public sealed class BudgetUtilizationTests : IDisposable
{
    private readonly TestMeterFactory _factory = new();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public void Utilization_is_what_is_spent_or_reserved_over_the_limit()
    {
        using var telemetry = Telemetry(() => [Balance(Budget.Daily(10m), spent: 2m, reserved: 3m), Balance(Budget.Monthly(100m).Named("team"), spent: 120m)]);

        Assert.Equal([("day", "day", 0.5), ("month", "team", 1.2)], Read());
    }

    [Fact]
    public void Budgets_of_single_users_and_sessions_have_no_series()
    {
        using var telemetry = Telemetry(() =>
        [
            Balance(Budget.Daily(10m).ForEachUser(), spent: 1m, key: "user=alice"),
            Balance(Budget.Daily(10m).ForEachTenant(), spent: 1m, key: "tenant=acme"),
            Balance(Budget.Daily(10m).ForUser("alice"), spent: 1m),
            Balance(Budget.Daily(10m).ForSession("session-7"), spent: 1m),
            Balance(Budget.Daily(10m).ForProject("my-app"), spent: 1m),
        ]);

        Assert.Equal([("day", "day project=my-app", 0.1)], Read());
    }

    [Fact]
    public void Nothing_is_left_of_a_limit_of_zero()
    {
        using var telemetry = Telemetry(() => [Balance(Budget.Daily(0m))]);

        Assert.Equal([("day", "day", 1d)], Read());
    }

    [Fact]
    public void The_fullest_of_several_budgets_of_one_name_speaks_for_it()
    {
        using var telemetry = Telemetry(() =>
            [Balance(Budget.Daily(10m).ForProject("a").Named("cap"), spent: 9m), Balance(Budget.Daily(10m).ForProject("b").Named("cap"), spent: 1m)]);

        Assert.Equal([("day", "cap", 0.9)], Read());
    }

    [Fact]
    public void A_ledger_that_cannot_be_read_does_not_disturb_the_collection()
    {
        using var broken = Telemetry(() => throw new StoreUnavailableException("closed"));
        using var sound = Telemetry(() => [Balance(Budget.Daily(10m), spent: 1m)]);

        Assert.Equal([("day", "day", 0.1)], Read());
    }

    [Fact]
    public void Two_owners_on_one_meter_have_one_gauge_and_a_disposed_owner_leaves_it()
    {
        Func<IReadOnlyList<WindowBalance>> balances = () => [Balance(Budget.Daily(10m), spent: 4m)];
        using var first = Telemetry(balances);
        var second = Telemetry(() => [Balance(Budget.Weekly(10m), spent: 8m)]);
        Assert.Equal([("day", "day", 0.4), ("week", "week", 0.8)], Read());
        Assert.Equal(1, Gauges());

        second.Dispose();

        Assert.Equal([("day", "day", 0.4)], Read());
    }

    private int Gauges()
    {
        var gauges = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) => gauges += instrument.Meter.Scope == _factory && instrument.IsObservable ? 1 : 0,
        };
        listener.Start();
        return gauges;
    }

    private static WindowBalance Balance(Budget budget, decimal spent = 0, decimal reserved = 0, string key = "") =>
        new(new BudgetWindow(budget, key, DateTimeOffset.MinValue, DateTimeOffset.MaxValue), budget.Limit, Money.FromUsd(spent), Money.FromUsd(reserved));

    private CostTelemetry Telemetry(Func<IReadOnlyList<WindowBalance>> balances) => new(new LlmCostsOptions { MeterFactory = _factory }, balances);

    private List<(string Period, string Name, double Value)> Read()
    {
        using var gauge = new MetricCollector<double>(_factory, "LlmCostCache.AI", "llmcostcache.budget.utilization");
        gauge.RecordObservableInstruments();
        return [.. gauge.GetMeasurementSnapshot()
            .Select(one => ((string)one.Tags["llmcostcache.budget.period"]!, (string)one.Tags["llmcostcache.budget.name"]!, one.Value)).Order()];
    }
}
