using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <content>Explains misses.</content>
public sealed partial class CostCachingChatClient
{
    /// <summary>Says why a question would not be answered from <c>cache.db</c>: whether it is stored, and if not, in which parts the nearest stored question differs. Asks no
    /// provider and stores nothing. It reads what every stored question consists of, so it is for finding out and not for every call.</summary>
    /// <param name="messages">The messages, as they would be given to <see cref="GetResponseAsync"/>.</param>
    /// <param name="options">The options, as they would be given to <see cref="GetResponseAsync"/>.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="StoreUnavailableException"><c>cache.db</c> cannot be read.</exception>
    public async Task<CacheExplanation> WhyMissAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _costs.ThrowIfDisposed();
        var plan = _costs.Cache.Plan(ChatMessages.AsList(messages), options, _endpoint, CostScope.Current.Tenant, _policy);
        return new CacheExplanation(await _costs.Cache.WhyMissAsync(plan, cancellationToken).ConfigureAwait(false));
    }
}
