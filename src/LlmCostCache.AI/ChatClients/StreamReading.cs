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
    private long _outputBytes;
    private TimeSpan? _firstChunk;
    private bool _ended;

    public ChatResponseUpdate? Last { get; private set; }

    public bool HasEnded => _ended;

    public void Read(ChatResponseUpdate update)
    {
        _firstChunk ??= time.GetElapsedTime(startedAt);
        Last = update;
        _model = update.ModelId ?? _model;
        _responseId = update.ResponseId ?? _responseId;
        _finishReason = update.FinishReason?.Value ?? _finishReason;
        _outputBytes += ChatMessages.OutputBytes(update.Contents);
        for (var i = 0; i < update.Contents.Count; i++)
        {
            if (update.Contents[i] is UsageContent usage)
            {
                _usage.Add(update.ResponseId, usage.Details);
            }
        }
    }

    /// <summary>The stream was read to its end.</summary>
    public void End() => _ended = true;

    /// <summary>The stream broke.</summary>
    public void Break(Exception exception) => _error = exception.GetType().Name;

    public AnswerFacts Facts(string? provider)
    {
        var usage = _usage.Merge(provider);

        // Adapters swallow a provider's error event and a dropped connection; such a stream ends without saying why and without usage.
        // Anthropic reports input and a first count of the output at the start, so usage alone does not prove that a broken stream is whole.
        var complete = (_ended && (_finishReason is not null || usage is not null)) || (_finishReason is not null && usage is not null);
        return new AnswerFacts
        {
            Model = _model,
            ResponseId = _responseId,
            FinishReason = _finishReason,
            Usage = complete ? usage : null,
            PartialUsage = complete ? null : usage,
            OutputBytes = _outputBytes,
            IsIncomplete = !complete,
            TimeToFirstChunk = _firstChunk,
            Error = _error,
        };
    }
}
