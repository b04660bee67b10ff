using System.Diagnostics;
using Xunit.Abstractions;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>The real executable against a calculator that shares no code with it.</summary>
public class DifferentialTests(ITestOutputHelper log)
{
    [NodeFact]
    public async Task Every_difference_from_an_independent_calculator_has_a_checked_reason()
    {
        Assert.Null(NodeFactAttribute.Problem);
        var start = new ProcessStartInfo("node", ["compare.mjs", "dotnet", Path.Combine(AppContext.BaseDirectory, "llmcost.dll")])
        {
            WorkingDirectory = NodeFactAttribute.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LLMCOSTCACHE_HOME"] = Path.Combine(Path.GetTempPath(), "llmcost-tests", "no-such-home");
        start.Environment.Remove("LLMCOSTCACHE_PRICES");
        start.Environment.Remove("LLMCOSTCACHE_FX");
        using var process = Process.Start(start)!;

        var error = process.StandardError.ReadToEndAsync();
        var report = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        log.WriteLine(report);

        Assert.True(process.ExitCode == 0, report + await error);
        Assert.Contains(" 0 without a reason; 0 reasons without a difference; 0 differences that rates do not account for.", report, StringComparison.Ordinal);
    }
}
