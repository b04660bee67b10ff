namespace LlmCostCache.AI;

/// <summary>What a call can cost as a function of the length of its answer.</summary>
internal sealed class BudgetQuote
{
    // Set when neither caller nor price book bounds the answer: what most current hosted models accept.
    private const int DefaultAnswer = 16_384;

    private const decimal BalancedMargin = 1.25m;
    private const long BalancedAnswer = 1_024;
    private const long BytesPerToken = 4;

    private readonly PriceBook _prices;
    private readonly BudgetDemand _demand;
    private readonly DateTimeOffset _at;
    private readonly long _input;
    private readonly long _longestAnswer;

    private BudgetQuote(PriceBook prices, BudgetDemand demand, DateTimeOffset at, long input, long longestAnswer, int? initialCap)
    {
        _prices = prices;
        _demand = demand;
        _at = at;
        _input = input;
        _longestAnswer = longestAnswer;
        InitialCap = initialCap;
        var estimate = Of(Math.Min(input, demand.Size.Bytes / BytesPerToken + 1), demand.HasOutput ? Math.Min(longestAnswer, BalancedAnswer) : 0);
        Estimate = Money.FromUsdRoundedUp(estimate.Usd * BalancedMargin);
    }

    /// <summary>Set when nobody bounds the answer, so that the guard must.</summary>
    public int? InitialCap { get; }

    public Money Estimate { get; }

    /// <summary>Null when the price or the bound is not known.</summary>
    public static BudgetQuote? For(PriceBook prices, BudgetDemand demand, ModelFacts? facts, DateTimeOffset at)
    {
        var input = demand.Size.Unbounded is null ? demand.Size.TokenBound : facts?.ContextWindow;
        if (input is null || prices.Ceiling(demand.Client.ProviderName, demand.Model, at, 0, demand.HasOutput ? 1 : 0, demand.Client.Host, demand.ServiceTier) is null)
        {
            return null;
        }

        if (facts?.ContextWindow is { } window && window < input)
        {
            input = window;
        }

        if (!demand.HasOutput)
        {
            return new BudgetQuote(prices, demand, at, input.Value, 0, null);
        }

        long? longest = (demand.MaxOutputTokens is > 0 ? demand.MaxOutputTokens : null) ?? facts?.MaxOutputTokens ?? facts?.ContextWindow;
        return new BudgetQuote(prices, demand, at, input.Value, longest ?? DefaultAnswer, longest is null ? DefaultAnswer : null);
    }

    public Money Ceiling(int? cap) => Of(_input, cap ?? _longestAnswer);

    public bool IsShorter(int answer, int? cap) => answer < (cap ?? _longestAnswer);

    /// <summary>The longest answer that an amount affords; null when that is fewer tokens than an answer needs.</summary>
    public int? LargestAnswerWithin(Money amount)
    {
        long low = BudgetGuard.SmallestAnswer, high = Math.Min(_longestAnswer, int.MaxValue);
        if (high < low || Of(_input, low) > amount)
        {
            return null;
        }

        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            (low, high) = Of(_input, middle) <= amount ? (middle, high) : (low, middle - 1);
        }

        return (int)low;
    }

    private Money Of(long input, long answer) =>
        _prices.Ceiling(_demand.Client.ProviderName, _demand.Model, _at, input, checked(answer * _demand.Size.Choices), _demand.Client.Host, _demand.ServiceTier,
            checked(_demand.Size.WebSearches * _demand.Size.Choices))
        ?? throw new LlmCostException($"The price of '{_demand.Model}' vanished while it was being quoted.");
}
