using System.Text;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Standard error, which may be closed, or go to a disk that is full: what nobody can be told changes neither the work nor the exit code.</summary>
internal sealed class ErrorOutput(TextWriter output) : TextWriter
{
    public override Encoding Encoding => output.Encoding;

    public override void Write(char value) => Try(() => output.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => output.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => output.Write(value));

    // A line is one write, so that lines of several threads do not mix.
    public override void WriteLine(string? value) => Try(() => output.WriteLine(value));

    public override void Flush() => Try(output.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception unheard) when (unheard is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // There is nobody left to say it to.
        }
    }
}
