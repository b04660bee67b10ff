using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>What a caller reads when a budget refuses: what is allowed, how much is spent and asked for, and what now.</summary>
internal static class BudgetRefusal
{
    public static BudgetExceededException Of(Budget budget, BudgetTally tally, DateTimeOffset? resetsAt, TimeSpan? retryAfter, BudgetWindow? window = null)
    {
        var state = budget.Period == BudgetPeriod.PerCall
            ? $"; this call may need {tally.Requested}."
            : $"; {tally.Spent} is spent and {tally.Reserved} reserved, and this call may need {tally.Requested}.";
        var reset = resetsAt is null ? ""
            : budget.Period == BudgetPeriod.Rolling ? string.Create(CultureInfo.InvariantCulture, $" It may fit from {resetsAt:yyyy-MM-dd HH:mm:ss} UTC.")
            : string.Create(CultureInfo.InvariantCulture, $" The next period begins at {resetsAt:yyyy-MM-dd HH:mm} UTC.");
        var inMoney = budget.Unit == BudgetUnit.Usd;
        return new BudgetExceededException($"Budget '{budget.Name}' allows {budget.Sentence(tally.Limit)}{state}{reset}")
        {
            Budget = budget,
            Tally = tally,
            Limit = inMoney ? tally.Limit.Money : Money.MaxValue,
            Spent = inMoney ? tally.Spent.Money : Money.Zero,
            Reserved = inMoney ? tally.Reserved.Money : Money.Zero,
            Requested = inMoney ? tally.Requested.Money : Money.Zero,
            ResetsAt = resetsAt,
            RetryAfter = retryAfter,
            Window = window,
        };
    }

    /// <summary>For a call that a budget cannot hold, with the reason that the caller can mend.</summary>
    public static UnknownPriceException Unpriced(PriceBook prices, BudgetDemand demand, ModelFacts? facts, Budget budget, DateTimeOffset at)
    {
        var why = facts is null
            ? $"The price of model '{demand.Model}'{(demand.Client.ProviderName is { } provider ? $" of provider '{provider}'" : "")} is not known, so budget '{budget.Name}' cannot hold the call. "
                + "Add it with options.Prices.Add(new ModelPrice(...)), map a deployment with options.ModelAliases, or use .Warn() on the budget."
            : demand.ServiceTier is { } tier && BudgetQuote.For(prices, demand with { ServiceTier = null }, facts, at) is not null
            ? $"The price of model '{demand.Model}' in the service tier '{tier}' is not known, so budget '{budget.Name}' cannot hold the call. "
                + "Ask for another tier, add the price of this one with options.Prices, or use .Warn() on the budget."
            : demand.HasOutput && BudgetQuote.For(prices, demand with { HasOutput = false }, facts, at) is not null
            ? $"The price of model '{demand.Model}' names no rate for answers, so budget '{budget.Name}' cannot hold a chat call to it. "
                + "Ask a model that answers, add the rate with options.Prices, or use .Warn() on the budget."
            : $"What the call can cost cannot be bounded, because {demand.Size.Unbounded ?? "the model's limits are not known"}, so budget '{budget.Name}' cannot hold it. "
                + $"Give the model's ContextWindow and MaxOutputTokens with options.Prices, or use .Warn() on the budget.";
        return new UnknownPriceException(why) { Model = demand.Model, Provider = demand.Client.ProviderName };
    }
}
