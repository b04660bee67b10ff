namespace LlmCostCache.AI;

/// <summary>One row of the ledger: one attempt (a physical request to a provider), or a call that the cache answered or a budget refused.</summary>
/// <remarks>Carries names and numbers, never prompts, answers or keys.</remarks>
public sealed record UsageRecord
{
    /// <summary>The id of the attempt, made before anything is sent; a row with the same id is never written twice.</summary>
    public required string Id { get; init; }

    /// <summary>The id of the logical call that the attempt belongs to; the attempt's own id when null.</summary>
    public string? CallId { get; init; }

    /// <summary>The number of the attempt within its call, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>When the attempt was made, UTC. It decides the day, the price and the budget windows.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The operation as in the OpenTelemetry GenAI conventions: <c>chat</c>, <c>embeddings</c>, ...</summary>
    public string Operation { get; init; } = "chat";

    /// <summary>The provider, for example <c>openai</c>.</summary>
    public string? Provider { get; init; }

    /// <summary>The model that was asked for.</summary>
    public string? RequestedModel { get; init; }

    /// <summary>The model that answered; it decides the price.</summary>
    public string? Model { get; init; }

    /// <summary>How the attempt ended.</summary>
    public CallStatus Status { get; init; }

    /// <summary>What it cost and used.</summary>
    public CallCost Cost { get; init; } = CallCost.Unknown;

    /// <summary>The currency of the price, ISO 4217.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>The cost in <see cref="Currency"/> before conversion; null when the cost is unknown.</summary>
    public decimal? NativeCost { get; init; }

    /// <summary>How many units of <see cref="Currency"/> one US dollar was counted as; null for US dollars.</summary>
    public decimal? FxRate { get; init; }

    /// <summary>The day the rate is from; null for US dollars and for the assumed built-in rate.</summary>
    public DateOnly? FxDate { get; init; }

    /// <summary>Where the counts come from: <c>provider</c>, <c>estimate</c>, <c>tokenizer</c>, <c>none</c>.</summary>
    public string UsageSource { get; init; } = "provider";

    /// <summary>What was noticed about the counts, comma-separated: <c>clamped</c>, <c>aggregated</c>, <c>usage_merge_ambiguous</c>, <c>overrun</c>, <c>held_amount</c>, ...</summary>
    public string? Flags { get; init; }

    /// <summary>The tier the provider served the request in, when it said so.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>The provider's geography that the request was served in, when it said so (Anthropic's <c>inference_geo</c>: <c>us</c>, <c>global</c>); some cost a premium.</summary>
    public string? Region { get; init; }

    /// <summary>Why the model stopped.</summary>
    public string? FinishReason { get; init; }

    /// <summary>The type of the error, never its message; null without error.</summary>
    public string? Error { get; init; }

    /// <summary>From sending to the end of the answer.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>From sending to the first piece of a stream; null when not streamed.</summary>
    public TimeSpan? TimeToFirstChunk { get; init; }

    /// <summary>Whether the answer was streamed.</summary>
    public bool Streamed { get; init; }

    /// <summary>Who pays.</summary>
    public Attribution Attribution { get; init; } = Attribution.None;

    /// <summary>The W3C trace id, hexadecimal.</summary>
    public string? TraceId { get; init; }

    /// <summary>The W3C span id, hexadecimal.</summary>
    public string? SpanId { get; init; }

    /// <summary>The provider's id of the answer.</summary>
    public string? ResponseId { get; init; }

    /// <summary>The name of <see cref="RequestedModel"/> in the price book; what <see cref="Budget.ForModel(string)"/> compares with.</summary>
    [System.Text.Json.Serialization.JsonInclude]
    internal string? ModelKey { get; init; }

    /// <summary>How many requests to the model went before in the month, while the row is being priced by steps; not kept.</summary>
    internal long? RequestsBefore { get; init; }
}
