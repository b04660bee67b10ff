namespace LlmCostCache.AI;

/// <summary>One period of one budget (and, for a template, of one of its values): the row that spending is counted against.</summary>
/// <param name="Budget">The budget.</param>
/// <param name="Key">The values of a template's names; empty for a plain budget.</param>
/// <param name="StartsAt">Inclusive, UTC; <see cref="DateTimeOffset.MinValue"/> for <see cref="BudgetPeriod.Total"/>.</param>
/// <param name="EndsAt">Exclusive, UTC; <see cref="DateTimeOffset.MaxValue"/> for <see cref="BudgetPeriod.Total"/>.</param>
internal readonly record struct BudgetWindow(Budget Budget, string Key, DateTimeOffset StartsAt, DateTimeOffset EndsAt)
{
    /// <summary>
    /// What a notice is given once in. A rolling span has no period that could begin anew, so it is a stretch of the clock that is as long as the span.
    /// </summary>
    public BudgetWindow ForNotices(DateTimeOffset at)
    {
        if (Budget.Span is not { } span)
        {
            return this;
        }

        var start = new DateTimeOffset(at.UtcTicks - at.UtcTicks % span.Ticks, TimeSpan.Zero);
        return this with { StartsAt = start, EndsAt = start + span };
    }
}
