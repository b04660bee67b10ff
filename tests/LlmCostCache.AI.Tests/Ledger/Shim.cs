using System.Diagnostics;

namespace LlmCostCache.AI.Tests;

/// <summary>A library that is preloaded into a child process and stands between it and the disk.</summary>
internal static class Shim
{
    public static bool CanCompile { get; } = OperatingSystem.IsLinux() && File.Exists("/usr/bin/cc");

    public static async Task<string> CompileAsync(string name, string directory)
    {
        var shim = Path.Combine(directory, name + ".so");
        var source = Path.Combine(Repository.Root, "tests", "LlmCostCache.AI.TestSupport", name + ".c");
        using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"]);
        await compiler.WaitForExitAsync();
        Assert.Equal(0, compiler.ExitCode);
        return shim;
    }
}
