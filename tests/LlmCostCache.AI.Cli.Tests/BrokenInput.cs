using System.Text;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>Input that cannot be read to its end.</summary>
internal sealed class BrokenInput(string text) : MemoryStream(Encoding.UTF8.GetBytes(text))
{
    public override int Read(byte[] buffer, int offset, int count) => Some(base.Read(buffer, offset, count));

    public override int Read(Span<byte> buffer) => Some(base.Read(buffer));

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Some(base.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Some(base.Read(buffer.Span));

    private static int Some(int read) => read > 0 ? read : throw new IOException("the line is dead");
}
