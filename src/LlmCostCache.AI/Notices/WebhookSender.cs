using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace LlmCostCache.AI;

/// <summary>Sends notices to one webhook, one after the other, in the background: a receiver that hangs delays its own and nobody else's.</summary>
internal sealed class WebhookSender : IAsyncDisposable
{
    private const int Capacity = 256;

    // Redirects could lead the secret in the address anywhere; cookies would tie notices together.
    private static readonly HttpClient s_http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,

        // Neither a span, in which the address would stand, nor a header that tells the receiver the application's trace.
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        MaxResponseHeadersLength = 16,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly BudgetWebhook _webhook;
    private readonly WebhookPace _pace;
    private readonly ILogger _logger;
    private readonly ResiliencePipeline<WebhookAnswer> _retries;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<BudgetNotice> _waiting = Channel.CreateBounded<BudgetNotice>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Task _sending;
    private int _lost;

    public WebhookSender(BudgetWebhook webhook, WebhookPace pace, ILogger logger)
    {
        _webhook = webhook;
        _pace = pace;
        _logger = logger;
        _retries = new ResiliencePipelineBuilder<WebhookAnswer> { TimeProvider = pace.Clock }.AddRetry(new RetryStrategyOptions<WebhookAnswer>
        {
            ShouldHandle = args => new(args.Outcome.Result is { MayRetry: true, RetryAfter: var after } && !(after > pace.LongestRetryAfter)),
            MaxRetryAttempts = pace.Retries,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = pace.Pause,
            MaxDelay = pace.LongestPause,
            DelayGenerator = args => new(args.Outcome.Result?.RetryAfter),
            OnRetry = args =>
            {
                Log.WebhookRetried(_logger, _webhook, args.Outcome.Result!.Problem!);
                return default;
            },
        }).Build();
        _sending = Task.Run(SendAsync);
    }

    /// <summary>Puts a notice into the queue; never waits.</summary>
    public void Send(BudgetNotice notice)
    {
        if (!_waiting.Writer.TryWrite(notice))
        {
            Log.WebhookDropped(_logger, 1, _webhook);
        }
    }

    /// <summary>Sends what waits, for a few seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        _stopping.CancelAfter(_pace.Farewell);
        await _sending.ConfigureAwait(false);
        _stopping.Dispose();
        if (_lost > 0)
        {
            Log.WebhookDropped(_logger, _lost, _webhook);
        }
    }

    private async Task SendAsync()
    {
        await foreach (var notice in _waiting.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (_stopping.IsCancellationRequested)
            {
                _lost++;
                continue;
            }

            try
            {
                var answer = await _retries.ExecuteAsync(cancellationToken => TryAsync(notice, cancellationToken), _stopping.Token).ConfigureAwait(false);
                if (answer.Problem is { } problem)
                {
                    Log.WebhookFailed(_logger, _webhook, problem, notice.Id);
                }
            }
            catch (OperationCanceledException)
            {
                _lost++;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // The loop lives as long as the application does; its next notice may go through.
                Log.WebhookFailed(_logger, _webhook, exception.GetType().Name, notice.Id);
            }
        }
    }

    private async ValueTask<WebhookAnswer> TryAsync(BudgetNotice notice, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_pace.Timeout);

        // The true time, whatever clock the budgets follow: the receiver compares it with its own.
        var now = TimeProvider.System.GetUtcNow();
        try
        {
            using var request = WebhookRequest.Of(_webhook, notice, now);
            using var response = await s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            return await WebhookAnswer.ReadAsync(_webhook.Form, response, now, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer("timeout", MayRetry: true);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // Their messages can quote the address.
            return new WebhookAnswer(exception is HttpRequestException { HttpRequestError: var error } ? error.ToString() : nameof(IOException), MayRetry: true);
        }
    }
}
