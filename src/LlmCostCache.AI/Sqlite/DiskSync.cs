using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlmCostCache.AI;

/// <summary>Brings a file to the disk, and says when that failed.</summary>
internal static class DiskSync
{
    /// <summary>Returns when everything that was written to the file before is on the disk.</summary>
    /// <remarks>
    /// On Unix <see cref="RandomAccess.FlushToDisk"/> of .NET 10 passes over a failed <c>fsync</c> without a word: its native part returns whether the call failed where the managed part expects a
    /// number below zero. The system's own error is still there to be read. Whatever flushes a stream that counts comes here for that.
    /// </remarks>
    /// <exception cref="IOException">Something is not on the disk, or nobody knows.</exception>
    public static void Sync(SafeFileHandle file)
    {
        Marshal.SetLastPInvokeError(0);
        RandomAccess.FlushToDisk(file);
        if (!OperatingSystem.IsWindows() && Marshal.GetLastPInvokeError() is not 0 and var error)
        {
            throw new IOException($"The disk did not take what was written: {Marshal.GetPInvokeErrorMessage(error)}.", error);
        }
    }
}
