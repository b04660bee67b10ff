using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace LlmCostCache.AI;

/// <summary>Tells failures that were certainly not billed (never reached a model, or refused before it ran) from those that may have been.</summary>
internal static class UnbilledFailure
{
    // Anthropic's overloaded_error: the service is busy and turns the request away before a model runs (docs.anthropic.com/en/api/errors). Of others it is not known.
    private const int Overloaded = 529;

    /// <param name="exception">What the client threw.</param>
    /// <param name="client">Whom was asked: the vendors' own codes mean something only there.</param>
    public static bool IsCertain(Exception exception, ClientIdentity? client = null)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            switch (current)
            {
                case LlmCostException:
                    return true;
                case AggregateException { InnerExceptions: { Count: > 1 } attempts }:
                    // The attempts of an SDK that retried: one that may have been billed is enough.
                    return attempts.All(attempt => IsCertain(attempt, client));
                case HttpRequestException { StatusCode: { } status }:
                    return IsRefusal((int)status, client);
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError }:
                    return true;
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.TryAgain or SocketError.NoData }:
                    return true;
            }

            if (StatusOf(current) is { } code)
            {
                return IsRefusal(code, client);
            }
        }

        return false;
    }

    /// <summary>The HTTP status that a client's exception, or one inside it, names; null when none does.</summary>
    public static int? StatusIn(Exception exception)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            if (current is HttpRequestException { StatusCode: { } status })
                return (int)status;

            if (StatusOf(current) is { } code)
                return code;
        }

        return null;
    }

    // Requests that a provider rejects or throttles before a model runs. 408, 409 and 5xx can come after it ran.
    private static bool IsRefusal(int status, ClientIdentity? client) =>
        status is 400 or 401 or 402 or 403 or 404 or 405 or 413 or 415 or 422 or 429 || (status == Overloaded && IsOfAnthropic(client));

    private static bool IsOfAnthropic(ClientIdentity? client) => client?.ProviderName is "anthropic"
        || client?.Host is { } host && (host.Equals("anthropic.com", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".anthropic.com", StringComparison.OrdinalIgnoreCase));

    // The SDKs' exceptions carry the status under these names (System.ClientModel.ClientResultException.Status, Azure.RequestFailedException.Status,
    // Anthropic's StatusCode); referencing every SDK to read one number is not worth it. Trimmed away, the failure counts as possibly billed.
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "A trimmed property reads as unknown, which is the safe side.")]
    private static int? StatusOf(Exception exception)
    {
        if (exception is HttpRequestException)
        {
            return null;
        }

        foreach (var name in (ReadOnlySpan<string>)["Status", "StatusCode"])
        {
            try
            {
                switch (exception.GetType().GetProperty(name)?.GetValue(exception))
                {
                    case int status when status is >= 100 and < 600:
                        return status;
                    case HttpStatusCode status:
                        return (int)status;
                }
            }
            catch (Exception failure) when (failure is System.Reflection.TargetInvocationException or System.Reflection.AmbiguousMatchException)
            {
                return null;
            }
        }

        return null;
    }
}
