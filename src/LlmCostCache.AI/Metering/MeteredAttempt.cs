namespace LlmCostCache.AI;

/// <summary>One physical request on its way: made before it is sent, and written to the ledger exactly once however it ends.</summary>
internal sealed class MeteredAttempt
{
    private readonly Func<RequestSize> _measure;
    private RequestSize? _size;
    private int _ended;

    public MeteredAttempt(string id, CallToken token, int number, AttemptHold? hold, ClientIdentity client, string operation, string? model,
        int? maxOutputTokens, bool streamed, bool aggregated, DateTimeOffset at, long startedAt, Func<RequestSize> measure)
    {
        Id = id;
        Token = token;
        Number = number;
        Client = client;
        Operation = operation;
        RequestedModel = model;
        MaxOutputTokens = maxOutputTokens;
        Streamed = streamed;
        IsAggregated = aggregated;
        At = at;
        StartedAt = startedAt;
        ExtendedAt = startedAt;
        _measure = measure;
        Hold = hold;
        Span = token.Span;
        _size = hold?.Demand.Size;
    }

    public string Id { get; }

    public CallToken Token { get; }

    public int Number { get; }

    /// <summary>What the budgets hold for it; null when they were not asked.</summary>
    public AttemptHold? Hold { get; }

    public ClientIdentity Client { get; }

    public string Operation { get; }

    public string? RequestedModel { get; }

    public int? MaxOutputTokens { get; }

    /// <summary>The service tier that was asked for, or <see cref="PriceBook.AnyTier"/> where that cannot be seen; null when none was.</summary>
    public string? ServiceTier { get; init; }

    public bool Streamed { get; }

    public bool IsAggregated { get; }

    public DateTimeOffset At { get; }

    public long StartedAt { get; }

    /// <summary>The span that its cost is written on: the call's, unless there is a chat span further in.</summary>
    public CallSpan Span { get; init; }

    /// <summary>The run that it is part of; null when no guard watches it.</summary>
    public RunWatch? Run { get; init; } = RunWatch.Current;

    /// <summary>Who has counted it as a request of the run before it was sent; null when nobody has.</summary>
    public RunWatch? CountedBy { get; init; }

    /// <summary>Whether a meter further out sees the answer as well.</summary>
    public bool IsInner { get; init; }

    /// <summary>Whether a cache further in had an answer for this call.</summary>
    public bool IsServed { get; set; }

    /// <summary>Whether it only fetches, or goes on reading, an answer that an earlier request began; the provider bills that one.</summary>
    public bool IsContinuation { get; init; }

    /// <summary>Whether the provider produces something that is billed by its length.</summary>
    public bool HasOutput { get; init; } = true;

    /// <summary>Where a strict budget has the stream cut; null when none does.</summary>
    public AnswerLimit? Limit { get; set; }

    /// <summary>When the reservation's deadline was last set, as a timestamp of the clock.</summary>
    public long ExtendedAt { get; set; }

    /// <summary>Measured only when something depends on it: a budget, or an answer without usage.</summary>
    public RequestSize Size => _size ??= _measure();

    /// <summary>Whether the row has been written, or a meter further in has taken the attempt over.</summary>
    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>True for the one who may write the row.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _ended, 1) == 0;
}
