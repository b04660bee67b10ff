namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A test of what only Unix has: file modes, broken pipes, shells.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? "Not on Windows." : null;
}
