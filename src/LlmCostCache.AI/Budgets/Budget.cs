using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>A limit on spending: how much, in which period, for whom, and what happens when it is reached.</summary>
/// <remarks>
/// A budget is strict unless <see cref="Balanced"/> or <see cref="Warn"/> says otherwise. Its identity is scope, period and name: a new limit under the
/// same identity takes over what was already spent, and a new budget counts what the ledger already holds for its window.
/// </remarks>
public sealed record Budget
{
    private Budget(BudgetPeriod period, Money limit)
    {
        Period = period;
        Limit = limit;
    }

    /// <summary>The span of time that the limit is for.</summary>
    public BudgetPeriod Period { get; }

    /// <summary>What may be spent in one period.</summary>
    public Money Limit { get; }

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

    internal BudgetThresholds AnnouncedAt { get; init; } = BudgetThresholds.Default;

    /// <summary>Scope, period and name: what makes it the same budget in another process or after a restart.</summary>
    internal string Id => $"{Scope}|{Period.ToString().ToLowerInvariant()}|{GivenName}";

    private string DefaultName => Scope == BudgetScope.Everything ? Period.ToString().ToLowerInvariant() : $"{Period.ToString().ToLowerInvariant()} {Scope}";

    /// <summary>A limit for each call by itself.</summary>
    /// <param name="usd">Dollars; zero refuses every call that is not free.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative or too large to count (above 9.2 billion dollars).</exception>
    public static Budget PerCall(decimal usd) => new(BudgetPeriod.PerCall, Checked(usd));

    /// <summary>A limit for each hour of the clock.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Hourly(decimal usd) => new(BudgetPeriod.Hour, Checked(usd));

    /// <summary>A limit for each calendar day in the zone of <see cref="LlmCostsOptions.TimeZone"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Daily(decimal usd) => new(BudgetPeriod.Day, Checked(usd));

    /// <summary>A limit for each week, from <see cref="LlmCostsOptions.WeekStart"/>.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Weekly(decimal usd) => new(BudgetPeriod.Week, Checked(usd));

    /// <summary>A limit for each calendar month.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Monthly(decimal usd) => new(BudgetPeriod.Month, Checked(usd));

    /// <summary>A limit for all time.</summary>
    /// <inheritdoc cref="PerCall(decimal)"/>
    public static Budget Total(decimal usd) => new(BudgetPeriod.Total, Checked(usd));

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

    /// <summary>Gives the budget a name: part of its identity, and what messages and reports call it.</summary>
    public Budget Named(string name) => this with { GivenName = Checked(name) };

    /// <summary>For example <c>Budget 'team-a' allows $25 per day</c>.</summary>
    public override string ToString() => Period switch
    {
        BudgetPeriod.PerCall => $"Budget '{Name}' allows {Limit} per call",
        BudgetPeriod.Total => $"Budget '{Name}' allows {Limit} in total",
        _ => string.Create(CultureInfo.InvariantCulture, $"Budget '{Name}' allows {Limit} per {Period.ToString().ToLowerInvariant()}"),
    };

    private static Money Checked(decimal usd)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(usd);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(usd, Money.MaxValue.Usd);
        return Money.FromUsd(usd);
    }

    private static string Checked(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return name != BudgetScope.Each ? name : throw new ArgumentException("'*' is not a name; use ForEachUser() and the like to give each value a budget of its own.", nameof(name));
    }
}
