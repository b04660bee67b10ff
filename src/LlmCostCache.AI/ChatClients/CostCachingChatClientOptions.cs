using System.Collections.Frozen;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

// What can be set on the client, by UseCostCache(configure: cache => ...). Not while calls are under way.
public sealed partial class CostCachingChatClient
{
    private CachePolicy _policy = CachePolicy.Default;
    private TimeSpan _rememberErrorsFor;
    private int? _pace;

    /// <summary>How long an answer may be served, unless the call says otherwise.</summary>
    /// <value>24 hours; more than zero, at most 365 days.</value>
    public TimeSpan TimeToLive
    {
        get => _policy.TimeToLive;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, CachePolicy.LongestTimeToLive);
            _policy = _policy with { TimeToLive = value };
        }
    }

    /// <summary>How long the answers of some models may be served, where it is not <see cref="TimeToLive"/>: for example an hour for an alias that is moved to new
    /// snapshots. A call's own <c>WithCache(c => c.TimeToLive(...))</c> comes first.</summary>
    /// <value>Empty. The names are those that are asked for, in any case; each time more than zero, at most 365 days. The dictionary is copied.</value>
    public IReadOnlyDictionary<string, TimeSpan> ModelTimeToLive
    {
        get => _policy.ModelTimeToLive;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach (var (model, lifetime) in value)
            {
                ArgumentException.ThrowIfNullOrWhiteSpace(model, nameof(value));
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero, nameof(value));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, CachePolicy.LongestTimeToLive, nameof(value));
            }

            _policy = _policy with { ModelTimeToLive = value.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase) };
        }
    }

    /// <summary>How long an answer may go unused before it expires, within its time to live.</summary>
    /// <value>Null: only the time to live counts. More than zero.</value>
    public TimeSpan? SlidingExpiration
    {
        get => _policy.SlidingExpiration;
        set
        {
            if (value is { } unused)
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(unused, TimeSpan.Zero, nameof(value));

            _policy = _policy with { SlidingExpiration = value };
        }
    }

    /// <summary>How long after its end an answer may still be served when the provider fails: it is down, too busy or cannot be reached. A question that it refuses, a
    /// locked account, a budget's refusal and a caller's cancellation are errors as ever. <see cref="CallCost.Reason"/> says so.</summary>
    /// <value>Zero: never. At most 365 days.</value>
    public TimeSpan ServeStaleFor
    {
        get => _policy.ServeStaleFor;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, CachePolicy.LongestTimeToLive);
            _policy = _policy with { ServeStaleFor = value };
        }
    }

    /// <summary>After which part of its life a hit has the answer renewed in the background, so that nobody waits when it expires. The call is metered, held to the budgets and
    /// attributed like the hit that started it; there is never more than one for a question, and when it fails the answer is served on.</summary>
    /// <value>Zero: never. Less than one; 0.8 renews in the last fifth.</value>
    public double RefreshAhead
    {
        get => _policy.RefreshAhead;
        set
        {
            if (!(value is >= 0 and < 1))
                throw new ArgumentOutOfRangeException(nameof(value), value, "The part of an answer's life must be at least 0 and less than 1.");

            _policy = _policy with { RefreshAhead = value };
        }
    }

    /// <summary>How long a provider's error is remembered in this process when the same question would fail the same way: one that it refuses (400, 404, 413, 422), and one for which it
    /// is too busy or down (429, 5xx), but that only as long as its <c>Retry-After</c> says. Until then identical questions get a <see cref="RememberedErrorException"/>.</summary>
    /// <value>Zero: not at all. At most one hour.</value>
    public TimeSpan RememberErrorsFor
    {
        get => _rememberErrorsFor;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1));
            _rememberErrorsFor = value;
        }
    }

    /// <summary>How fast a stored answer comes as a stream, in characters per second, for user interfaces that type.</summary>
    /// <value>Null: at once. At least one.</value>
    public int? ReplayPace
    {
        get => _pace;
        set
        {
            if (value is { } pace)
                ArgumentOutOfRangeException.ThrowIfLessThan(pace, 1, nameof(value));

            _pace = value;
        }
    }

    /// <summary>What an answer from the cache says it used. <see cref="CallCost.Usage"/> always tells what it had used when it was bought.</summary>
    /// <value><see cref="HitUsage.Omit"/>.</value>
    public HitUsage HitUsage { get; set; }

    /// <summary>The largest answer that is stored, in bytes of its stored form.</summary>
    /// <value>4 MB.</value>
    public int MaxAnswerBytes
    {
        get => _policy.MaxAnswerBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _policy = _policy with { MaxAnswerBytes = value };
        }
    }

    /// <summary>Whether questions that point at media by address are cached, although what is there may change.</summary>
    /// <value>False.</value>
    public bool AllowUriContent
    {
        get => _policy.AllowUriContent;
        set => _policy = _policy with { AllowUriContent = value };
    }

    /// <summary>Whether only calls with a temperature of zero are cached.</summary>
    /// <value>False: any temperature is cached, each under its own key.</value>
    public bool OnlyDeterministic
    {
        get => _policy.OnlyDeterministic;
        set => _policy = _policy with { OnlyDeterministic = value };
    }

    /// <summary>Whether an answer that asks for function calls is stored.</summary>
    /// <value>False.</value>
    public bool StoreToolCalls
    {
        get => _policy.StoreToolCalls;
        set => _policy = _policy with { StoreToolCalls = value };
    }

    /// <summary>Whether an answer that was cut by the provider's filter, or that the provider marked as a refusal, is stored.</summary>
    /// <value>False: the next try may be answered. Refusals that come as error content are never stored.</value>
    public bool StoreRefusals
    {
        get => _policy.StoreRefusals;
        set => _policy = _policy with { StoreRefusals = value };
    }

    /// <summary>The first word on whether a question may be answered from the cache and its answer stored; false bypasses the cache. It must not change what it is given.</summary>
    /// <value>Null: all of them.</value>
    public Func<IReadOnlyList<ChatMessage>, ChatOptions?, bool>? ShouldCache
    {
        get => _policy.ShouldCache;
        set => _policy = _policy with { ShouldCache = value };
    }

    /// <summary>The last word on whether an answer is stored; asked only about answers that may be. Streams are then not read along by
    /// identical calls while they come, because it is asked at the end.</summary>
    /// <value>Null: all of them.</value>
    public Func<ChatResponse, bool>? ShouldStore
    {
        get => _policy.ShouldStore;
        set => _policy = _policy with { ShouldStore = value };
    }
}
