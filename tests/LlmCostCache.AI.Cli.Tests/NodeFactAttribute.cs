using System.ComponentModel;
using System.Diagnostics;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A test that needs Node.js and a package of npm; skipped with the reason without them unless LLMCOSTCACHE_REQUIRE_SERVERS=1 demands everything.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_problem = new(Install);

    public NodeFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("LLMCOSTCACHE_REQUIRE_SERVERS") != "1")
        {
            Skip = Problem;
        }
    }

    /// <summary>Where the scripts and their package are: a copy of tests/Differential, so that the source tree stays as it is.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Differential");

    /// <summary>Why the test cannot run; null when it can.</summary>
    public static string? Problem => s_problem.Value;

    private static string? Install()
    {
        // npm writes this file last.
        if (File.Exists(Path.Combine(Folder, "node_modules", ".package-lock.json")))
        {
            return null;
        }

        try
        {
            var npm = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";
            var start = new ProcessStartInfo(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]) { WorkingDirectory = Folder, RedirectStandardError = true };
            start.RedirectStandardOutput = true;
            using var process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"npm ci in tests/Differential failed: {error.Trim()}";
        }
        catch (Win32Exception)
        {
            return "Node.js 20 or newer with npm is not installed";
        }
    }
}
