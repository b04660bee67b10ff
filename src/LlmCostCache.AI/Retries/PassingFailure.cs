using System.Net.Sockets;
using Polly.Timeout;

namespace LlmCostCache.AI;

/// <summary>Tells failures that may be over at the next try from those that would come again.</summary>
internal static class PassingFailure
{
    // OpenAI answers 429 both for "too fast" and for "nothing left on the account"; only the code in the message tells them apart (platform.openai.com/docs/guides/error-codes).
    private static readonly string[] s_outOfCredit = ["insufficient_quota", "billing_hard_limit_reached", "credit balance is too low"];

    /// <summary>Whether another try makes sense.</summary>
    public static bool Is(Exception exception)
    {
        if (exception is AggregateException { InnerExceptions: { Count: > 0 } tries })
        {
            // The tries of an SDK that retried by itself: the last one says how things stand.
            return Is(tries[^1]);
        }

        return UnbilledFailure.StatusIn(exception) is { } status
            ? status is 408 or 409 or 425 or 429 or (>= 500 and not (501 or 505)) && !(status == 429 && IsOutOfCredit(exception))
            : IsOfTheWay(exception);
    }

    /// <summary>A word for metrics: few and fixed.</summary>
    public static string Kind(Exception exception) => exception is AggregateException { InnerExceptions: { Count: > 0 } tries } ? Kind(tries[^1])
        : UnbilledFailure.StatusIn(exception) switch
        {
            429 => "429",
            >= 500 => "5xx",
            408 => "timeout",
            { } => "4xx",
            null => exception is TimeoutException or OperationCanceledException or TimeoutRejectedException ? "timeout" : "connection",
        };

    private static bool IsOfTheWay(Exception exception)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            switch (current)
            {
                case LlmCostException:
                    return false;
                case HttpRequestException http when IsLasting(http.HttpRequestError):
                    // A certificate that is not trusted, a proxy that wants a password: neither changes by itself.
                    return false;
                case HttpRequestException or IOException or SocketException or TimeoutException or TimeoutRejectedException or OperationCanceledException:
                    // HTTP clients report their own time-out as a cancellation; one that the caller asked for never comes here.
                    return true;
            }
        }

        return false;
    }

    private static bool IsLasting(HttpRequestError error) => error is HttpRequestError.SecureConnectionError or HttpRequestError.UserAuthenticationError
        or HttpRequestError.VersionNegotiationError or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.ExtendedConnectNotSupported;

    private static bool IsOutOfCredit(Exception exception)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            if (s_outOfCredit.Any(code => current.Message.Contains(code, StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }
}
