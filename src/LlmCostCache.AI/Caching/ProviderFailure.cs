using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace LlmCostCache.AI;

/// <summary>What a failed call says about the next one.</summary>
internal static class ProviderFailure
{
    /// <summary>Whether the provider, or the way to it, failed, and not the caller: a stored answer may stand in although it has expired.</summary>
    /// <param name="exception">What the client threw.</param>
    /// <param name="cancellationToken">The caller's own wish to stop.</param>
    public static bool IsProviders(Exception exception, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return false;

        // A budget that refuses, a price nobody knows: our own doing, and a stale answer would only hide it.
        if (exception is LlmCostException or ArgumentException or InvalidOperationException or NotSupportedException or NotImplementedException)
            return false;

        // A question that is refused would be refused again; an account that is locked out should hear of it.
        return UnbilledFailure.StatusIn(exception) is not { } status || status is 408 or 409 or 425 or 429 or >= 500;
    }

    /// <summary>How long the same question would fail the same way, at most; null when it might be answered at once.</summary>
    public static TimeSpan? RepeatsFor(Exception exception, TimeSpan atMost, DateTimeOffset now)
    {
        var status = UnbilledFailure.StatusIn(exception);
        if (status is 400 or 404 or 413 or 414 or 415 or 422)
            return atMost;

        // Too many requests, or a provider that is down: for as long as it said itself, and no longer.
        return status is 429 or >= 500 && RetryAfter(exception, now) is { } wait ? (wait < atMost ? wait : atMost) : null;
    }

    /// <summary>How long the provider asked to be left alone; null when it did not say.</summary>
    public static TimeSpan? RetryAfter(Exception exception, DateTimeOffset now)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            // OpenAI says it in milliseconds too, which is closer.
            if (Header(current, "retry-after-ms") is string ms && int.TryParse(ms, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds > 0)
                return TimeSpan.FromMilliseconds(milliseconds);

            var found = current.Data["Retry-After"] ?? Property(current, "RetryAfter") ?? Header(current, "Retry-After");
            if (found is TimeSpan wait)
                return wait > TimeSpan.Zero ? wait : null;

            if (found is DateTimeOffset until && until > now)
                return until - now;

            // A number, or what System.Net.Http makes of the header, writes itself as the header does.
            if (Convert.ToString(found, CultureInfo.InvariantCulture) is { Length: > 0 } text && Parse(text, now) is { } parsed)
                return parsed;
        }

        return null;
    }

    private static TimeSpan? Parse(string text, DateTimeOffset now)
    {
        // Some servers send fractions, and "12.5" would pass for a day of December.
        if (decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds))
            return seconds > 0 && seconds < (decimal)TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)) : null;

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until) && until > now ? until - now : null;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What was trimmed away reads as not said; then nothing is remembered.")]
    private static object? Property(Exception exception, string name)
    {
        try
        {
            return exception.GetType().GetProperty(name)?.GetValue(exception);
        }
        catch (Exception failure) when (failure is TargetInvocationException or AmbiguousMatchException)
        {
            return null;
        }
    }

    // The SDKs that are built on System.ClientModel (OpenAI's) and on Azure.Core give the raw response by a method, and its headers by name.
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What was trimmed away reads as not said; then nothing is remembered.")]
    private static string? Header(Exception exception, string name)
    {
        try
        {
            var response = exception.GetType().GetMethod("GetRawResponse", Type.EmptyTypes)?.Invoke(exception, null);
            var headers = response?.GetType().GetProperty("Headers")?.GetValue(response);
            object?[] arguments = [name, null];
            var found = headers?.GetType().GetMethod("TryGetValue", [typeof(string), typeof(string).MakeByRefType()])?.Invoke(headers, arguments);
            return found is true ? arguments[1] as string : null;
        }
        catch (Exception failure) when (failure is TargetInvocationException or AmbiguousMatchException)
        {
            return null;
        }
    }
}
