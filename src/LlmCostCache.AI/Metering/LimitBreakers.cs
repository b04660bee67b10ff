using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Models that answered more than the <c>MaxOutputTokens</c> they were sent, as servers do that do not know the option. Remembered until the process ends.</summary>
internal sealed class LimitBreakers(ILogger logger)
{
    private const int MaxKnown = 1_000;

    private readonly ConcurrentDictionary<(string Provider, string Host, string Model), bool> _known = new();

    public bool Has(MeteredAttempt attempt) => !_known.IsEmpty && _known.ContainsKey(KeyOf(attempt));

    public void Add(MeteredAttempt attempt)
    {
        if (_known.Count < MaxKnown && _known.TryAdd(KeyOf(attempt), true))
        {
            Log.LimitBroken(logger, attempt.RequestedModel ?? "", attempt.Client.ProviderName ?? "");
        }
    }

    private static (string Provider, string Host, string Model) KeyOf(MeteredAttempt attempt) =>
        (attempt.Client.ProviderName ?? "", attempt.Client.Host ?? "", attempt.RequestedModel?.ToLowerInvariant() ?? "");
}
