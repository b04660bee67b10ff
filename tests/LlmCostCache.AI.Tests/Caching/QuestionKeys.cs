using System.Security.Cryptography;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>The key of a question, without a cache.</summary>
internal static class QuestionKeys
{
    public static bool TryKey(IEnumerable<ChatMessage> messages, ChatOptions? options, in CacheEndpoint endpoint, string? ns, string? callNs, string? tenant,
        string? model, bool allowUriContent, out CacheKey key, out string? whyNot) =>
        TryFinish(RequestCanonicalizer.TryWrite(messages, options, new(endpoint, ns, callNs, tenant, model), allowUriContent, out whyNot), out key);

    public static bool TryKey(string text, EmbeddingGenerationOptions? options, in CacheEndpoint endpoint, string? ns, string? callNs, string? tenant,
        string? model, out CacheKey key, out string? whyNot) =>
        TryFinish(RequestCanonicalizer.TryWrite(text, options, new(endpoint, ns, callNs, tenant, model), out whyNot), out key);

    private static bool TryFinish(RequestCanonicalizer? form, out CacheKey key)
    {
        key = form is null ? default : new CacheKey(SHA256.HashData(form.Bytes));
        form?.Return();
        return form is not null;
    }
}
