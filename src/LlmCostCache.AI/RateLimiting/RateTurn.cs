using System.Threading.RateLimiting;

namespace LlmCostCache.AI;

/// <summary>A request whose turn it is, until its answer has been read.</summary>
internal sealed class RateTurn(RatePass pass, RateLimitLease? lease) : IDisposable
{
    /// <summary>Counts what the answer took in the place of what was estimated.</summary>
    public void Settle(CallCost cost)
    {
        if (cost.CacheLayer != CacheLayer.None)
        {
            // A cache further in had the answer.
            pass.GiveBack();
        }
        else if (cost.Usage == TokenUsage.None)
        {
            pass.Keep();
        }
        else
        {
            pass.Settle(Math.Max(1, cost.Usage.Requests), cost.Usage.TotalTokens, cost.Amount);
        }
    }

    /// <summary>Counts what a failure leaves counted.</summary>
    public void Fail(Exception exception, ClientIdentity client)
    {
        if (exception is LlmCostException)
        {
            pass.GiveBack();
        }
        else if (UnbilledFailure.IsCertain(exception, client))
        {
            pass.GiveBackAllButTheRequest();
        }
    }

    public void Dispose()
    {
        // Whatever else ended it: the provider may have worked for it.
        pass.Keep();
        lease?.Dispose();
    }
}
