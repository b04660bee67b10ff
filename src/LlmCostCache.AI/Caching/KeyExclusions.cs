using System.Collections.Frozen;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Everything a request can carry that is <i>not</i> in the key, each with the reason. What is in neither place fails a
/// test.</summary>
internal static class KeyExclusions
{
    /// <summary>Members left out, as <c>Type.Member</c>; a type name covers its subclasses.</summary>
    public static FrozenDictionary<string, string> Members { get; } = new Dictionary<string, string>
    {
        ["ChatOptions.ConversationId"] = "refused: the provider adds turns that are not in the request",
        ["ChatOptions.ContinuationToken"] = "refused: fetches an answer that is under way",
        ["ChatOptions.RawRepresentationFactory"] = "refused: may change anything in the request",
        ["ChatOptions.AllowBackgroundResponses"] = "refused when true; false means the same as not set",
        ["ChatMessage.Text"] = "joined from Contents",
        ["ChatMessage.MessageId"] = "names the message, says nothing",
        ["ChatMessage.CreatedAt"] = "when it was said does not change what was said",
        ["ChatMessage.RawRepresentation"] = "where the message came from; its meaning is in Contents",
        ["AIContent.RawRepresentation"] = "where the content came from; refused for a bare AIContent, which has nothing else",
        ["AIAnnotation.RawRepresentation"] = "where the annotation came from",
        ["DataContent.Uri"] = "another form of Data and MediaType",
        ["DataContent.Base64Data"] = "another form of Data",
        ["FunctionCallContent.Exception"] = "stays in this process; adapters do not send it",
        ["FunctionResultContent.Exception"] = "stays in this process; adapters send Result",
        ["HostedFileContent.CreatedAt"] = "the file id names the file",
        ["HostedFileContent.SizeInBytes"] = "the file id names the file",
        ["UsageContent.Details"] = "what an earlier answer used; adapters do not send it",
        ["AIFunction.UnderlyingMethod"] = "runs here; the model sees name, description and schema",
        ["AIFunction.JsonSerializerOptions"] = "used here; what the model sees of it is in the schema",
        ["ImageGenerationOptions.RawRepresentationFactory"] = "refused: may change anything in the request",
        ["EmbeddingGenerationOptions.RawRepresentationFactory"] = "refused: may change anything in the request",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Content that is skipped as a whole.</summary>
    public static bool IsSkipped(AIContent content) => content is UsageContent;

    // Exactly what is taken off before the provider is asked: what it is sent counts.
    public static bool IsOwnProperty(string name) => CostCarrier.IsOwn(name);
}
