using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI;

/// <summary>What a kernel shows of a model's answer, whichever service gave it.</summary>
internal sealed record KernelAnswer
{
    public string? Model { get; init; }

    public string? ResponseId { get; init; }

    public string? FinishReason { get; init; }

    public string Text { get; init; } = "";

    /// <summary>Whether it is text and nothing else, so that it can be replayed.</summary>
    public bool IsText { get; init; } = true;

    public UsageDetails? Usage { get; init; }

    /// <summary>What was reported beside the counts.</summary>
    public RawFacts Raw { get; init; } = RawFacts.None;

    /// <summary>Whether a function's result stands in its place.</summary>
    public bool IsFunctionResult { get; init; }

    /// <summary>Whether it looks like a chat client's answer, whose usage is reported with the last round only.</summary>
    public bool IsOfChatClient { get; init; }

    /// <summary>Whether several rounds are inside it.</summary>
    public bool IsAggregated { get; init; }

    /// <summary>The cost that travels with it when a chat client of ours is inside; null otherwise.</summary>
    public CallCost? Cost { get; init; }

    public long OutputBytes { get; init; }

    private bool IsConnectors { get; init; }

    /// <summary>The response of a chat client; null when something else answered.</summary>
    private ChatResponse? Response { get; init; }

    public static KernelAnswer Of(FunctionResult result)
    {
        var value = result.GetValue<object>();
        switch (value)
        {
            case ChatResponse response:
                return Of(response);
            case ChatMessageContent message:
                return Of(message, result.Metadata);
            case IEnumerable<ChatMessageContent> messages when messages.FirstOrDefault() is { } first:
                return Of(first, result.Metadata) with { OutputBytes = messages.Sum(OutputBytesOf), IsText = false };
            case IEnumerable<KernelContent> contents when contents.FirstOrDefault() is { } first:
                var bytes = contents.Sum(content => Bytes(content.ToString()));
                return OfMetadata(first.Metadata, result.Metadata, first.ModelId, first.InnerContent) with { OutputBytes = bytes, IsText = false };
            case KernelContent content:
                return OfText(content.ToString() ?? "", content.Metadata, result.Metadata, content.ModelId, content.InnerContent);
            default:
                // Another filter put something else into the place of the answer.
                return OfText(value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", result.Metadata, null, null) with { IsText = false };
        }
    }

    public static KernelAnswer Of(ChatMessageContent message, IReadOnlyDictionary<string, object?>? more = null) =>
        OfMetadata(message.Metadata, more, message.ModelId, message.InnerContent) with
        {
            Text = message.Content ?? "",
            IsText = message.Items.All(item => item is Microsoft.SemanticKernel.TextContent),
            IsFunctionResult = message.Role == AuthorRole.Tool,
            IsOfChatClient = message.GetType() == typeof(ChatMessageContent) && message.Metadata is { } metadata
                && metadata.TryGetValue("Usage", out var usage) && usage is null,
            OutputBytes = OutputBytesOf(message),
        };

    /// <summary>A piece of a stream as an update; its usage is taken out of the metadata.</summary>
    public static ChatResponseUpdate? ToUpdate(object? piece, out bool isConnectors)
    {
        isConnectors = false;
        switch (piece)
        {
            case ChatResponseUpdate update:
                return update;
            case StreamingKernelContent content:
                var usage = ReportedUsage.Of(content.Metadata, out isConnectors);
                var made = new ChatResponseUpdate(RoleOf(content), content.ToString())
                {
                    ModelId = string.IsNullOrEmpty(content.ModelId) ? null : content.ModelId,
                    ResponseId = IdOf(content.Metadata),
                    FinishReason = FinishReasonOf(content.Metadata) is { } reason ? new ChatFinishReason(reason) : null,
                    RawRepresentation = content.InnerContent,
                };
                if (content is StreamingChatMessageContent message)
                {
                    foreach (var item in message.Items)
                    {
                        if (item is StreamingFunctionCallUpdateContent call)
                        {
                            made.Contents.Add(new TextReasoningContent($"{call.Name}{call.Arguments}"));
                        }
                    }
                }

                if (usage is not null)
                {
                    made.Contents.Add(new UsageContent(usage));
                }

                return made;
            case string text:
                return new ChatResponseUpdate(ChatRole.Assistant, text);
            case byte[] bytes:
                return new ChatResponseUpdate(ChatRole.Assistant, Encoding.UTF8.GetString(bytes));
            default:
                return null;
        }
    }

    /// <summary>Whether a meter of ours further in has counted it. A connector talks to its provider itself, whatever else was metered meanwhile.</summary>
    public bool IsMetered(MeterWatch? watch) => Cost is not null || (!IsConnectors && watch?.Saw == true);

    public AnswerFacts Facts(ModelRequest request, UsageReader reader)
    {
        var client = IsConnectors ? request.Client with { IsKnown = false } : request.Client;
        var raw = Raw;
        var usage = Response is { } response ? reader.Read(response, client, out raw) : Usage is null ? null : reader.Take(Usage, Raw, null, client);
        return new()
        {
            Model = Model,
            ResponseId = ResponseId,
            FinishReason = FinishReason,
            ServiceTier = raw.ServiceTier,
            Region = raw.Region,
            Usage = usage,
            OutputBytes = OutputBytes,
        };
    }

    private static KernelAnswer Of(ChatResponse response)
    {
        AdditionalPropertiesDictionary?[] properties = [response.AdditionalProperties, .. response.Messages.Select(message => message.AdditionalProperties)];
        return new()
        {
            Response = response,
            Model = response.ModelId,
            ResponseId = response.ResponseId,
            FinishReason = response.FinishReason?.Value,
            Text = response.Text,
            IsText = response.Messages.Count == 1
                && response.Messages[0].Contents.All(content => content is Microsoft.Extensions.AI.TextContent or TextReasoningContent or UsageContent),
            Usage = UsageNormalizer.IsReported(response.Usage) ? response.Usage : null,
            IsAggregated = response.Messages.Any(message => message.Role == ChatRole.Tool),
            Cost = properties.Any(Carries) ? CostCarrier.Sum(properties) : null,
            OutputBytes = response.Messages.Sum(message => ChatMessages.OutputBytes(message.Contents)),
        };
    }

    private static KernelAnswer OfText(string text, IReadOnlyDictionary<string, object?>? metadata, IReadOnlyDictionary<string, object?>? more, string? model, object? inner = null) =>
        OfMetadata(metadata, more, model, inner) with { Text = text, OutputBytes = Bytes(text) };

    private static KernelAnswer OfMetadata(IReadOnlyDictionary<string, object?>? metadata, IReadOnlyDictionary<string, object?>? more, string? model, object? inner)
    {
        var raw = ReportedUsage.Read(metadata, out var isConnectors);
        if (!UsageNormalizer.IsReported(raw.Usage))
        {
            raw = ReportedUsage.Read(more, out isConnectors);
        }

        // The counts are in the metadata; on which terms the request was served only the provider's own answer says.
        var terms = RawAnswer.Read(inner);
        raw = raw with { ServiceTier = raw.ServiceTier ?? terms.ServiceTier, Region = raw.Region ?? terms.Region };
        var own = (metadata ?? more)?.Where(property => CostCarrier.IsOwn(property.Key)).ToList();
        return new()
        {
            Model = string.IsNullOrEmpty(model) ? null : model,
            ResponseId = IdOf(metadata) ?? IdOf(more),
            FinishReason = FinishReasonOf(metadata) ?? FinishReasonOf(more),
            Usage = UsageNormalizer.IsReported(raw.Usage) ? raw.Usage : null,
            Raw = raw,
            IsConnectors = isConnectors,
            Cost = own is { Count: > 0 } ? CostCarrier.Sum([new AdditionalPropertiesDictionary(own)]) : null,
        };
    }

    private static bool Carries(AdditionalPropertiesDictionary? properties) => properties?.Keys.Any(CostCarrier.IsOwn) == true;

    private static ChatRole? RoleOf(StreamingKernelContent content) => content is StreamingChatMessageContent { Role: { } role } ? new ChatRole(role.Label) : null;

    private static string? IdOf(IReadOnlyDictionary<string, object?>? metadata)
    {
        foreach (var name in (ReadOnlySpan<string>)["CompletionId", "Id", "ResponseId"])
        {
            if (metadata is not null && metadata.TryGetValue(name, out var value) && value is string { Length: > 0 } id)
            {
                return id;
            }
        }

        return null;
    }

    // Connectors spell the reasons in their providers' ways.
    private static string? FinishReasonOf(IReadOnlyDictionary<string, object?>? metadata)
    {
        if (metadata is null || !metadata.TryGetValue("FinishReason", out var value) || value?.ToString() is not { Length: > 0 } reason)
        {
            return null;
        }

        return reason.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant() switch
        {
            "STOP" or "ENDTURN" or "STOPSEQUENCE" or "COMPLETED" => "stop",
            "LENGTH" or "MAXTOKENS" or "MODELLENGTH" => "length",
            "TOOLCALLS" or "TOOLUSE" or "FUNCTIONCALL" => "tool_calls",
            "CONTENTFILTER" or "CONTENTFILTERED" or "SAFETY" => "content_filter",
            _ => reason.ToLowerInvariant(),
        };
    }

    private static long OutputBytesOf(ChatMessageContent message)
    {
        long bytes = 0;
        foreach (var item in message.Items)
        {
            bytes += item is Microsoft.SemanticKernel.FunctionCallContent call
                ? Bytes(call.FunctionName) + (call.Arguments?.Sum(argument => Bytes(argument.Key) + Bytes(argument.Value?.ToString())) ?? 0)
                : Bytes(item.ToString());
        }

        return bytes;
    }

    private static long Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
