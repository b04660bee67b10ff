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
    private RawFacts _start = RawFacts.None;
    private string? _serviceTier;
    private string? _region;
    private object? _lastRaw;
    private object? _finishRaw;
    private long _outputBytes;
    private long _unseenBytes;
    private TimeSpan? _firstChunk;
    private bool _isStart = true;
    private bool _ended;
    private bool _usageWasLast;
    private int _reports;
    private bool _isFinal;
    private bool _onlyStarted;

    public ChatResponseUpdate? Last { get; private set; }

    /// <summary>What was received, to be counted if the provider reports no usage. References only; whoever reads the stream as a rule keeps them too.</summary>
    public List<AIContent> Contents { get; } = [];

    public bool HasEnded => _ended;

    /// <summary>UTF-8 bytes of what the model produced so far, an upper bound of its tokens except those of hidden reasoning; what its adapter still keeps back is in it.</summary>
    public long OutputBytes => _outputBytes + _unseenBytes;

    /// <summary>Whether the provider has said why the answer ends, so that nothing more is to come but its usage.</summary>
    public bool HasFinished => _finishReason is not null;

    /// <summary>Whether a meter or a cache further in has attached a cost.</summary>
    public bool HasCost { get; private set; }

    public void Read(ChatResponseUpdate update)
    {
        _firstChunk ??= time.GetElapsedTime(startedAt);
        Last = update;
        HasCost |= CostCarrier.IsIn(update.AdditionalProperties);
        if (update.Role == ChatRole.Tool)
        {
            // Function invocation further in has answered the model's calls; what follows is another request, even under the same id.
            EndRequest();
            _usage.NextRequest();
            (_finishReason, _usageWasLast, _reports, _isStart) = (null, false, 0, true);
            (_start, _lastRaw, _finishRaw) = (RawFacts.None, null, null);
        }
        else if (_isStart)
        {
            // Anthropic says at the start how long what it writes to its cache is kept, and what the input is.
            _isStart = false;
            Note(_start = RawAnswer.Read(update.RawRepresentation));
        }

        _model = update.ModelId is { Length: > 0 } model ? model : _model;
        _responseId = update.ResponseId is { Length: > 0 } id ? id : _responseId;
        _finishReason = update.FinishReason?.Value ?? _finishReason;
        _lastRaw = update.RawRepresentation ?? _lastRaw;
        _finishRaw = update.FinishReason is null ? _finishRaw : update.RawRepresentation ?? _finishRaw;
        Contents.AddRange(update.Contents);
        var bytes = ChatMessages.OutputBytes(update.Contents);
        _outputBytes += bytes;
        if (bytes == 0)
        {
            _unseenBytes += UnseenOutput.BytesOf(update.RawRepresentation);
        }
        else if (_unseenBytes > 0 && update.Contents.Any(static content => content is FunctionCallContent))
        {
            // Now the adapter hands on what it kept back.
            _unseenBytes = Math.Max(0, _unseenBytes - bytes);
        }

        _usageWasLast &= bytes == 0;
        var reports = _reports;
        for (var i = 0; i < update.Contents.Count; i++)
        {
            if (update.Contents[i] is UsageContent usage)
            {
                // Anthropic's adapter makes a piece of its own for the usage, after the one that holds the provider's last counts.
                var raw = update.RawRepresentation ?? usage.RawRepresentation ?? _finishRaw;
                Report(update, usage.Details, RawAnswer.Read(raw).Or(_start), raw, bytes);
            }
        }

        // Semantic Kernel's services, used as chat clients, report among the properties.
        if (_reports == reports && update.AdditionalProperties is { } properties && ReportedUsage.Read(properties, out _) is { Usage: { } reported } facts)
        {
            Report(update, reported, facts, update.RawRepresentation, bytes);
        }
    }

    /// <summary>The stream was read to its end.</summary>
    public void End() => _ended = true;

    /// <summary>The stream broke.</summary>
    public void Break(Exception exception) => _error = exception.GetType().Name;

    public AnswerFacts Facts(UsageReader reader, ClientIdentity client)
    {
        EndRequest();
        var usage = _usage.Merge((counts, facts, raw) => reader.Take(counts, facts, raw, client), _outputBytes);
        var complete = _finishReason is not null ? _ended || usage is not null : _ended && usage is not null && IsWholeWithoutReason(client.Adapter);
        var isWhole = (complete || _isFinal) && !_onlyStarted;
        return new AnswerFacts
        {
            Model = _model,
            ResponseId = _responseId,
            FinishReason = _finishReason,
            ServiceTier = _serviceTier,
            Region = _region,
            Usage = isWhole ? usage : null,
            PartialUsage = isWhole ? null : usage,
            OutputBytes = OutputBytes,
            HasReasoning = HiddenReasoning.IsShownBy(Contents),
            IsIncomplete = !complete,
            TimeToFirstChunk = _firstChunk,
            Error = _error,
        };
    }

    private void Report(ChatResponseUpdate update, UsageDetails details, RawFacts facts, object? raw, long bytes)
    {
        if (UsageNormalizer.IsReported(details) && !facts.IsSilent)
        {
            _usage.Add(update.ResponseId, RawUsage.Completed(details, facts), facts, raw);
            Note(facts);
            _usageWasLast = bytes == 0;
            _reports++;
        }
    }

    // Adapters drop what a provider says in an event that they make nothing of (the Responses API's incomplete and failed, Groq's own place), what Mscc's says in
    // every piece, and all of Anthropic's when a stream breaks. It is looked for once, when nothing was reported.
    private void EndRequest()
    {
        if (_reports > 0)
        {
            return;
        }

        var facts = RawAnswer.Read(_lastRaw, whole: true);
        if (facts.Usage is null && !ReferenceEquals(_finishRaw, _lastRaw))
        {
            facts = RawAnswer.Read(_finishRaw, whole: true);
        }

        if (UsageNormalizer.IsReported(facts.Usage))
        {
            _isFinal = facts.IsFinal;
            _finishReason ??= facts.FinishReason;
            Add(facts.Or(_start));
        }
        else if (UsageNormalizer.IsReported(_start.Usage))
        {
            _onlyStarted = true;
            Add(_start);
        }

        void Add(RawFacts found)
        {
            Note(found);
            _usage.Add(_responseId, UsageReader.WithBeside(found), found, _lastRaw);
        }
    }

    private void Note(RawFacts facts)
    {
        _serviceTier = facts.ServiceTier ?? _serviceTier;
        _region = facts.Region ?? _region;
    }

    // Adapters swallow a provider's error event and a dropped connection; such a stream ends without saying why. Usage alone does not prove that it is whole:
    // servers that report on every chunk have reported what there was, and Anthropic's adapter reports at the end what it was told at the start,
    // Google's the last counts it saw. Other adapters may give no reason even when all went well, but then they report once and last.
    private bool IsWholeWithoutReason(string? provider) => provider is not ("anthropic" or "gcp.gen_ai") && _usageWasLast && _reports == 1;
}
