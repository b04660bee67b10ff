namespace LlmCostCache.AI;

/// <summary>When <c>UseRunawayGuard()</c> stops a run that does not come to an end by itself.</summary>
public sealed class RunawayOptions
{
    private decimal? _maxCostPerRun;
    private int? _maxCallsPerRun;
    private int? _maxRepeatedToolRounds = 3;
    private TimeSpan _idleTimeout = TimeSpan.FromHours(1);

    /// <summary>What a run may cost, in US dollars. The request after the one that reached it is refused, so that what is under way at that moment can come on top.</summary>
    /// <value>Null: no cap. More than zero. Calls of which nothing is known cannot be counted; a bounded cost counts with its upper end.</value>
    public decimal? MaxCostPerRun
    {
        get => _maxCostPerRun;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value ?? 1, nameof(value));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value ?? 1, Money.MaxValue.Usd, nameof(value));
            _maxCostPerRun = value;
        }
    }

    /// <summary>How many requests a run may make, retries included; answers from the cache are none.</summary>
    /// <value>Null: no cap. At least one.</value>
    public int? MaxCallsPerRun
    {
        get => _maxCallsPerRun;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value ?? 1, nameof(value));
            _maxCallsPerRun = value;
        }
    }

    /// <summary>How often in a row a model may ask for the same tools with the same arguments. The request that would follow is refused.</summary>
    /// <value>3. Null: as often as it likes. At least two.</value>
    public int? MaxRepeatedToolRounds
    {
        get => _maxRepeatedToolRounds;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value ?? 2, 2, nameof(value));
            _maxRepeatedToolRounds = value;
        }
    }

    /// <summary>Tools that may be asked for again and again, because they are polled: a round with one of them is never a repeated one.</summary>
    public ISet<string> RepeatableTools { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Which calls are one run.</summary>
    /// <value><see cref="RunawayScope.Session"/>.</value>
    public RunawayScope Run { get; set; }

    /// <summary>How long after its last call a run is forgotten; the next call then begins a new one.</summary>
    /// <value>One hour. From one minute to 7 days.</value>
    public TimeSpan IdleTimeout
    {
        get => _idleTimeout;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMinutes(1));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(7));
            _idleTimeout = value;
        }
    }

    internal RunawayOptions Copy()
    {
        var copy = new RunawayOptions
        {
            MaxCostPerRun = MaxCostPerRun,
            MaxCallsPerRun = MaxCallsPerRun,
            MaxRepeatedToolRounds = MaxRepeatedToolRounds,
            Run = Run,
            IdleTimeout = IdleTimeout,
        };
        copy.RepeatableTools.UnionWith(RepeatableTools);
        return copy;
    }
}
