using System.Runtime.CompilerServices;

namespace LlmCostCache.AI;

/// <summary>A limit on spending: how much, in which period, for whom, and what happens when it is reached.</summary>
/// <remarks>
/// <para>Every budget that counts a call must let it pass. <c>ForTeam("x").ForEachUser()</c> gives each user of one team a budget of its own, <c>ForEachTeam().ForEachUser()</c> each user of each team.</para>
/// <para>
/// A budget counts dollars, or tokens or requests when it is given a <see cref="BudgetAmount"/> of those. Tokens are all kinds of input and output together. A request is an attempt that
/// reached a provider: each retry is one; one that was certainly not billed is given back, as its money is. Answers from a cache cost nothing in any unit. An attempt whose outcome is never known is
/// counted at what was held for it.
/// </para>
/// A budget is strict unless <see cref="Balanced"/> or <see cref="Warn"/> says otherwise. Its identity is scope, period, unit and name: a new limit under the
/// same identity takes over what was already spent, and a new budget counts what the ledger already holds for its window.
/// </remarks>
public sealed record Budget
{
    // Asked for several times with each call, and made of texts. Beside the record, so that a copy with another scope does not inherit it.
    private static readonly ConditionalWeakTable<Budget, string> s_ids = [];

    private Budget(BudgetPeriod period, BudgetAmount amount, TimeSpan? span = null)
    {
        Period = period;
        Amount = amount;
        Span = span;
    }

    /// <summary>The span of time that the limit is for.</summary>
    public BudgetPeriod Period { get; }

    /// <summary>How long the span of a rolling budget is; null for every other.</summary>
    public TimeSpan? Span { get; }

    /// <summary>What may be spent in one period, in the unit that the budget counts.</summary>
    public BudgetAmount Amount { get; private init; }

    /// <summary>What the budget counts.</summary>
    public BudgetUnit Unit => Amount.Unit;

    /// <summary>What may be spent in one period, in dollars; <see cref="Money.MaxValue"/> when the budget counts tokens or requests and so sets no limit to dollars.</summary>
    public Money Limit => Unit == BudgetUnit.Usd ? Amount.Money : Money.MaxValue;

    /// <summary>What happens to a call that may not fit.</summary>
    public BudgetMode Mode { get; private init; }

    /// <summary>A name for messages and reports; made from period and scope when none was given.</summary>
    public string Name => GivenName ?? DefaultName;

    /// <summary>The model that is asked instead when the requested one does not fit, the first of <see cref="FallbackModels"/>; null when there is none.</summary>
    public string? FallbackModel => FallbackModels is [var first, ..] ? first : null;

    /// <summary>The models that are asked instead, in this order, when the requested one does not fit; empty when the call is refused.</summary>
    public IReadOnlyList<string> FallbackModels => Fallbacks?.Split('\n') ?? [];

    /// <summary>The shares of the limit that are announced when spending reaches them, the smallest first: 0.8 is 80 percent.</summary>
    public IReadOnlyList<decimal> Thresholds => AnnouncedAt.Shares;

    internal BudgetScope Scope { get; private init; } = BudgetScope.Everything;

    internal string? GivenName { get; private init; }

    /// <summary>One model a line: a text, so that budgets that say the same are equal.</summary>
    internal string? Fallbacks { get; private init; }

    /// <summary>How long a call may wait until it fits; null when only for other calls' reservations (<see cref="LlmCostsOptions.ReservationWait"/>).</summary>
    public TimeSpan? LongestWait { get; private init; }

    internal Func<BudgetQuestion, CancellationToken, ValueTask<BudgetAnswer>>? Callback { get; private init; }

    internal BudgetThresholds AnnouncedAt { get; init; } = BudgetThresholds.Default;

    /// <summary>Scope, period, unit and name: what makes it the same budget in another process or after a restart.</summary>
    internal string Id => s_ids.GetValue(this, static budget => $"{budget.Scope}|{BudgetText.StoredKind(budget)}|{budget.GivenName}");

    private string DefaultName => Scope == BudgetScope.Everything ? BudgetText.Kind(this) : $"{BudgetText.Kind(this)} {Scope}";

