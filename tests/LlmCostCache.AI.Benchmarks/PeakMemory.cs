using System.Diagnostics;
using System.Globalization;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A child process: how long it took, how much of a processor, and how much memory it had at its most.</summary>
/// <remarks>The system itself keeps the most (VmHWM in /proc/PID/status on Linux, the peak working set on Windows) and is asked until the child has ended; where it keeps none, what is used at the moment is.</remarks>
internal sealed record PeakMemory(TimeSpan Took, TimeSpan Worked, long Bytes)
{
    private const int PollMilliseconds = 10;

    public static PeakMemory Of(string assembly, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        var watch = Stopwatch.StartNew();
        using var child = Process.Start(start)!;
        var said = child.StandardOutput.ReadToEndAsync();
        var wrong = child.StandardError.ReadToEndAsync();
        var (worked, most) = (TimeSpan.Zero, 0L);
        while (!child.WaitForExit(PollMilliseconds))
        {
            try
            {
                (worked, most) = (child.TotalProcessorTime, Math.Max(most, Most(child)));
            }
            catch (Exception gone) when (gone is InvalidOperationException or IOException)
            {
                // It ended between two looks.
            }
        }

        var took = watch.Elapsed;
        if (child.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {child.ExitCode}: {said.GetAwaiter().GetResult()}{wrong.GetAwaiter().GetResult()}");
        }

        return new(took, worked, most);
    }

    private static long Most(Process child)
    {
        if (OperatingSystem.IsLinux())
        {
            var line = File.ReadLines($"/proc/{child.Id}/status").FirstOrDefault(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(6).Trim(" \tkB"), CultureInfo.InvariantCulture) * 1024;
        }

        child.Refresh();
        return Math.Max(child.PeakWorkingSet64, child.WorkingSet64);
    }
}
