using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Everything we say to a log. Event ids are stable.</summary>
/// <remarks>No message carries a prompt, an answer, a key, or the name of a user or a session.</remarks>
internal static partial class Log
{
    // 1-19: opening and closing

    [LoggerMessage(1, LogLevel.Information, "No LlmCosts was given; the shared one is used. Its ledger and cache are in {Home}.")]
    public static partial void SharedHome(this ILogger logger, string home);

    [LoggerMessage(2, LogLevel.Information, "Usage of language models is recorded in {Home}.")]
    public static partial void Opened(this ILogger logger, string home);

    // 20-39: prices and usage

    [LoggerMessage(20, LogLevel.Warning,
        "No price is known for model {Model} of provider {Provider}; its calls are counted as unpriced and are in no sum. Add "
        + "a ModelPrice to LlmCostsOptions.Prices or to prices.json.")]
    public static partial void UnknownPrice(this ILogger logger, string model, string provider);

    [LoggerMessage(21, LogLevel.Warning,
        "Provider {Provider} reported contradictory token counts for model {Model}; they were clamped and the row is flagged.")]
    public static partial void UsageClamped(this ILogger logger, string model, string provider);

    [LoggerMessage(22, LogLevel.Debug,
        "Provider {Provider} reported no usage for model {Model}; the cost is bounded from the length of the texts.")]
    public static partial void UsageMissing(this ILogger logger, string model, string provider);

    [LoggerMessage(23, LogLevel.Warning,
        "The price of model {Model} in {Source} looks like a slip of units: {What}. It is used as it stands; 'llmcost prices check' shows where it is.")]
    public static partial void PriceLooksWrong(this ILogger logger, string model, string source, string what);

    [LoggerMessage(24, LogLevel.Warning,
        "The rule in LlmCostsOptions.UsageRules for provider {Provider} failed ({Problem}); the built-in rules counted and the row is flagged.")]
    public static partial void UsageRuleFailed(this ILogger logger, string provider, string problem);

    [LoggerMessage(25, LogLevel.Warning,
        "Model {Requested} was asked and {Answered} answered, which is dearer. Its calls are priced as {Answered}. Said once for each pair.")]
    public static partial void DearerModelAnswered(this ILogger logger, string requested, string answered);

    // 40-59: the cache

    [LoggerMessage(40, LogLevel.Debug, "The cache was bypassed: {Reason}.")]
    public static partial void CacheBypassed(this ILogger logger, string reason);

    [LoggerMessage(41, LogLevel.Warning,
        "The {Layer} layer of the cache failed ({Reason}) and is left alone for about {Pause}; calls go on without it.")]
    public static partial void CacheLayerFailed(this ILogger logger, CacheLayer layer, string reason, TimeSpan pause);

    [LoggerMessage(49, LogLevel.Information, "The {Layer} layer of the cache is back after {Away}.")]
    public static partial void CacheLayerBack(this ILogger logger, CacheLayer layer, TimeSpan away);

    [LoggerMessage(42, LogLevel.Debug, "An answer was not stored: {Reason}.")]
    public static partial void AnswerNotStored(this ILogger logger, string reason);

    [LoggerMessage(43, LogLevel.Warning,
        "UseCostCache stands outside UseFunctionInvocation: it sees a whole conversation with tools as one call and would "
        + "replay the effects of tools as answers. Call UseFunctionInvocation before UseCostCache on the builder.")]
    public static partial void CacheOutsideFunctionInvocation(this ILogger logger);

    // 60-79: budgets

    /// <summary>Half of a budget is news; from there on it is a warning.</summary>
    public static void Noticed(this ILogger logger, BudgetNotice notice)
    {
        var level = notice.Threshold <= 0.5m ? LogLevel.Information : LogLevel.Warning;
        if (logger.IsEnabled(level))
        {
            NoticedCore(logger, level, notice.Message);
        }
    }

    /// <summary>The address of a webhook is a secret; its host is not.</summary>
    [LoggerMessage(72, LogLevel.Error, "A notice could not be sent to {Webhook} ({Problem}); {Notice} is given up.")]
    public static partial void WebhookFailed(this ILogger logger, BudgetWebhook webhook, string problem, string notice);

    [LoggerMessage(73, LogLevel.Warning, "A notice could not be sent to {Webhook} at once ({Problem}); it is tried again.")]
    public static partial void WebhookRetried(this ILogger logger, BudgetWebhook webhook, string problem);

    [LoggerMessage(74, LogLevel.Error, "{Count} notices for {Webhook} were given up: too many were waiting, or there was no time left to send them before closing.")]
    public static partial void WebhookDropped(this ILogger logger, int count, BudgetWebhook webhook);

    public static void NoticeDropped(this ILogger logger, BudgetNotice notice)
    {
        if (logger.IsEnabled(LogLevel.Error))
        {
            NoticeDroppedCore(logger, notice.Message);
        }
    }

