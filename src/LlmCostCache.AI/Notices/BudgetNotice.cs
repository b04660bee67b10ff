using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Something worth knowing about a budget, said once per period whichever process it happens in; again only when the limit was raised since.</summary>
public sealed record BudgetNotice
{
    /// <summary>What it says.</summary>
    public required BudgetNoticeKind Kind { get; init; }

    /// <summary>The budget.</summary>
    public required Budget Budget { get; init; }

    /// <summary>Whose period it is where each user, session and so on has their own: <c>user=alice</c>; empty for other budgets. It is in no log, metric or webhook.</summary>
    public string Key { get; init; } = "";

    /// <summary>The share of the limit that was reached, 0.8 for 80 percent; null unless it is a <see cref="BudgetNoticeKind.Threshold"/>.</summary>
    public decimal? Threshold { get; init; }

    /// <summary>What the budget allows in its period.</summary>
    public required BudgetAmount Limit { get; init; }

    /// <summary>What is spent in the period.</summary>
    public required BudgetAmount Spent { get; init; }

    /// <summary>What calls under way may still cost.</summary>
    public required BudgetAmount Reserved { get; init; }

    /// <summary>What will be spent at the end of the period; null unless it is a <see cref="BudgetNoticeKind.Projection"/>.</summary>
    public BudgetAmount? Projected { get; init; }

    /// <summary>When the period began; null when it has no beginning.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>When the next period begins; null when there is none.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>When it was noticed.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What is left of the limit; never below zero.</summary>
    public BudgetAmount Remaining => BudgetStatus.Left(Limit, Spent);

    /// <summary>Which share of the limit is spent, 0.8 for 80 percent. Of a limit of zero everything is.</summary>
    public decimal Utilization => BudgetStatus.Share(Spent, Limit);

    /// <summary>The same for the same notice: two deliveries of it can be told from two notices. Says nothing about who.</summary>
    public string Id => NoticeId.Of(this);

    /// <summary>What it is given once in: the beginning of the period, or of a stretch of the clock as long as a rolling span.</summary>
    internal DateTimeOffset Window { get; init; }

    /// <summary>A sentence or two for people. It names the budget, but no user and no session that the budget's author did not name.</summary>
    public string Message
    {
        get
        {
            var name = TelemetryNames.Of(Budget);
            var next = ResetsAt is { } at ? string.Create(CultureInfo.InvariantCulture, $" The next period begins at {at:yyyy-MM-dd HH:mm} UTC.") : "";
            return Kind switch
            {
                BudgetNoticeKind.Projection => string.Create(CultureInfo.InvariantCulture,
                    $"Budget '{name}' will cross its limit: {Spent} of {Limit} is spent ({Utilization:0.#%}), and {Projected} will be when the period ends.{next}"),
                BudgetNoticeKind.Refusal => string.Create(CultureInfo.InvariantCulture,
                    $"Budget '{name}' refuses calls: {Spent} of {Limit} is spent ({Utilization:0.#%}) and {Reserved} reserved; {Remaining} remains, less than a call may need.{next}"),
                _ => string.Create(CultureInfo.InvariantCulture,
                    $"Budget '{name}' has reached {Threshold:0.##%}: {Spent} of {Limit} is spent ({Utilization:0.#%}), {Remaining} remains.{next}"),
            };
        }
    }

    internal static BudgetNotice Of(BudgetCrossing crossing) => Of(BudgetNoticeKind.Threshold, crossing.Window, crossing.Limit, crossing.Spent, crossing.Reserved, crossing.At) with { Threshold = crossing.Share };

    internal static BudgetNotice Of(BudgetNoticeKind kind, BudgetWindow window, BudgetAmount limit, BudgetAmount spent, BudgetAmount reserved, DateTimeOffset at) => new()
    {
        Kind = kind,
        Budget = window.Budget,
        Key = window.Key,
        Limit = limit,
        Spent = spent,
        Reserved = reserved,
        Window = window.StartsAt,
        StartsAt = window.StartsAt == DateTimeOffset.MinValue || window.Budget.Period == BudgetPeriod.Rolling ? null : window.StartsAt,
        ResetsAt = window.EndsAt == DateTimeOffset.MaxValue || window.Budget.Period == BudgetPeriod.Rolling ? null : window.EndsAt,
        At = at,
    };
}
