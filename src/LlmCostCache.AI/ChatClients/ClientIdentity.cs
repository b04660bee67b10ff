using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Whom a client talks to, as far as it says so.</summary>
/// <param name="Provider">The provider's name in the GenAI conventions, or the type of the innermost client where there is no metadata.</param>
/// <param name="Uri">The endpoint.</param>
/// <param name="DefaultModel">The model that is asked when the options name none.</param>
/// <param name="IsKnown">Whether the client itself said so.</param>
internal sealed record ClientIdentity(string? Provider, Uri? Uri, string? DefaultModel, bool IsKnown)
{
    public string? Host => Uri?.IsAbsoluteUri == true ? Uri.Host : null;

    /// <summary>What the ledger and the price book are told; a client's type name is not a provider.</summary>
    public string? ProviderName => IsKnown ? Provider : null;

    /// <summary>Whose conventions of counting the reported usage follows: the client's own name, whatever it is called in prices and reports.</summary>
    public string? Adapter
    {
        get => field ?? ProviderName;
        private init;
    }

    /// <summary>The same client under a name that the application gives it; under its own when that is null.</summary>
    public ClientIdentity Called(string? name) => name is null ? this : this with { Provider = name, IsKnown = true, Adapter = ProviderName };

    public static ClientIdentity Of(IChatClient client) => client.GetService<ChatClientMetadata>() is { } metadata
        ? new(metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId, metadata.ProviderName is not null)
        : new(TypeOf(client), null, null, false);

    public static ClientIdentity Of(IEmbeddingGenerator generator) =>
        generator.GetService(typeof(EmbeddingGeneratorMetadata)) is EmbeddingGeneratorMetadata metadata
            ? new(metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId, metadata.ProviderName is not null)
            : new(TypeOf(generator), null, null, false);

    /// <summary>What stands for the provider's name where nobody says it: the type of the client, whatever is wrapped around it.</summary>
    public static string? TypeOf(IChatClient client) => Innermost(client).GetType().FullName;

    /// <inheritdoc cref="TypeOf(IChatClient)"/>
    public static string? TypeOf(IEmbeddingGenerator generator) => Innermost(generator).GetType().FullName;

    // A wrapper says nothing about who is asked: by its type all clients under a budget would be one provider.
    private static IChatClient Innermost(IChatClient client)
    {
        while (client is DelegatingChatClient wrapper)
            client = InnerOf(wrapper);

        return client;
    }

    private static IEmbeddingGenerator Innermost(IEmbeddingGenerator generator)
    {
        while (generator is DelegatingEmbeddingGenerator<string, Embedding<float>> wrapper)
            generator = Inner<string, Embedding<float>>.Of(wrapper);

        return generator;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_InnerClient")]
    private static extern IChatClient InnerOf(DelegatingChatClient client);

    private static class Inner<TInput, TEmbedding>
        where TEmbedding : Embedding
    {
        [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_InnerGenerator")]
        public static extern IEmbeddingGenerator<TInput, TEmbedding> Of(DelegatingEmbeddingGenerator<TInput, TEmbedding> generator);
    }
}
