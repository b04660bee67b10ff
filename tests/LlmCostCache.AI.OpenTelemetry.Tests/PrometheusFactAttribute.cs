namespace LlmCostCache.AI.Tests;

/// <summary>A test that needs the <c>prometheus</c> server; skipped without it unless LLMCOSTCACHE_REQUIRE_SERVERS=1 demands every server.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PrometheusFactAttribute : FactAttribute
{
    public PrometheusFactAttribute()
    {
        if (PrometheusServer.Binary is null && Environment.GetEnvironmentVariable("LLMCOSTCACHE_REQUIRE_SERVERS") != "1")
        {
            Skip = PrometheusServer.HowToInstall;
        }
    }
}
