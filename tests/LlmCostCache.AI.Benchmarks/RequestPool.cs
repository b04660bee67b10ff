using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Equal requests made of different objects, so that no request is the very object that was asked before.</summary>
internal sealed class RequestPool
{
    private readonly (List<ChatMessage> Messages, ChatOptions Options)[] _requests;
    private int _next;

    public RequestPool(int tokens, bool tools)
        : this(() => Payload.Request(tokens, tools))
    {
    }

    public RequestPool(Func<(List<ChatMessage> Messages, ChatOptions Options)> request) => _requests = [.. Enumerable.Range(0, 32).Select(_ => request())];

    public (List<ChatMessage> Messages, ChatOptions Options) Next() => _requests[_next++ & 31];
}
