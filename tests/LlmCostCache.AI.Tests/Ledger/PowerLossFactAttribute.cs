namespace LlmCostCache.AI.Tests;

/// <summary>A test that simulates power losses: on Linux, with a C compiler, at the size of CI only.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PowerLossFactAttribute : FactAttribute
{
    public PowerLossFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "Power losses are simulated on Linux only.";
        }
        else if (TestSize.PowerLosses == 0)
        {
            Skip = "Power losses are simulated with LLMCOSTCACHE_TEST_SIZE=ci.";
        }
    }
}
