namespace LlmCostCache.AI;

/// <summary>What a projection goes by: the more history there is, the more of it is used.</summary>
public enum ProjectionBasis
{
    /// <summary>There is no projection: the budget has no end, or its calls go back less than an hour.</summary>
    None,

    /// <summary>The last hour goes on unchanged. Calls go back less than a day, so nights and weekends are not known: take it for a rate, not for a forecast.</summary>
    LastHour,

    /// <summary>The last 24 hours go on unchanged. Calls go back less than two weeks, so weekends are not told from working days.</summary>
    LastDay,

    /// <summary>Each hour of the week goes on as it went in the last weeks, two to four of them, at the level of the last seven days.</summary>
    HourOfWeek,
}
