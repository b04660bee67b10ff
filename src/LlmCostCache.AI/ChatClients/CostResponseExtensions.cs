using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Tells what an answer cost.</summary>
public static class CostResponseExtensions
{
    /// <summary>What the response cost: the sum over every attempt inside it, also when function invocation made several.</summary>
    /// <returns>Never null; <see cref="CallCost.Certainty"/> is <see cref="CostCertainty.Unknown"/> when nothing is known.</returns>
    public static CallCost GetCost(this ChatResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return CostCarrier.Sum([response.AdditionalProperties, .. response.Messages.Select(message => message.AdditionalProperties)]);
    }

    /// <summary>What the stream cost, on the update that ends it (each round of function invocation ends with one); unknown on every other update.</summary>
    /// <returns>Never null.</returns>
    public static CallCost GetCost(this ChatResponseUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        return CostCarrier.Sum([update.AdditionalProperties]);
    }

    /// <summary>What the embeddings cost.</summary>
    /// <returns>Never null.</returns>
    public static CallCost GetCost<TEmbedding>(this GeneratedEmbeddings<TEmbedding> embeddings)
        where TEmbedding : Embedding
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        return CostCarrier.Sum([embeddings.AdditionalProperties]);
    }
}
