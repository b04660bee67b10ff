using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>The provider failed on this very question a moment ago in a way that would repeat; it was not asked again.</summary>
/// <remarks>Only thrown when <see cref="CostCachingChatClient.RememberErrorsFor"/> is set. <see cref="Exception.InnerException"/> is the provider's error.</remarks>
public sealed class RememberedErrorException : LlmCostException
{
    internal RememberedErrorException(Exception error, DateTimeOffset at, DateTimeOffset until)
        : base(string.Create(CultureInfo.InvariantCulture, $"The provider failed on this question at {at.UtcDateTime:HH:mm:ss}Z ({Describe(error)}); that is remembered, and it is not asked again "
            + $"before {until.UtcDateTime:HH:mm:ss}Z. Ask with WithCache(c => c.Refresh()) to try at once."), error)
    {
        FailedAt = at;
        Until = until;
    }

    /// <summary>When the provider failed.</summary>
    public DateTimeOffset FailedAt { get; }

    /// <summary>From when on the provider is asked again.</summary>
    public DateTimeOffset Until { get; }

    // Not its message: that may quote the prompt.
    private static string Describe(Exception error) =>
        UnbilledFailure.StatusIn(error) is { } status ? string.Create(CultureInfo.InvariantCulture, $"{error.GetType().Name}, status {status}") : error.GetType().Name;
}
