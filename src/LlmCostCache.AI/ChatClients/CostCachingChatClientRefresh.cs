using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

// Renewing an answer before it expires.
public sealed partial class CostCachingChatClient
{
    private const int MostPauses = 1_000;

    private static readonly TimeSpan s_refreshPause = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<CacheKey, DateTimeOffset> _refreshPauses = new();

    private void RefreshWhenLate(CacheQuestion question, CacheHit hit)
    {
        var now = _costs.Options.TimeProvider.GetUtcNow();
        if (!question.Plan.CanStore || (now - hit.StoredAt).Ticks < (hit.ExpiresAt - hit.StoredAt).Ticks * _policy.RefreshAhead
            || (_refreshPauses.TryGetValue(question.Plan.Key, out var until) && now < until))
            return;

        var flight = _costs.Cache.Enter(question.Plan.Key);
        if (!flight.IsLeader)
            return;

        try
        {
            // The caller owns its messages and options and may change them at once.
            ChatMessage[] messages = [.. question.Messages.Select(ChatMessages.Copy)];
            var options = question.Options?.Clone();
            options?.AdditionalProperties?.Remove(CallToken.Key);
            _ = Task.Run(() => RefreshAsync(flight, messages, options, question.Attribution, hit.StoredAt));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Options of the host's own kind that cannot be copied: its answer is here, and nobody may wait for one that is not asked for.
            flight.Dispose();
            GaveUp(question.Plan.Key);
        }
    }

    private async Task RefreshAsync(CacheFlight flight, IReadOnlyList<ChatMessage> messages, ChatOptions? options, Attribution attribution, DateTimeOffset storedAt)
    {
        // The hit that started this is over: its span and whoever watches its cost have nothing to do with the call that follows.
        Activity.Current = null;
        MeterWatch.Current = null;
        CallToken.SetAmbient(null);
        using (flight)
        {
            CacheKey key = default;
            try
            {
                using var stop = new CancellationTokenSource(CacheFlight.Patience, _costs.Options.TimeProvider);
                var question = new CacheQuestion(_costs, messages, options, _client, _endpoint, _policy, attribution) { Flight = flight, IsRefresh = true };
                key = question.Plan.Key;
                flight.SetLeading();

                // Another process may have renewed it since our copy of it came into memory.
                if (await _costs.Cache.TryLeadAmongProcessesAsync(question.Plan, flight).ConfigureAwait(false)
                    && !(_costs.Cache.FindOnDisk(question.Plan) is { } stored && stored.StoredAt > storedAt))
                    await AskAsync(question, stop.Token).ConfigureAwait(false);
                else
                    question.Dispose();

                // An answer that is not fit to be stored was paid for and replaces nothing; the next one may be no better.
                if (question.WhyNotStored is null)
                    _refreshPauses.TryRemove(key, out _);
                else
                    Pause(key);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                GaveUp(key);
            }
        }
    }

    /// <summary>Nobody waits for the new answer, and the old one is still good for a while. Not tried again with every hit, though.</summary>
    private void GaveUp(CacheKey key)
    {
        _costs.Telemetry.LayerFailed(CacheLayer.None, "refresh ahead");
        Pause(key);
    }

    private void Pause(CacheKey key)
    {
        if (_refreshPauses.Count >= MostPauses)
            _refreshPauses.Clear();

        _refreshPauses[key] = _costs.Options.TimeProvider.GetUtcNow() + s_refreshPause;
    }
}
