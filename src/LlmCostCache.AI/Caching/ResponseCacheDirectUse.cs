using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <content>Answers for whatever is asked elsewhere than through a chat client.</content>
public sealed partial class ResponseCache
{
    private static readonly CacheEndpoint s_direct = new("llmcostcache.direct", null, null);

    /// <summary>Finds the answer to a prompt that was stored with
    /// <see cref="SetAsync(string, string, string?, ChatOptions?, CancellationToken)"/>.</summary>
    /// <param name="prompt">The prompt, as one message of the user.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options the answer was asked with; all of them are part of the question.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer, or null when it is not stored, no longer valid, or the question cannot be named.</returns>
    public Task<CachedAnswer?> GetAsync(string prompt, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        GetAsync(AsMessages(prompt), model, options, cancellationToken);

    /// <summary>Finds the answer to a conversation that was stored with
    /// <see cref="SetAsync(IEnumerable{ChatMessage}, ChatResponse, string?, ChatOptions?, CancellationToken)"/>.</summary>
    /// <param name="messages">The messages so far.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options the answer was asked with; all of them are part of the question.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer, or null when it is not stored, no longer valid, or the question cannot be named.</returns>
    public async Task<CachedAnswer?> GetAsync(IEnumerable<ChatMessage> messages, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var hit = await FindAsync(PlanDirect(messages, model, options), cancellationToken).ConfigureAwait(false);
        if (hit is null)
            return null;

        hit.Answer.Worth.Ask(_time.GetUtcNow());
        Used(hit, Money.Zero);
        return new CachedAnswer(hit);
    }

    /// <summary>Stores the answer to a prompt; returns when it is on the disk as well.</summary>
    /// <param name="prompt">The prompt, as one message of the user.</param>
    /// <param name="answer">The text of the answer.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options of the question; <c>WithCache</c> sets lifetime, tags and namespace.</param>
    /// <param name="cancellationToken">Stops waiting; what was begun is stored nevertheless.</param>
    /// <returns>Whether it was stored: an empty or overlong answer, or a question that cannot be named, is not.</returns>
    public Task<bool> SetAsync(string prompt, string answer, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var response = new ChatResponse(new ChatMessage(ChatRole.Assistant, answer))
        {
            FinishReason = ChatFinishReason.Stop,
            ModelId = model ?? options?.ModelId,
        };
        return SetAsync(AsMessages(prompt), response, model, options, cancellationToken);
    }

    /// <summary>Stores the answer to a conversation; returns when it is on the disk as well.</summary>
    /// <param name="messages">The messages so far.</param>
    /// <param name="response">The answer. A copy is stored, without usage and conversation id.</param>
    /// <param name="model">The model; when null, that of <paramref name="options"/>.</param>
    /// <param name="options">The options of the question; <c>WithCache</c> sets lifetime, tags and namespace.</param>
    /// <param name="cancellationToken">Stops waiting; what was begun is stored nevertheless.</param>
    /// <returns>Whether it was stored: only a finished answer is, with the finish reason <c>stop</c> and something in it.</returns>
    public async Task<bool> SetAsync(IEnumerable<ChatMessage> messages, ChatResponse response, string? model = null,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (Store(PlanDirect(messages, model, options), response, CallCost.Unpriced("stored directly")) is not null)
            return false;

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Forgets the answer to a prompt, in every layer.</summary>
    /// <returns>Whether there was one in memory or on the disk.</returns>
    public Task<bool> RemoveAsync(string prompt, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        RemoveAsync(AsMessages(prompt), model, options, cancellationToken);

    /// <summary>Forgets the answer to a conversation, in every layer.</summary>
    /// <returns>Whether there was one in memory or on the disk.</returns>
    public async Task<bool> RemoveAsync(IEnumerable<ChatMessage> messages, string? model = null, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var plan = PlanDirect(messages, model, options);
        return plan.BypassReason is null && await RemoveAsync(plan, cancellationToken).ConfigureAwait(false);
    }

    private static IList<ChatMessage> AsMessages(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return [new ChatMessage(ChatRole.User, prompt)];
    }

    private CachePlan PlanDirect(IEnumerable<ChatMessage> messages, string? model, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (model is not null && options?.ModelId is { } other && other != model)
        {
            options = options.Clone();
            options.ModelId = model;
        }

        var list = messages as IList<ChatMessage> ?? [.. messages];
        return Plan(list, options, s_direct with { DefaultModel = model }, CostScope.Current.Tenant, CachePolicy.Default);
    }
}
