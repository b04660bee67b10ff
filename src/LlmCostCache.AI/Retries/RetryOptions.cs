namespace LlmCostCache.AI;

/// <summary>How <c>UseRetry()</c> tries again.</summary>
public sealed class RetryOptions
{
    private int _maxRetries = 3;
    private TimeSpan _delay = TimeSpan.FromSeconds(1);
    private TimeSpan _maxDelay = TimeSpan.FromSeconds(30);
    private TimeSpan _maxRetryAfter = TimeSpan.FromMinutes(1);

    /// <summary>How often a failed request is sent again. Each time costs what a request costs and is held to the budgets anew.</summary>
    /// <value>3, so that a call is at most 4 requests. From zero to 20.</value>
    public int MaxRetries
    {
        get => _maxRetries;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 20);
            _maxRetries = value;
        }
    }

    /// <summary>The wait before the first retry, as a median: it doubles from retry to retry, and chance moves each so that callers who failed together do not come back together.</summary>
    /// <value>One second. Zero does not wait; at most <see cref="MaxDelay"/>.</value>
    public TimeSpan Delay
    {
        get => _delay;
        set => _delay = Checked(value);
    }

    /// <summary>The longest wait between two tries where the provider does not name one.</summary>
    /// <value>30 seconds. At most one hour.</value>
    public TimeSpan MaxDelay
    {
        get => _maxDelay;
        set => _maxDelay = Checked(value);
    }

    /// <summary>The longest wait that a provider may ask for (<c>Retry-After</c>); it is waited in full. A failure that asks for more is not tried again.</summary>
    /// <value>One minute. At most one hour.</value>
    public TimeSpan MaxRetryAfter
    {
        get => _maxRetryAfter;
        set => _maxRetryAfter = Checked(value);
    }

    /// <summary>
    /// Decides whether a failure may pass, in the place of the built-in rule. It is not asked about what we refused ourselves (budgets, rate limits, runaway guards,
    /// unknown prices) nor about a call that its caller has cancelled: neither is tried again.
    /// </summary>
    /// <value>Null: status 408, 409, 425, 429 (unless the account has no credit left) and 5xx (unless it is not implemented), time-outs and broken connections are tried again.</value>
    public Func<Exception, bool>? ShouldRetry { get; set; }

    internal RetryOptions Copy() => (RetryOptions)MemberwiseClone();

    private static TimeSpan Checked(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1));
        return value;
    }
}
