namespace LlmCostCache.AI;

/// <summary>One physical request on its way: made before it is sent, and written to the ledger exactly once however it ends.</summary>
internal sealed class MeteredAttempt
{
    private readonly Func<RequestSize> _measure;
    private RequestSize? _size;
    private int _ended;

    public MeteredAttempt(string id, CallToken token, int number, BudgetDemand? demand, ClientIdentity client, string operation, string? model,
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
        _size = demand?.Size;
    }

    public string Id { get; }

    public CallToken Token { get; }

    public int Number { get; }

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

    /// <summary>The run that it is part of; null when no guard watches it.</summary>
    public RunWatch? Run { get; } = RunWatch.Current;

    /// <summary>Whether a meter further out sees the answer as well.</summary>
    public bool IsInner { get; init; }

    /// <summary>Whether it only fetches, or goes on reading, an answer that an earlier request began; the provider bills that one.</summary>
    public bool IsContinuation { get; set; }

    /// <summary>When the reservation's deadline was last set, as a timestamp of the clock.</summary>
    public long ExtendedAt { get; set; }

    /// <summary>Measured only when something depends on it: a budget, or an answer without usage.</summary>
    public RequestSize Size => _size ??= _measure();

    /// <summary>Whether the row has been written, or a meter further in has taken the attempt over.</summary>
    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>True for the one who may write the row.</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _ended, 1) == 0;
}
