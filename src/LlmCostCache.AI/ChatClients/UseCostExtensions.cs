using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>What the <c>Use...</c> methods share: whose costs, and whether a meter is there already.</summary>
internal static class UseCostExtensions
{
    public static LlmCosts Resolve(LlmCosts? costs, IServiceProvider services)
    {
        if ((costs ?? services.GetService<LlmCosts>()) is { } given)
        {
            return given;
        }

        var shared = LlmCosts.Shared;
        shared.AnnounceOnce(services.GetService<ILoggerFactory>());
        return shared;
    }

    /// <summary>The client itself when it is metered further in, else the client with a meter around it.</summary>
    public static IChatClient Metered(IChatClient client, LlmCosts costs)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(costs);
        costs.ThrowIfDisposed();
        costs.ThrowIfOther(client.GetService<LlmCosts>());
        return client.GetService<UsageMeteringChatClient>() is null ? new UsageMeteringChatClient(client, costs) : client;
    }
}
