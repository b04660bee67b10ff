using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class InheritedFilesTests
{
    /// <summary>A child that had the file open would keep its locks, and could lift ours by closing it.</summary>
    [Fact]
    public async Task A_process_that_is_started_inherits_no_file_of_the_ledger_or_the_cache()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Contains(Directory.GetFiles("/proc/self/fd").Select(Target), target => target.StartsWith(pipeline.Home, StringComparison.Ordinal));

        using var child = Process.Start(new ProcessStartInfo("ls", ["-l", "/proc/self/fd"]) { RedirectStandardOutput = true })!;
        var open = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();

        Assert.Contains("/proc/", open, StringComparison.Ordinal);
        Assert.DoesNotContain(pipeline.Home, open, StringComparison.Ordinal);
    }

    private static string Target(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName ?? "";
        }
        catch (IOException)
        {
            // Closed since.
            return "";
        }
    }
}
