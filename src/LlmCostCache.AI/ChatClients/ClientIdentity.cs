using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Whom a client talks to, as far as it says so.</summary>
/// <param name="Provider">The provider's name in the GenAI conventions, or the client's type where it does not say.</param>
/// <param name="Uri">The endpoint.</param>
/// <param name="DefaultModel">The model that is asked when the options name none.</param>
/// <param name="IsKnown">Whether the client itself said so.</param>
internal sealed record ClientIdentity(string? Provider, Uri? Uri, string? DefaultModel, bool IsKnown)
{
    public string? Host => Uri?.IsAbsoluteUri == true ? Uri.Host : null;

    /// <summary>What the ledger and the price book are told; a client's type name is not a provider.</summary>
    public string? ProviderName => IsKnown ? Provider : null;

    public static ClientIdentity Of(IChatClient client) => client.GetService<ChatClientMetadata>() is { } metadata
        ? new(metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId, metadata.ProviderName is not null)
        : new(client.GetType().FullName, null, null, false);

    public static ClientIdentity Of(IEmbeddingGenerator generator) =>
        generator.GetService(typeof(EmbeddingGeneratorMetadata)) is EmbeddingGeneratorMetadata metadata
            ? new(metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId, metadata.ProviderName is not null)
            : new(generator.GetType().FullName, null, null, false);
}
