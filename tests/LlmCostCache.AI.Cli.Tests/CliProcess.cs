using System.Diagnostics;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>The real executable with real pipes, without a home, price files or rates of its surroundings.</summary>
internal static class CliProcess
{
    public static string Assembly => Path.Combine(AppContext.BaseDirectory, "llmcost.dll");

    public static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }

    public static Process Start(params string[] args) => Start(["dotnet"], args);

    public static Process Start(string[] program, params string[] args)
    {
        var start = new ProcessStartInfo(program[0], [.. program[1..], Assembly, .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LLMCOSTCACHE_HOME"] = Path.Combine(Path.GetTempPath(), "llmcost-tests", "no-such-home");
        start.Environment.Remove("LLMCOSTCACHE_PRICES");
        start.Environment.Remove("LLMCOSTCACHE_FX");
        start.Environment.Remove(SaidTime.Variable);
        return Process.Start(start)!;
    }
}