    /// <summary>A limit for each call by itself.</summary>
    /// <param name="usd">Dollars; zero refuses every call that is not free.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative or too large to count (above 9.2 billion dollars).</exception>
    public static Budget PerCall(decimal usd) => new(BudgetPeriod.PerCall, Checked(usd));

    /// <summary>A limit for each call by itself.</summary>
    /// <param name="limit">Dollars, tokens or requests; zero refuses every call that is not free.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative.</exception>
    public static Budget PerCall(BudgetAmount limit) => new(BudgetPeriod.PerCall, Checked(limit));

    /// <summary>A limit for each minute of the clock.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget PerMinute(decimal usd) => new(BudgetPeriod.Minute, Checked(usd));

    /// <summary>A limit for each minute of the clock.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget PerMinute(BudgetAmount limit) => new(BudgetPeriod.Minute, Checked(limit));

    /// <summary>A limit for each hour of the clock.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Hourly(decimal usd) => new(BudgetPeriod.Hour, Checked(usd));

    /// <summary>A limit for each hour of the clock.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Hourly(BudgetAmount limit) => new(BudgetPeriod.Hour, Checked(limit));

    /// <summary>A limit for each calendar day in the zone of <see cref="LlmCostsOptions.TimeZone"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Daily(decimal usd) => new(BudgetPeriod.Day, Checked(usd));

    /// <summary>A limit for each calendar day in the zone of <see cref="LlmCostsOptions.TimeZone"/>.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Daily(BudgetAmount limit) => new(BudgetPeriod.Day, Checked(limit));

    /// <summary>A limit for each week, from <see cref="LlmCostsOptions.WeekStart"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Weekly(decimal usd) => new(BudgetPeriod.Week, Checked(usd));

    /// <summary>A limit for each week, from <see cref="LlmCostsOptions.WeekStart"/>.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Weekly(BudgetAmount limit) => new(BudgetPeriod.Week, Checked(limit));

    /// <summary>A limit for each calendar month.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Monthly(decimal usd) => new(BudgetPeriod.Month, Checked(usd));

    /// <summary>A limit for each calendar month.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Monthly(BudgetAmount limit) => new(BudgetPeriod.Month, Checked(limit));

    /// <summary>A limit for three calendar months, counted from <see cref="LlmCostsOptions.FiscalYearStart"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Quarterly(decimal usd) => new(BudgetPeriod.Quarter, Checked(usd));

    /// <summary>A limit for three calendar months, counted from <see cref="LlmCostsOptions.FiscalYearStart"/>.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Quarterly(BudgetAmount limit) => new(BudgetPeriod.Quarter, Checked(limit));

    /// <summary>A limit for twelve calendar months, from <see cref="LlmCostsOptions.FiscalYearStart"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Yearly(decimal usd) => new(BudgetPeriod.Year, Checked(usd));

    /// <summary>A limit for twelve calendar months, from <see cref="LlmCostsOptions.FiscalYearStart"/>.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Yearly(BudgetAmount limit) => new(BudgetPeriod.Year, Checked(limit));

    /// <summary>A limit for every span of this length, wherever it begins: <c>Rolling(5m, TimeSpan.FromHours(24))</c> allows five dollars in any 24 hours.</summary>
    /// <remarks>
    /// Spending is counted in slices of a sixtieth of the span (of whole quarter-hours from four hours on). A call counts for at least the whole span and at most one slice longer,
    /// so a strict limit holds for every position of the span; what slicing can do is refuse a call up to one slice too early.
    /// </remarks>
    /// <param name="usd">Dollars; zero refuses every call that is not free.</param>
    /// <param name="span">From one second to 366 days, in whole milliseconds.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative or too large to count, or the span is out of its bounds.</exception>
    public static Budget Rolling(decimal usd, TimeSpan span) => new(BudgetPeriod.Rolling, Checked(usd), Checked(span));

    /// <inheritdoc cref="Rolling(decimal, TimeSpan)"/>
    /// <param name="limit">Dollars, tokens or requests; zero refuses every call that is not free.</param>
    /// <param name="span">From one second to 366 days, in whole milliseconds.</param>
    public static Budget Rolling(BudgetAmount limit, TimeSpan span) => new(BudgetPeriod.Rolling, Checked(limit), Checked(span));

    /// <summary>A limit for all time.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Total(decimal usd) => new(BudgetPeriod.Total, Checked(usd));