    public static void AllowedByApplication(this ILogger logger, Budget budget)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            AllowedByApplicationCore(logger, TelemetryNames.Of(budget));
        }
    }

    public static void WaitingForBudget(this ILogger logger, Budget budget, DateTimeOffset until)
    {
        if (logger.IsEnabled(LogLevel.Debug))
        {
            WaitingForBudgetCore(logger, TelemetryNames.Of(budget), until);
        }
    }

    [LoggerMessage(71, LogLevel.Error, "A budget observer of type {Observer} failed or took too long ({Problem}).")]
    public static partial void ObserverFailed(this ILogger logger, string observer, string problem);

    [LoggerMessage(79, LogLevel.Error, "A listener to metrics or spans failed ({Problem}); the call goes on.")]
    public static partial void ListenerFailed(this ILogger logger, string problem);

    public static void BudgetRefused(this ILogger logger, Budget budget, BudgetAmount requested, BudgetAmount left)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            BudgetRefusedCore(logger, TelemetryNames.Of(budget), requested, left);
        }
    }

    public static void MaxOutputTokensCapped(this ILogger logger, int tokens, Budget budget)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            MaxOutputTokensCappedCore(logger, tokens, TelemetryNames.Of(budget));
        }
    }

    public static void FallbackModel(this ILogger logger, string from, string to, Budget budget)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            FallbackModelCore(logger, from, to, TelemetryNames.Of(budget));
        }
    }

    [LoggerMessage(64, LogLevel.Warning, "A call cost {Cost}, more than the {Held} that was reserved for it; it is booked in full.")]
    public static partial void BudgetOverrun(this ILogger logger, Money cost, Money held);

    [LoggerMessage(65, LogLevel.Warning,
        "{Count} reservations expired before their calls were settled, because a process ended or a call took longer; they are booked in full until the cost is known. "
        + "If no process ended, raise LlmCostsOptions.ReservationTimeout above the longest call.")]
    public static partial void ReservationExpired(this ILogger logger, int count);

    [LoggerMessage(75, LogLevel.Warning,
        "Model {Model} of provider {Provider} answered more than the MaxOutputTokens it was sent. Under strict budgets its streams are from now on cut as soon as they may be longer. "
        + "Said once for each model.")]
    public static partial void LimitBroken(this ILogger logger, string model, string provider);

    [LoggerMessage(76, LogLevel.Error,
        "{Count} reservations could not be booked as they were written down; each was booked at the amount that it held, without the names of its call, or put off when even that "
        + "failed. Run 'llmcost ledger verify'.")]
    public static partial void ReservationUnreadable(this ILogger logger, int count);

    // 80-99: metering

    [LoggerMessage(80, LogLevel.Warning,
        "UseUsageMetering stands outside UseFunctionInvocation: several calls to the provider are seen as one and their cost "
        + "is only bounded. Call UseFunctionInvocation before UseUsageMetering on the builder.")]
    public static partial void MeterOutsideFunctionInvocation(this ILogger logger);

    [LoggerMessage(81, LogLevel.Debug, "Another metering client inside this one already counts the call; this one stays silent.")]
    public static partial void MeteredInside(this ILogger logger);

    // 100-119: the store

    [LoggerMessage(100, LogLevel.Error,
        "The ledger cannot be used ({Reason}). Calls under strict budgets are refused; other costs are kept in a file beside "
        + "it.")]
    public static partial void StoreUnavailable(this ILogger logger, string reason);

    [LoggerMessage(101, LogLevel.Warning, "The ledger could not take a row; it is kept in {Path} and will be written later.")]
    public static partial void SpooledRecord(this ILogger logger, string path);

    [LoggerMessage(102, LogLevel.Information, "{Count} rows that were kept aside are now in the ledger.")]
    public static partial void SpoolReplayed(this ILogger logger, int count);

    [LoggerMessage(106, LogLevel.Warning,
        "The ledger has a row of the attempt '{Id}' already, from an import, a merge or another process: that one stays and counts. What ended here cost {Cost}.")]
    public static partial void RecordKnown(this ILogger logger, string id, Money? cost);

    [LoggerMessage(105, LogLevel.Information, "{Progress}")]
    public static partial void LedgerUpdated(this ILogger logger, string progress);

    [LoggerMessage(103, LogLevel.Warning, "{Count} rows of free calls were dropped because the ledger could not keep pace.")]
    public static partial void RecordsDropped(this ILogger logger, long count);

    [LoggerMessage(104, LogLevel.Critical,
        "A call was paid for and neither the ledger nor the file beside it could take its row ({Reason}). Cost: {Cost}, model "
        + "{Model}, attempt {Id}.")]
    public static partial void RecordLost(this ILogger logger, string reason, Money? cost, string? model, string id);

    // The names of budgets come from TelemetryNames.Of, which leaves out users and sessions.

    [LoggerMessage(EventId = 60, Message = "{Notice}")]
    private static partial void NoticedCore(ILogger logger, LogLevel level, string notice);

    [LoggerMessage(77, LogLevel.Information, "The application allowed a call that does not fit into budget '{Budget}'.")]
    private static partial void AllowedByApplicationCore(ILogger logger, string budget);

    [LoggerMessage(78, LogLevel.Debug, "A call waits for budget '{Budget}' until {Until}.")]
    private static partial void WaitingForBudgetCore(ILogger logger, string budget, DateTimeOffset until);

    [LoggerMessage(70, LogLevel.Error, "Too many notices about budgets were waiting; this one reached neither observers nor webhooks. {Notice}")]
    private static partial void NoticeDroppedCore(ILogger logger, string notice);

    [LoggerMessage(61, LogLevel.Information, "Budget '{Budget}' refused a call that may need {Requested}; {Left} is left.")]
    private static partial void BudgetRefusedCore(ILogger logger, string budget, BudgetAmount requested, BudgetAmount left);

    [LoggerMessage(62, LogLevel.Information, "The answer was limited to {Tokens} tokens so that the call fits into budget '{Budget}'.")]
    private static partial void MaxOutputTokensCappedCore(ILogger logger, int tokens, string budget);

    [LoggerMessage(63, LogLevel.Information, "Model {From} does not fit into budget '{Budget}'; {To} is asked instead.")]
    private static partial void FallbackModelCore(ILogger logger, string from, string to, string budget);

}
