using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Stops a run that does not end by itself: one that has cost too much, made too many requests, or asks for the same tools again and again.</summary>
/// <remarks>
/// <para>It is best put outermost, outside <c>UseFunctionInvocation()</c>: it then sees a turn with all its rounds, and what tools ask models of their own counts as well. Inside it
/// works too, as long as a session or a trace holds the rounds together. Answers from the cache count for nothing.</para>
/// <para>Runs are kept in this process and are forgotten after <see cref="RunawayOptions.IdleTimeout"/>. For a promise about money across processes give each session a budget:
/// <c>Budget.Total(5m).ForEachSession()</c>.</para>
/// </remarks>
public sealed class RunawayGuardChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly RunawayOptions _options;

    /// <summary>Guards a client.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Who keeps count: clients that share it share their runs.</param>
    /// <param name="options">The caps; <see cref="LlmCostsOptions.Runaway"/> when null. Later changes have no effect.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public RunawayGuardChatClient(IChatClient innerClient, LlmCosts costs, RunawayOptions? options = null)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _options = (options ?? costs.Options.Runaway).Copy();
    }

    /// <inheritdoc/>
    /// <exception cref="RunawayException">The run ends here. The request that would have been next was not sent.</exception>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        _costs.ThrowIfDisposed();
        RunWatch.Current = Begin(options);
        return await base.GetResponseAsync(messages, options, cancellationToken);
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _costs.ThrowIfDisposed();
        var watch = Begin(options);
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await MoveNextAsync(updates, watch))
        {
            yield return updates.Current;
        }
    }

    // For each step anew: what an iterator puts into an AsyncLocal is gone after its next yield.
    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, RunWatch watch)
    {
        RunWatch.Current = watch;
        return await updates.MoveNextAsync();
    }

    private RunWatch Begin(ChatOptions? options) => RunWatch.Begin(_costs, _options, CallToken.Find(_costs, options?.AdditionalProperties)?.Attribution ?? CostScope.Current);
}
