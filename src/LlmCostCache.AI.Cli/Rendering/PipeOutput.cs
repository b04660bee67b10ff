using System.Runtime.InteropServices;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>
/// Standard output that notices when its reader has gone, as in <c>llmcost watch | head</c>. The stream of .NET's console passes over a broken pipe in silence, so a command
/// would work on, some of them for ever, for nobody.
/// </summary>
/// <remarks>On Windows the console's stream cannot be asked, and work goes on until it is done.</remarks>
internal sealed class PipeOutput(Stream output) : Stream
{
    private const int StandardOutput = 1;

    /// <summary>POLLERR is what Linux says of a pipe without a reader, POLLHUP what macOS says, and both of a socket.</summary>
    private const short Gone = 0x0008 | 0x0010;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush() => output.Flush();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        RequireReader();
        try
        {
            output.Write(buffer);
        }
        catch (UnauthorizedAccessException closed)
        {
            throw Closed(closed);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RequireReader();
        try
        {
            await output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException closed)
        {
            throw Closed(closed);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // What .NET makes of a descriptor that is not open, or not for writing.
    private static IOException Closed(UnauthorizedAccessException refusal) => new("standard output is closed.", refusal);

    /// <exception cref="ReaderGoneException">Nobody reads any more.</exception>
    private static void RequireReader()
    {
        var asked = new Asked { Descriptor = StandardOutput };
        if (!OperatingSystem.IsWindows() && Poll(ref asked, 1, 0) > 0 && (asked.Happened & Gone) != 0)
        {
            throw new ReaderGoneException();
        }
    }

    [DllImport("libc", EntryPoint = "poll", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref Asked asked, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct Asked
    {
        public int Descriptor;
        public short Wanted;
        public short Happened;
    }
}
