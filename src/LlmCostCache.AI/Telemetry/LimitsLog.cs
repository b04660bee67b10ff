using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <content>Rate limits, retries and runaway guards: 140-159.</content>
internal static partial class Log
{
    public static void RateRefused(this ILogger logger, RateLimit limit, RateRefusal reason)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            RateRefusedCore(logger, TelemetryNames.Of(limit), reason);
        }
    }

    [LoggerMessage(145, LogLevel.Information, "A request failed ({Failure}) and is sent again in {Wait}; this is retry {Retry} of {MaxRetries}.")]
    public static partial void Retrying(this ILogger logger, string failure, TimeSpan wait, int retry, int maxRetries);

    [LoggerMessage(146, LogLevel.Warning,
        "UseRetry stands outside UseFunctionInvocation: a retry would run the tools of the whole turn again. Call UseFunctionInvocation before UseRetry on the builder.")]
    public static partial void RetryOutsideFunctionInvocation(this ILogger logger);

    [LoggerMessage(150, LogLevel.Warning, "The runaway guard stopped a run ({Rule}) after {Calls} requests for {Spent}. It is said once for each run.")]
    public static partial void RunStopped(this ILogger logger, RunawayRule rule, int calls, Money spent);

    [LoggerMessage(140, LogLevel.Information, "Rate limit '{Limit}' refused a call: {Reason}.")]
    private static partial void RateRefusedCore(ILogger logger, string limit, RateRefusal reason);
}
