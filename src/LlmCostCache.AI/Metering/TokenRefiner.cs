using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Counts, in the background, the tokens of answers whose provider reported no usage, and narrows the bounds of their rows by an adjustment. Bounded: what does not
/// fit the queue, or is too long to count, keeps the bounds it has.
/// </summary>
internal sealed class TokenRefiner(PriceBook prices, ILedgerStore store, ILogger logger) : IAsyncDisposable
{
    private const int MaxWaiting = 256;
    private const int MaxCharacters = 1_000_000;

    // Chat templates of the o200k and cl100k models: three tokens around a message and three that open the answer, after OpenAI's cookbook on counting tokens.
    private const int PerMessage = 3;
    private const int PerAnswer = 3;

    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _starting = new();
    private Task? _reading;

    /// <summary>Takes a row that was bounded for want of usage; returns at once.</summary>
    /// <param name="record">The row as it was written.</param>
    /// <param name="encoding">The encoding of the model that answered.</param>
    /// <param name="text">What was sent and received.</param>
    /// <param name="tokensInFlight">What may have been produced beyond what was received.</param>
    /// <param name="host">The host of the endpoint, for the price.</param>
    public void Refine(UsageRecord record, string encoding, CountableText text, long tokensInFlight, string? host)
    {
        if (text.Input.Sum(piece => (long)piece.Length) + text.Output.Sum(piece => (long)piece.Length) > MaxCharacters)
        {
            return;
        }

        lock (_starting)
        {
            _reading ??= Task.Run(ReadAsync);
        }

        // False when the queue is full: the row keeps its bounds.
        _ = _queue.Writer.TryWrite(new Work(record, encoding, text, tokensInFlight, host, null));
    }

    /// <summary>Waits until what was taken so far is counted.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_reading is null)
        {
            return;
        }

        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue.Writer.WriteAsync(new Work(null, "", null, 0, null, done), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            return;
        }

        await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_reading is { } reading)
        {
            await reading.ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_queue.Reader.TryRead(out var work))
            {
                if (work.Done is { } done)
                {
                    done.SetResult();
                }
                else if (!_stopping.IsCancellationRequested)
                {
                    await CountAsync(work).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task CountAsync(Work work)
    {
        var (record, text) = (work.Record!, work.Text!);
        try
        {
            var input = text.Input.Sum(piece => TokenCounter.Count(work.Encoding, piece)) + PerMessage * (long)text.Messages + PerAnswer;
            var output = TokenCounter.Count(work.Encoding, string.Concat(text.Output));

            // How much of the input the provider had cached is not known: between all of it and none.
            var low = Price(record, new TokenUsage { CachedInputTokens = input, OutputTokens = output, Requests = 1 }, work.Host);
            var usage = new TokenUsage { UncachedInputTokens = input, OutputTokens = output + work.TokensInFlight, Requests = 1 };
            var high = Price(record, usage, work.Host);
            if (low.Amount is null || high.Amount is null)
            {
                return;
            }

            var cost = CallCost.Between(Money.Min(low.Low, high.High), high.High, "The provider reported no usage; the tokens were counted here") with
            {
                Usage = usage,
                PriceRevision = high.PriceRevision,
            };
            await store.AdjustAsync(record.Id, cost, "tokenizer").ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The row keeps its wider bounds, which are true as well. Whatever it was, the next one must be counted and whoever flushes must be told.
            Log.StoreUnavailable(logger, exception.Message);
        }
    }

    private CallCost Price(UsageRecord record, TokenUsage usage, string? host) =>
        prices.Price(new PriceQuery { Provider = record.Provider, Host = host, Model = record.Model, At = record.At, ServiceTier = record.ServiceTier, Region = record.Region, RequestsBefore = record.RequestsBefore, Usage = usage }).Cost;

    private sealed record Work(UsageRecord? Record, string Encoding, CountableText? Text, long TokensInFlight, string? Host, TaskCompletionSource? Done);
}