    /// <summary>A limit for all time.</summary>
    /// <inheritdoc cref="PerCall(BudgetAmount)"/>
    public static Budget Total(BudgetAmount limit) => new(BudgetPeriod.Total, Checked(limit));

    /// <summary>Counts only the calls of this tenant.</summary>
    public Budget ForTenant(string tenant) => this with { Scope = Scope with { Tenant = Checked(tenant) } };

    /// <summary>Counts only the calls of this project.</summary>
    public Budget ForProject(string project) => this with { Scope = Scope with { Project = Checked(project) } };

    /// <summary>Counts only the calls of this team.</summary>
    public Budget ForTeam(string team) => this with { Scope = Scope with { Team = Checked(team) } };

    /// <summary>Counts only the calls of this user.</summary>
    public Budget ForUser(string user) => this with { Scope = Scope with { User = Checked(user) } };

    /// <summary>Counts only the calls of this feature.</summary>
    public Budget ForFeature(string feature) => this with { Scope = Scope with { Feature = Checked(feature) } };

    /// <summary>Counts only the calls of this session.</summary>
    public Budget ForSession(string session) => this with { Scope = Scope with { Session = Checked(session) } };

    /// <summary>Counts only the calls of this agent.</summary>
    public Budget ForAgent(string agent) => this with { Scope = Scope with { Agent = Checked(agent) } };

    /// <summary>Counts only the calls that ask for this model, by the name that is asked for or by its name in the price book.</summary>
    public Budget ForModel(string model) => this with { Scope = Scope with { Model = Checked(model) } };

    /// <summary>Counts only the calls that carry this tag.</summary>
    public Budget ForTag(string tag) => this with { Scope = Scope with { Tag = Checked(tag) } };

    /// <summary>Gives each tenant a budget of its own; calls without a tenant are not counted.</summary>
    public Budget ForEachTenant() => this with { Scope = Scope with { Tenant = BudgetScope.Each } };

    /// <summary>Gives each project a budget of its own; calls without a project are not counted.</summary>
    public Budget ForEachProject() => this with { Scope = Scope with { Project = BudgetScope.Each } };

    /// <summary>Gives each team a budget of its own; calls without a team are not counted.</summary>
    public Budget ForEachTeam() => this with { Scope = Scope with { Team = BudgetScope.Each } };

    /// <summary>Gives each user a budget of its own; calls without a user are not counted.</summary>
    public Budget ForEachUser() => this with { Scope = Scope with { User = BudgetScope.Each } };

    /// <summary>Gives each feature a budget of its own; calls without a feature are not counted.</summary>
    public Budget ForEachFeature() => this with { Scope = Scope with { Feature = BudgetScope.Each } };

    /// <summary>Gives each session a budget of its own; calls without a session are not counted.</summary>
    public Budget ForEachSession() => this with { Scope = Scope with { Session = BudgetScope.Each } };

    /// <summary>Gives each agent a budget of its own; calls without an agent are not counted.</summary>
    public Budget ForEachAgent() => this with { Scope = Scope with { Agent = BudgetScope.Each } };

    /// <summary>Lets every call pass; its thresholds are announced as those of every budget are (<see cref="NotifyAt"/>).</summary>
    public Budget Warn() => this with { Mode = BudgetMode.Warn };

    /// <summary>Reserves an estimate times 1.25 instead of the worst case: fewer calls wait or are refused, calls under way can overrun by the error of the estimate.</summary>
    public Budget Balanced() => this with { Mode = BudgetMode.Balanced };

    /// <summary>
    /// Asks these models instead, one after the other, when the requested one does not fit: each is checked against all budgets and priced as itself.
    /// The cheaper answer is never stored as the answer of the dearer model.
    /// </summary>
    /// <param name="models">The models, the first to be asked first.</param>
    /// <exception cref="ArgumentException">There is none, or a name is empty or has more than one line.</exception>
    public Budget FallBackTo(params string[] models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Length == 0 || Array.Exists(models, model => model?.AsSpan().ContainsAny('\r', '\n') == true))
        {
            throw new ArgumentException("Name at least one model, each in one line.", nameof(models));
        }

