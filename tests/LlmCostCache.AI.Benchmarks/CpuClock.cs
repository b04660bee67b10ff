using System.Runtime.InteropServices;
using Perfolizer.Horology;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>The processor time of a thread or of the process. Where the system has no such clock, the one on the wall.</summary>
internal sealed partial class CpuClock : IClock
{
    private const int Process = 2;
    private const int Thread = 3;

    private readonly int _id;

    private CpuClock(int id, string title)
    {
        _id = id;
        Title = title;
    }

    public static IClock OfThread { get; } = OperatingSystem.IsLinux() ? new CpuClock(Thread, "thread CPU time") : Chronometer.BestClock;

    public static IClock OfProcess { get; } = OperatingSystem.IsLinux() ? new CpuClock(Process, "process CPU time") : Chronometer.BestClock;

    public string Title { get; }

    public bool IsAvailable => true;

    public Frequency Frequency { get; } = new(1_000_000_000);

    public long GetTimestamp() =>
        ClockGetTime(_id, out var time) == 0 ? (time.Seconds * 1_000_000_000L) + time.Nanoseconds : throw new InvalidOperationException($"The clock '{Title}' cannot be read.");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Timespec
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
