using System.Security.Cryptography;
using LlmCostCache.AI.Cli.Traces;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>A request of a trace as an application would ask it.</summary>
internal static class TraceQuestion
{
    // A token of English text has about four bytes; a budget holds for what it sees.
    private const int BytesPerToken = 4;

    /// <summary>The messages; as long as the prompt was when <paramref name="isWhole"/>.</summary>
    public static List<ChatMessage> Messages(TraceCall call, bool isWhole)
    {
        var name = call.Key ?? "";
        var length = isWhole ? (int)Math.Min(call.Usage.TotalInputTokens * BytesPerToken, 64 << 20) : 0;
        return [new(ChatRole.User, name.Length >= length ? name : name.PadRight(length, '.'))];
    }

    public static ChatOptions Options(TraceCall call, string? model) => new()
    {
        ModelId = model,
        MaxOutputTokens = call.MaxOutputTokens,
        AdditionalProperties = call.ServiceTier is { } tier ? new() { ["service_tier"] = tier } : null,
    };

    /// <summary>The key by which the product's cache would know the request; null when the trace does not say which requests are the same.</summary>
    public static CacheKey? KeyOf(TraceCall call, string? provider, string? model)
    {
        if (call.Key is null)
        {
            return null;
        }

        var scope = new QuestionScope(new CacheEndpoint(provider, null, model), null, null, call.Attribution.Tenant, model);
        if (RequestCanonicalizer.TryWrite(Messages(call, isWhole: false), Options(call, model), scope, allowUriContent: false, out _) is not { } form)
        {
            return null;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(form.Bytes, digest);
        form.Return();
        return KeySeal.None.Seal(digest);
    }
}