        return this with { Fallbacks = string.Join('\n', models.Select(Checked)) };
    }

    /// <summary>
    /// Announces when spending reaches these shares of the limit, each once per period whichever process it happens in: as a log message, a metric, and to the
    /// observers and webhooks of <see cref="LlmCostsOptions"/>. Without this call: 50, 80, 90 and 100 percent.
    /// </summary>
    /// <param name="shares">0.8 is 80 percent; above 0, up to 10, at most four decimal places and twenty shares. None announces nothing.</param>
    /// <exception cref="ArgumentException">A share is out of its bounds, or there are too many.</exception>
    public Budget NotifyAt(params decimal[] shares)
    {
        ArgumentNullException.ThrowIfNull(shares);
        return this with { AnnouncedAt = BudgetThresholds.Of(shares) };
    }

    /// <summary>
    /// Lets a call that does not fit wait for the period to end (or, of a rolling span, for spending to leave it) when that is near enough; also how long it waits
    /// for the reservations of other calls, when that is longer than <see cref="LlmCostsOptions.ReservationWait"/>. A shorter answer that fits is preferred; a fallback is asked afterwards.
    /// </summary>
    /// <param name="longest">How long a call may wait: above zero, up to a day. It ends with the call's cancellation.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or more than a day.</exception>
    public Budget WaitFor(TimeSpan longest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(longest, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(longest, TimeSpan.FromDays(1));
        return this with { LongestWait = longest };
    }

    /// <summary>
    /// Asks the application about a call that does not fit, after waiting and before anything is refused: it allows the call, blocks it or names another model.
    /// A budget that asks falls back only to what the answer names. What the callback throws blocks the call.
    /// </summary>
    /// <param name="callback">
    /// Is awaited in the path of the call, whose latency it adds to; nothing is locked or held meanwhile. It is called for each attempt that does not fit, by many calls at once.
    /// </param>
    /// <remarks>A call that is allowed may exceed the limit, of a strict budget too. Callbacks live in code: limits that are set at run time leave them in place.</remarks>
    public Budget Ask(Func<BudgetQuestion, CancellationToken, ValueTask<BudgetAnswer>> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return this with { Callback = callback };
    }

    /// <summary>Gives the budget a name: part of its identity, and what messages and reports call it.</summary>
    public Budget Named(string name) => this with { GivenName = Checked(name) };

    /// <summary>For example <c>Budget 'team-a' allows $25 per day</c>.</summary>
    public override string ToString() => $"Budget '{Name}' allows {Sentence(Amount)}";

    /// <summary>An amount with the period, for example <c>$25 per day</c>: the limit, or the limit with what was granted on top.</summary>
    internal string Sentence(BudgetAmount limit) => Period switch
    {
        BudgetPeriod.PerCall => $"{limit} per call",
        BudgetPeriod.Total => $"{limit} in total",
        BudgetPeriod.Rolling => $"{limit} in any {BudgetText.Length(Span!.Value)}",
        _ => $"{limit} per {BudgetText.Word(Period)}",
    };

    /// <summary>Whether somebody chose when it is announced; the usual thresholds can be chosen too.</summary>
    internal bool SaysThresholds => !ReferenceEquals(AnnouncedAt, BudgetThresholds.Default);

    /// <summary>The budget with the limit, the mode and the fallback of another of the same identity, and its thresholds where it says any.</summary>
    internal Budget Under(Budget setting) => this with
    {
        Amount = setting.Amount,
        Mode = setting.Mode,
        Fallbacks = setting.Fallbacks,
        AnnouncedAt = setting.SaysThresholds ? setting.AnnouncedAt : AnnouncedAt,
    };

    private static BudgetAmount Checked(decimal usd)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(usd);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(usd, Money.MaxValue.Usd);
        return Money.FromUsd(usd);
    }

    private static BudgetAmount Checked(BudgetAmount limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit.Count, nameof(limit));
        return limit;
    }

    private static TimeSpan Checked(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, RollingSlices.ShortestSpan);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(span, RollingSlices.LongestSpan);
        ArgumentOutOfRangeException.ThrowIfNotEqual(span.Ticks % TimeSpan.TicksPerMillisecond, 0, nameof(span));
        return span;
    }

    private static string Checked(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return name != BudgetScope.Each ? name : throw new ArgumentException("'*' is not a name; use ForEachUser() and the like to give each value a budget of its own.", nameof(name));
    }
}
