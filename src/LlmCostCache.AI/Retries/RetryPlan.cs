using Polly;
using Polly.Retry;

namespace LlmCostCache.AI;

/// <summary>Sends a request again when its failure may pass. Polly waits and counts; this says what is worth another try, and how long the provider asked to be left alone.</summary>
internal sealed class RetryPlan
{
    private readonly LlmCosts _costs;
    private readonly RetryOptions _options;
    private readonly ResiliencePipeline _pipeline;

    public RetryPlan(LlmCosts costs, RetryOptions options)
    {
        if (options.Delay > options.MaxDelay)
        {
            throw new ArgumentException($"RetryOptions.Delay is {options.Delay} and MaxDelay is {options.MaxDelay}; the first wait cannot be longer than the longest.", nameof(options));
        }

        _costs = costs;
        _options = options;
        var builder = new ResiliencePipelineBuilder { TimeProvider = costs.Options.TimeProvider };
        _pipeline = options.MaxRetries == 0 ? ResiliencePipeline.Empty : builder.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = options.MaxRetries,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = options.Delay,
            MaxDelay = options.MaxDelay,
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is { } failure && IsWorthATry(failure, arguments.Context.CancellationToken)),
            DelayGenerator = arguments => ValueTask.FromResult(RetryAfter(arguments.Outcome.Exception)),
            OnRetry = Announce,
        }).Build();
    }

    /// <summary>Sends until it succeeds, is not worth another try, or was tried often enough; the last failure is thrown.</summary>
    public ValueTask<T> SendAsync<T>(Func<CancellationToken, ValueTask<T>> send, CancellationToken cancellationToken) => _pipeline.ExecuteAsync(send, cancellationToken);

    private bool IsWorthATry(Exception failure, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && failure is not LlmCostException
        && (_options.ShouldRetry is { } rule ? rule(failure) : PassingFailure.Is(failure))
        && (RetryAfter(failure) is not { } wait || wait <= _options.MaxRetryAfter);

    private TimeSpan? RetryAfter(Exception? failure) => failure is null ? null : ProviderFailure.RetryAfter(failure, _costs.Options.TimeProvider.GetUtcNow());

    private ValueTask Announce(OnRetryArguments<object> arguments)
    {
        var failure = arguments.Outcome.Exception!;
        _costs.Telemetry.Retried(PassingFailure.Kind(failure));
        Log.Retrying(_costs.Logger, failure.GetType().Name, arguments.RetryDelay, arguments.AttemptNumber + 1, _options.MaxRetries);
        return ValueTask.CompletedTask;
    }
}
