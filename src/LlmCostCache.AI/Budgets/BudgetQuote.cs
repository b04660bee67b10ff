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

    private BudgetQuote(PriceBook prices, BudgetDemand demand, DateTimeOffset at, long input, long longestAnswer, int? initialCap, bool isPriced)
    {
        IsPriced = isPriced;
        _prices = prices;
        _demand = demand;
        _at = at;
        _input = input;
        _longestAnswer = longestAnswer;
        InitialCap = initialCap;
        var (likelyInput, likelyAnswer) = (Math.Min(input, demand.Size.Bytes / BytesPerToken + 1), demand.HasOutput ? Math.Min(longestAnswer, BalancedAnswer) : 0);
        Estimate = isPriced ? Money.FromUsdRoundedUp(Of(likelyInput, likelyAnswer).Usd * BalancedMargin) : Money.Zero;
        TokenEstimate = (long)decimal.Ceiling(Tokens(likelyInput, likelyAnswer) * BalancedMargin);
    }

    /// <summary>Whether the price is known; without one there are only tokens and requests to hold.</summary>
    public bool IsPriced { get; }

    /// <summary>Set when nobody bounds the answer, so that the guard must.</summary>
    public int? InitialCap { get; }

    /// <summary>Whether the call costs nothing, however long its answer is.</summary>
    public bool IsFree => IsPriced && Ceiling(null) == Money.Zero;

    public Money Estimate { get; }

    public long TokenEstimate { get; }

    /// <summary>Null when the price or the bound is not known.</summary>
    public static BudgetQuote? For(PriceBook prices, BudgetDemand demand, ModelFacts? facts, DateTimeOffset at)
    {
        var input = Input(prices, demand, facts, at);
        return input is null || prices.Ceiling(demand.Client.ProviderName, demand.Model, at, 0, demand.HasOutput ? 1 : 0, demand.Client.Host, demand.ServiceTier) is null
            ? null
            : Make(prices, demand, facts, at, input.Value, isPriced: true);
    }

    /// <summary>For budgets of tokens and requests, which need no price. Null when tokens are counted and their bound is not known.</summary>
    public static BudgetQuote? WithoutPrice(PriceBook prices, BudgetDemand demand, ModelFacts? facts, DateTimeOffset at, bool countsTokens) =>
        Input(prices, demand, facts, at) is { } input ? Make(prices, demand, facts, at, input, isPriced: false)
        : countsTokens ? null
        : Make(prices, demand, facts, at, 0, isPriced: false);

    private static long? Input(PriceBook prices, BudgetDemand demand, ModelFacts? facts, DateTimeOffset at)
    {
        var size = demand.Size;
        if (size.Unbounded is not null)
        {
            return facts?.ContextWindow;
        }

        // What does not fit the window is refused, so that no more than it has to be held.
        return facts?.ContextWindow * size.Texts < size.TokenBound && prices.LongestInput(demand.Client.ProviderName, demand.Model, at, demand.Client.Host) is { } window
            ? Math.Min(size.TokenBound, window * size.Texts)
            : size.TokenBound;
    }

    private static BudgetQuote Make(PriceBook prices, BudgetDemand demand, ModelFacts? facts, DateTimeOffset at, long input, bool isPriced)
    {
        if (!demand.HasOutput)
        {
            return new BudgetQuote(prices, demand, at, input, 0, null, isPriced);
        }

        long? longest = (demand.MaxOutputTokens is > 0 ? demand.MaxOutputTokens : null) ?? facts?.MaxOutputTokens ?? facts?.ContextWindow;
        return new BudgetQuote(prices, demand, at, input, longest ?? DefaultAnswer, longest is null ? DefaultAnswer : null, isPriced);
    }

    /// <summary>The most that the call can cost; zero without a price.</summary>
    public Money Ceiling(int? cap) => IsPriced ? Of(_input, cap ?? _longestAnswer) : Money.Zero;

    /// <summary>The most tokens that the call can take, the answers of every choice included.</summary>
    public long TokenCeiling(int? cap) => Tokens(_input, cap ?? _longestAnswer);

    public bool IsShorter(int answer, int? cap) => answer < (cap ?? _longestAnswer);

    /// <summary>The longest answer that an amount affords; null when that is fewer tokens than an answer needs.</summary>
    public int? LargestAnswerWithin(BudgetAmount amount)
    {
        long low = BudgetGuard.SmallestAnswer, high = Math.Min(_longestAnswer, int.MaxValue);
        if (high < low || !Fits(low))
        {
            return null;
        }

        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            (low, high) = Fits(middle) ? (middle, high) : (low, middle - 1);
        }

        return (int)low;

        bool Fits(long answer) => amount.Unit switch
        {
            BudgetUnit.Usd => Of(_input, answer) <= amount.Money,
            BudgetUnit.Tokens => Tokens(_input, answer) <= amount.Count,
            _ => amount.Count > 0,
        };
    }

    /// <summary>The longest answer that every one of several amounts affords; null when one of them affords none.</summary>
    public int? LargestAnswerWithin(IEnumerable<BudgetAmount> amounts)
    {
        int? shortest = null;
        foreach (var amount in amounts)
        {
            if (LargestAnswerWithin(amount) is not { } answer)
            {
                return null;
            }

            shortest = Math.Min(answer, shortest ?? answer);
        }

        return shortest;
    }

    private long Tokens(long input, long answer) => checked(input + answer * _demand.Size.Choices);

    private Money Of(long input, long answer) =>
        _prices.Ceiling(_demand.Client.ProviderName, _demand.Model, _at, input, checked(answer * _demand.Size.Choices), _demand.Client.Host, _demand.ServiceTier,
            checked(_demand.Size.WebSearches * _demand.Size.Choices))
        ?? throw new LlmCostException($"The price of '{_demand.Model}' vanished while it was being quoted.");
}
