using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What a meter learns from a stream while it passes by.</summary>
internal sealed class StreamReading(TimeProvider time, long startedAt)
{
    private readonly StreamUsage _usage = new();
    private string? _model;
    private string? _responseId;
    private string? _finishReason;
    private string? _error;
    private string? _serviceTier;
    private long? _cacheWrite1h;
    private long _outputBytes;
    private TimeSpan? _firstChunk;
    private bool _isStart = true;
    private bool _ended;
    private bool _usageWasLast;
    private int _reports;

    public ChatResponseUpdate? Last { get; private set; }

    /// <summary>What was received, to be counted if the provider reports no usage. References only; whoever reads the stream as a rule keeps them too.</summary>
    public List<AIContent> Contents { get; } = [];

    public bool HasEnded => _ended;

    /// <summary>Whether a meter or a cache further in has attached a cost.</summary>
    public bool HasCost { get; private set; }

    public void Read(ChatResponseUpdate update)
    {
        _firstChunk ??= time.GetElapsedTime(startedAt);
        if (_isStart)
        {
            _isStart = false;
            _cacheWrite1h = RawAnswer.CacheWrite1hOf(update.RawRepresentation);
        }

        Last = update;
        HasCost |= CostCarrier.IsIn(update.AdditionalProperties);
        if (update.Role == ChatRole.Tool)
        {
            // Function invocation further in has answered the model's calls; what follows is another request, even under the same id.
            _usage.NextRequest();
            (_finishReason, _usageWasLast, _reports, _isStart) = (null, false, 0, true);
        }

        _model = update.ModelId is { Length: > 0 } model ? model : _model;
        _responseId = update.ResponseId ?? _responseId;
        _finishReason = update.FinishReason?.Value ?? _finishReason;
        Contents.AddRange(update.Contents);
        var bytes = ChatMessages.OutputBytes(update.Contents);
        _outputBytes += bytes;
        _usageWasLast &= bytes == 0;
        for (var i = 0; i < update.Contents.Count; i++)
        {
            if (update.Contents[i] is UsageContent usage)
            {
                _usage.Add(update.ResponseId, RawAnswer.Completed(usage.Details, RawAnswer.CacheWriteOf(update.RawRepresentation), _cacheWrite1h));
                _serviceTier = RawAnswer.ServiceTierOf(update.RawRepresentation) ?? _serviceTier;
                _usageWasLast = bytes == 0;
                _reports++;
            }
        }
    }

    /// <summary>The stream was read to its end.</summary>
    public void End() => _ended = true;

    /// <summary>The stream broke.</summary>
    public void Break(Exception exception) => _error = exception.GetType().Name;

    public AnswerFacts Facts(string? provider)
    {
        var usage = _usage.Merge(provider, _outputBytes);
        var complete = _finishReason is not null ? _ended || usage is not null : _ended && usage is not null && IsWholeWithoutReason(provider);
        return new AnswerFacts
        {
            Model = _model,
            ResponseId = _responseId,
            FinishReason = _finishReason,
            ServiceTier = _serviceTier,
            Usage = complete ? usage : null,
            PartialUsage = complete ? null : usage,
            OutputBytes = _outputBytes,
            IsIncomplete = !complete,
            TimeToFirstChunk = _firstChunk,
            Error = _error,
        };
    }

    // Adapters swallow a provider's error event and a dropped connection; such a stream ends without saying why. Usage alone does not prove that it is whole:
    // servers that report on every chunk have reported what there was, and Anthropic's adapter reports at the end what it was told at the start. Other adapters
    // may give no reason even when all went well, but then they report once and last.
    private bool IsWholeWithoutReason(string? provider) => provider is not "anthropic" && _usageWasLast && _reports == 1;
}
