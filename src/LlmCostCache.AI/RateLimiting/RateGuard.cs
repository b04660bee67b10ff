using System.Threading.RateLimiting;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Decides when a request may be sent. The story: which limits count it; what will it take of them; wait for its turn at all of them together; when the answer
/// is there, count what it really took. Nothing here knows how a request is transported.
/// </summary>
internal sealed class RateGuard
{
    private readonly LlmCosts _costs;
    private readonly RateLimitOptions _options;
    private readonly RateLimit[] _limits;
    private readonly bool _measures;

    public RateGuard(LlmCosts costs, RateLimitOptions options)
    {
        _costs = costs;
        _options = options;
        _limits = [.. options.Limits.Distinct().OrderBy(limit => limit.Breadth)];
        _measures = options.Limiter is not null || _limits.Any(limit => limit.Unit != RateLimitUnit.Requests);
    }

    /// <summary>Waits until a request may be sent.</summary>
    /// <exception cref="QuotaExceededException">It may not be sent, or not soon enough. Nothing was sent.</exception>
    /// <exception cref="UnknownPriceException">A limit counts dollars and the price is not known. Nothing was sent.</exception>
    public async ValueTask<RateTurn> EnterAsync(RateDemand demand, CancellationToken cancellationToken)
    {
        var size = _measures ? demand.Measure() : RequestSize.Empty;
        var claims = ClaimsOf(demand, size);

        // Theirs first: while one waits there, nothing is taken here.
        var lease = _options.Limiter is null ? null : await LeaseAsync(_options.Limiter, demand, size, cancellationToken).ConfigureAwait(false);
        try
        {
            var entry = claims.Length == 0 ? null : await _costs.Rates.EnterAsync(claims, _options.MaxWaiting, _options.MaxWait, cancellationToken).ConfigureAwait(false);
            if (entry is { Waited.Ticks: > 0 })
            {
                _costs.Telemetry.RateWaited(demand.Operation, entry.Waited, wasRefused: entry.Pass is null);
            }

            return entry is not { RefusedBy: { } claim } ? new RateTurn(entry?.Pass ?? RatePass.Free, lease) : throw Refused(claim, entry);
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    private RateClaim[] ClaimsOf(RateDemand demand, RequestSize size)
    {
        if (_limits.Length == 0)
        {
            return [];
        }

        var now = _costs.Options.TimeProvider.GetUtcNow();
        var facts = _costs.Prices.Find(demand.Client.ProviderName, demand.Model, now, demand.Client.Host);
        var claims = new List<RateClaim>(_limits.Length);
        foreach (var limit in _limits)
        {
            if (limit.Scope.TryMatch(demand.Attribution, demand.Model, facts?.Model, out var each))
            {
                var model = limit.IsAcrossModels ? "" : $"{demand.Client.Provider ?? facts?.Provider}/{facts?.Model ?? demand.Model}";
                var amount = limit.Unit switch
                {
                    RateLimitUnit.Requests => 1,
                    RateLimitUnit.Tokens => RateDemand.Input(size) + demand.Output(size),
                    _ => (_costs.Prices.Ceiling(demand.Client.ProviderName, demand.Model, now, RateDemand.Input(size), demand.Output(size), demand.Client.Host, demand.ServiceTier)
                        ?? throw Unpriced(limit, demand)).Nanos,
                };
                claims.Add(new RateClaim(limit, $"{each}|{model}", amount));
            }
        }

        return [.. claims];
    }

    private async ValueTask<RateLimitLease> LeaseAsync(PartitionedRateLimiter<RateLimitedCall> limiter, RateDemand demand, RequestSize size, CancellationToken cancellationToken)
    {
        var call = new RateLimitedCall(demand.Operation, demand.Client.ProviderName, demand.Model, demand.Attribution, RateDemand.Input(size) + demand.Output(size));
        var lease = limiter.AttemptAcquire(call);
        if (!lease.IsAcquired && _options.MaxWait > TimeSpan.Zero)
        {
            lease.Dispose();
            using var enough = new CancellationTokenSource(_options.MaxWait, _costs.Options.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, enough.Token);
            try
            {
                lease = await limiter.AcquireAsync(call, cancellationToken: either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (enough.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw Refused(null);
            }
        }

        if (lease.IsAcquired)
        {
            return lease;
        }

        using (lease)
        {
            throw Refused(lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : null);
        }
    }

    private QuotaExceededException Refused(TimeSpan? retryAfter)
    {
        _costs.Telemetry.RateRefused("limiter", RateRefusal.WaitTooLong);
        return new QuotaExceededException("The limiter of RateLimitOptions.Limiter let no request through in time; nothing was sent."
            + (retryAfter is { } wait ? $" Try again in {Seconds(wait)}." : ""))
        {
            RetryAfter = retryAfter,
        };
    }

    private QuotaExceededException Refused(RateClaim claim, RateEntry entry)
    {
        var limit = claim.Limit;
        _costs.Telemetry.RateRefused(TelemetryNames.Of(limit), entry.Reason);
        Log.RateRefused(_costs.Logger, limit, entry.Reason);
        var why = entry.Reason switch
        {
            RateRefusal.TooLarge => $"this call may need {limit.Amount(claim.Amount)}, more than it ever lets through at once ({limit.Amount(limit.Burst)}). "
                + "Send less, lower MaxOutputTokens, or raise the limit.",
            RateRefusal.QueueFull => $"{_options.MaxWaiting} calls are waiting for it already, and no more may (RateLimitOptions.MaxWaiting). Try again in {Seconds(entry.RetryAfter)}.",
            _ => $"this call (about {limit.Amount(claim.Amount)}) may wait {Seconds(_options.MaxWait)} (RateLimitOptions.MaxWait) and its turn comes in "
                + $"{Seconds(entry.RetryAfter)} at the earliest.",
        };
        return new QuotaExceededException($"{limit} refused a call: {why} Nothing was sent.") { RateLimit = limit, Requested = claim.Amount, RetryAfter = entry.RetryAfter };
    }

    private static UnknownPriceException Unpriced(RateLimit limit, RateDemand demand) =>
        new($"The price of model '{demand.Model}' is not known, so the rate limit '{limit.Name}' cannot count the call. Add it with options.Prices.Add(new ModelPrice(...)), "
            + "map a deployment with options.ModelAliases, or limit requests or tokens instead.")
        {
            Model = demand.Model,
            Provider = demand.Client.ProviderName,
        };

    private static string Seconds(TimeSpan? wait) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Math.Ceiling((wait ?? TimeSpan.Zero).Ticks / (decimal)TimeSpan.TicksPerMillisecond) / 1_000:0.###} s");
}
