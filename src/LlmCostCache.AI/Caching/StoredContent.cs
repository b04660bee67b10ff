using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One content of a <see cref="StoredMessage"/>.</summary>
internal sealed record StoredContent
{
    public required StoredContentKind Kind { get; init; }

    /// <summary>The text; of data its media type, of a function call its name.</summary>
    public required string Text { get; init; }

    /// <summary>Protected reasoning; of data its name, of a function call its id.</summary>
    public string? Detail { get; init; }

    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The arguments of a function call; null when it has none.</summary>
    public StoredProperties? Arguments { get; init; }

    public IReadOnlyList<StoredAnnotation> Annotations { get; init; } = [];

    public StoredProperties Properties { get; init; } = StoredProperties.None;

    public static StoredContent? TryCopy(AIContent content)
    {
        if (StoredAnnotation.TryCopy(content.Annotations) is not { } annotations || TryCopyKind(content) is not { } copy)
            return null;

        return copy with { Annotations = annotations, Properties = StoredProperties.Copy(content.AdditionalProperties) };
    }

    public AIContent ToContent()
    {
        AIContent content = Kind switch
        {
            StoredContentKind.Text => new TextContent(Text),
            StoredContentKind.Reasoning => new TextReasoningContent(Text) { ProtectedData = Detail },
            StoredContentKind.Data => new DataContent(Data.ToArray(), Text) { Name = Detail },
            StoredContentKind.FunctionCall => new FunctionCallContent(Detail ?? "", Text, Arguments?.ToArguments()),
            _ => throw new InvalidOperationException($"Unknown content {Kind}."),
        };
        if (Annotations.Count > 0)
            content.Annotations = [.. Annotations.Select(a => a.ToAnnotation())];

        content.AdditionalProperties = Properties.ToDictionary();
        return content;
    }

    public long SizeInMemory()
    {
        var size = 150 + StoredAnswer.Chars(Text) + StoredAnswer.Chars(Detail) + Data.Length + Properties.SizeInMemory()
            + (Arguments?.SizeInMemory() ?? 0);
        for (var i = 0; i < Annotations.Count; i++)
            size += Annotations[i].SizeInMemory();

        return size;
    }

    private static StoredContent? TryCopyKind(AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                return new() { Kind = StoredContentKind.Text, Text = text.Text };
            case TextReasoningContent reasoning:
                return new() { Kind = StoredContentKind.Reasoning, Text = reasoning.Text, Detail = reasoning.ProtectedData };
            case DataContent data when data.GetType() == typeof(DataContent):
                return new() { Kind = StoredContentKind.Data, Text = data.MediaType, Detail = data.Name, Data = data.Data.ToArray() };
            // What could not be read of a call, and that it only informs, is not kept: without it it would be another call.
            case FunctionCallContent { Exception: null, InformationalOnly: false } call when call.GetType() == typeof(FunctionCallContent):
                var arguments = call.Arguments is null ? null : StoredProperties.TryCopyAll(call.Arguments);
                return call.Arguments is not null && arguments is null
                    ? null
                    : new() { Kind = StoredContentKind.FunctionCall, Text = call.Name, Detail = call.CallId, Arguments = arguments };
            default:
                return null;
        }
    }
}
