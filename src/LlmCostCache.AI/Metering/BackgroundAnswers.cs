using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Answers that were asked for and not yet told what they cost: made in the background, or streams that broke off and can be resumed. Fetching one is not billed, so it
/// settles the row of the request that began it, once, however often it is fetched. Bounded, and known to this process only.
/// </summary>
internal sealed class BackgroundAnswers
{
    private const int MaxKnown = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string? Provider, string? Host, string ResponseId), Answer> _answers = [];
    private readonly Queue<(string? Provider, string? Host, string ResponseId)> _order = new();

    /// <summary>Remembers the row of a request whose answer may be fetched later.</summary>
    public void Add(ClientIdentity client, string? responseId, UsageRecord record, bool isSettled)
    {
        if (responseId is null)
        {
            return;
        }

        var key = (client.ProviderName, client.Host, responseId);
        lock (_lock)
        {
            if (!_answers.TryAdd(key, new(record, isSettled)))
            {
                return;
            }

            _order.Enqueue(key);
            if (_order.Count > MaxKnown)
            {
                _answers.Remove(_order.Dequeue());
            }
        }
    }

    public Answer? Find(ClientIdentity client, string? responseId)
    {
        if (responseId is null)
        {
            return null;
        }

        lock (_lock)
        {
            return _answers.GetValueOrDefault((client.ProviderName, client.Host, responseId));
        }
    }

    /// <summary>Whether a token is of one of these answers: adapters write the id of the answer into a JSON token.</summary>
    public bool Knows(ClientIdentity client, ResponseContinuationToken token)
    {
        var reader = new Utf8JsonReader(token.ToBytes().Span);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.String && Find(client, reader.GetString()) is not null)
                {
                    return true;
                }
            }
        }
        catch (JsonException)
        {
            // A token of another kind names no answer.
        }

        return false;
    }

    /// <param name="record">The row as it was written.</param>
    /// <param name="isSettled">Whether its cost is the last word already.</param>
    internal sealed class Answer(UsageRecord record, bool isSettled)
    {
        private int _settled = isSettled ? 1 : 0;

        public UsageRecord Record => record;

        /// <summary>True for the one who may settle it.</summary>
        public bool TrySettle() => Interlocked.Exchange(ref _settled, 1) == 0;

        /// <summary>The ledger could not take it; the next fetch tries again.</summary>
        public void Reopen() => Volatile.Write(ref _settled, 0);
    }
}
