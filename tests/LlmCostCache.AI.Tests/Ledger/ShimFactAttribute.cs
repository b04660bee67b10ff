namespace LlmCostCache.AI.Tests;

/// <summary>A test that needs a disk that fails: on Linux with a C compiler.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShimFactAttribute : FactAttribute
{
    public ShimFactAttribute()
    {
        if (!Shim.CanCompile)
        {
            Skip = "Disks that fail are simulated on Linux, with a C compiler.";
        }
    }
}
