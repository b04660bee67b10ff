using System.Diagnostics;

namespace LlmCostCache.AI;

/// <summary>What makes calls one run.</summary>
internal sealed record RunKey(string? Tenant, string? Session, string? TraceId, string? Agent)
{
    /// <summary>The run that a call made here and now belongs to; null when nothing holds it together with others.</summary>
    public static RunKey? Of(Attribution attribution, RunawayScope scope)
    {
        var session = scope is RunawayScope.Session or RunawayScope.Agent ? attribution.Session : null;
        var trace = session is null && scope != RunawayScope.Call && Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString() : null;
        return session is null && trace is null ? null : new(attribution.Tenant, session, trace, scope == RunawayScope.Agent ? attribution.Agent : null);
    }
}
