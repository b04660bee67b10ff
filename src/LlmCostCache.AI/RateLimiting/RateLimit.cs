using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>How much may be sent in a window of time, and whose calls are counted together: <c>RateLimit.Requests(60, per: TimeSpan.FromMinutes(1))</c>.</summary>
/// <remarks>
/// <para>Each provider and each model is counted apart, as providers themselves do, unless <see cref="AcrossModels"/> says otherwise. What two limits have in common
/// (unit, limit, window, scope, name) makes them the same: clients that share an <see cref="LlmCosts"/> and give the same limit share what is left of it.</para>
/// <para>A limit paces calls within one process and makes them wait; it is not stored. To cap what is spent, across processes and restarts, use a <see cref="Budget"/>.</para>
/// </remarks>
public sealed record RateLimit
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(7);

    private RateLimit(RateLimitUnit unit, long limit, TimeSpan window)
    {
        Unit = unit;
        Limit = limit;
        Window = window;
        Burst = limit;
    }

    /// <summary>What is counted.</summary>
    public RateLimitUnit Unit { get; }

    /// <summary>How much may be counted in a window: requests, tokens, or nano-dollars.</summary>
    public long Limit { get; }

    /// <summary>The length of the window.</summary>
    public TimeSpan Window { get; }

    /// <summary>How it is counted over time.</summary>
    public RateLimitAlgorithm Algorithm { get; private init; }

    /// <summary>How much may be sent at once: what a full bucket holds, or the limit of a window.</summary>
    public long Burst { get; private init; }

    /// <summary>Whether all models of all providers are counted together.</summary>
    public bool IsAcrossModels { get; private init; }

    /// <summary>A name for messages and metrics; made from what is counted when none was given.</summary>
    public string Name => GivenName ?? DefaultName;

    internal BudgetScope Scope { get; private init; } = BudgetScope.Everything;

    internal string? GivenName { get; private init; }

    /// <summary>What makes it the same limit in another client.</summary>
    internal string Id => string.Create(CultureInfo.InvariantCulture, $"{Unit}|{Limit}|{Window.Ticks}|{Algorithm}|{Burst}|{IsAcrossModels}|{Scope}|{GivenName}");

    private string DefaultName => Scope == BudgetScope.Everything ? Amount(Limit) + Per : $"{Amount(Limit)}{Per} {Scope}";

    private string Per => $" per {(Window == TimeSpan.FromMinutes(1) ? "minute" : Window == TimeSpan.FromHours(1) ? "hour" : Window == TimeSpan.FromDays(1) ? "day" : Window.ToString())}";

    /// <summary>Limits how many requests are sent.</summary>
    /// <param name="limit">At least one.</param>
    /// <param name="per">The window: from 100 milliseconds to 7 days.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit or the window is out of its bounds.</exception>
    public static RateLimit Requests(long limit, TimeSpan per) => new(RateLimitUnit.Requests, Checked(limit), Checked(per));

    /// <summary>Limits how many tokens are asked for and answered.</summary>
    /// <inheritdoc cref="Requests(long, TimeSpan)"/>
    public static RateLimit Tokens(long limit, TimeSpan per) => new(RateLimitUnit.Tokens, Checked(limit), Checked(per));

    /// <summary>Limits how much money is spent. A call whose price is not known is refused: it could not be counted.</summary>
    /// <param name="usd">Dollars, more than zero.</param>
    /// <param name="per">The window: from 100 milliseconds to 7 days.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit or the window is out of its bounds.</exception>
    public static RateLimit Cost(decimal usd, TimeSpan per)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(usd, Money.MaxValue.Usd);
        return new(RateLimitUnit.Cost, Checked(Money.FromUsd(usd).Nanos, nameof(usd)), Checked(per));
    }

    /// <summary>Counts exactly: no stretch of time as long as the window holds more than the limit. The default.</summary>
    public RateLimit AsSlidingWindow() => this with { Algorithm = RateLimitAlgorithm.SlidingWindow, Burst = Limit };

    /// <summary>Refills evenly instead of by windows, which is how most providers count.</summary>
    /// <param name="burst">How much may be sent at once, in the unit of the limit (for money in nano-dollars); the limit when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The burst is not above zero.</exception>
    public RateLimit AsTokenBucket(long? burst = null) => this with { Algorithm = RateLimitAlgorithm.TokenBucket, Burst = Checked(burst ?? Limit, nameof(burst)) };

    /// <summary>Counts the calls to all models of all providers together.</summary>
    public RateLimit AcrossModels() => this with { IsAcrossModels = true };

    /// <summary>Counts only the calls of this tenant.</summary>
    public RateLimit ForTenant(string tenant) => this with { Scope = Scope with { Tenant = Checked(tenant) } };

    /// <summary>Counts only the calls of this project.</summary>
    public RateLimit ForProject(string project) => this with { Scope = Scope with { Project = Checked(project) } };

    /// <summary>Counts only the calls of this team.</summary>
    public RateLimit ForTeam(string team) => this with { Scope = Scope with { Team = Checked(team) } };

    /// <summary>Counts only the calls of this user.</summary>
    public RateLimit ForUser(string user) => this with { Scope = Scope with { User = Checked(user) } };

    /// <summary>Counts only the calls of this feature.</summary>
    public RateLimit ForFeature(string feature) => this with { Scope = Scope with { Feature = Checked(feature) } };

    /// <summary>Counts only the calls of this session.</summary>
    public RateLimit ForSession(string session) => this with { Scope = Scope with { Session = Checked(session) } };

    /// <summary>Counts only the calls of this agent.</summary>
    public RateLimit ForAgent(string agent) => this with { Scope = Scope with { Agent = Checked(agent) } };

    /// <summary>Counts only the calls that ask for this model, by the name that is asked for or by its name in the price book.</summary>
    public RateLimit ForModel(string model) => this with { Scope = Scope with { Model = Checked(model) } };

    /// <summary>Counts only the calls that carry this tag.</summary>
    public RateLimit ForTag(string tag) => this with { Scope = Scope with { Tag = Checked(tag) } };

    /// <summary>Gives each tenant a count of its own; calls without a tenant are not counted.</summary>
    public RateLimit ForEachTenant() => this with { Scope = Scope with { Tenant = BudgetScope.Each } };

    /// <summary>Gives each project a count of its own; calls without a project are not counted.</summary>
    public RateLimit ForEachProject() => this with { Scope = Scope with { Project = BudgetScope.Each } };

    /// <summary>Gives each team a count of its own; calls without a team are not counted.</summary>
    public RateLimit ForEachTeam() => this with { Scope = Scope with { Team = BudgetScope.Each } };

    /// <summary>Gives each user a count of its own; calls without a user are not counted.</summary>
    public RateLimit ForEachUser() => this with { Scope = Scope with { User = BudgetScope.Each } };

    /// <summary>Gives each feature a count of its own; calls without a feature are not counted.</summary>
    public RateLimit ForEachFeature() => this with { Scope = Scope with { Feature = BudgetScope.Each } };

    /// <summary>Gives each session a count of its own; calls without a session are not counted.</summary>
    public RateLimit ForEachSession() => this with { Scope = Scope with { Session = BudgetScope.Each } };

    /// <summary>Gives each agent a count of its own; calls without an agent are not counted.</summary>
    public RateLimit ForEachAgent() => this with { Scope = Scope with { Agent = BudgetScope.Each } };

    /// <summary>Gives the limit a name: what messages and metrics call it, and part of its identity.</summary>
    public RateLimit Named(string name) => this with { GivenName = Checked(name) };

    /// <summary>For example <c>Rate limit '60 requests per minute' (sliding window)</c>.</summary>
    public override string ToString() => $"Rate limit '{Name}' ({(Algorithm == RateLimitAlgorithm.SlidingWindow ? "sliding window" : "token bucket")})";

    /// <summary>An amount in the unit of the limit, for people.</summary>
    internal string Amount(long amount) => Unit switch
    {
        RateLimitUnit.Cost => Money.FromNanos(amount).ToString(),
        RateLimitUnit.Tokens => string.Create(CultureInfo.InvariantCulture, $"{amount:N0} token{(amount == 1 ? "" : "s")}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{amount:N0} request{(amount == 1 ? "" : "s")}"),
    };

    /// <summary>The limits that are narrower are asked first: who waits for his own limit must not stand in the way of others at a common one.</summary>
    internal int Breadth => (Scope.Session is null ? 1 : 0) + (Scope.User is null ? 1 : 0) + (Scope.Agent is null ? 1 : 0) + (Scope.Feature is null ? 1 : 0)
        + (Scope.Team is null ? 1 : 0) + (Scope.Project is null ? 1 : 0) + (Scope.Tenant is null ? 1 : 0) + (Scope.Tag is null ? 1 : 0) + (IsAcrossModels ? 1 : 0);

    private static long Checked(long limit, string name = "limit")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, name);
        return limit;
    }

    private static TimeSpan Checked(TimeSpan per)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(per, s_shortest);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(per, s_longest);
        return per;
    }

    private static string Checked(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return name != BudgetScope.Each ? name : throw new ArgumentException("'*' is not a name; use ForEachUser() and the like to give each value a count of its own.", nameof(name));
    }
}
