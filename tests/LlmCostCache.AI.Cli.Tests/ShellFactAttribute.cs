namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A test with a shell that not every machine has; skipped with the reason without it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellFactAttribute : FactAttribute
{
    public ShellFactAttribute(string shell)
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Skip = places.Any(place => File.Exists(Path.Combine(place, shell))) ? null : $"{shell} is not installed on this machine.";
    }
}
