using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

public class LogTests
{
    [Fact]
    public void Event_ids_are_unique_because_people_filter_by_them()
    {
        var ids = typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>().Select(message => message.EventId).ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public void A_refusal_is_told_without_the_name_of_the_user()
    {
        var logger = new FakeLogger();

        logger.BudgetRefused(Budget.Daily(5m).ForUser("alice"), Money.FromUsd(0.05m), Money.FromUsd(0.02m));

        Assert.Equal("Budget 'day user=*' refused a call that may need $0.05; $0.02 is left.", logger.LatestRecord.Message);
        Assert.Equal(LogLevel.Information, logger.LatestRecord.Level);
        Assert.Equal(61, logger.LatestRecord.Id.Id);
    }

    [Fact]
    public void A_wrong_order_of_clients_is_told_with_the_remedy()
    {
        var logger = new FakeLogger();

        logger.MeterOutsideFunctionInvocation();

        Assert.Contains("Call UseFunctionInvocation before UseUsageMetering", logger.LatestRecord.Message, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Warning, logger.LatestRecord.Level);
    }
}
