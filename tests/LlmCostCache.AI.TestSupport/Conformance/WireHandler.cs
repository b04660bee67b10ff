using System.Net;
using System.Net.Http.Headers;

namespace LlmCostCache.AI;

/// <summary>Answers every request with the same bytes, cut into pieces as a network may cut them.</summary>
public sealed class WireHandler(WireReply reply) : HttpMessageHandler
{
    /// <summary>How many bytes arrive at a time.</summary>
    public int PieceBytes { get; set; } = int.MaxValue;

    public string LineEnd { get; set; } = "\n";

    public bool WithComments { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is { } content)
        {
            await content.LoadIntoBufferAsync(cancellationToken);
        }

        var body = new PiecewiseStream(reply.Bytes(LineEnd, WithComments), PieceBytes, reply.Ending == ScriptedEnding.Cut);
        return new HttpResponseMessage((HttpStatusCode)reply.Status)
        {
            RequestMessage = request,
            Content = new StreamContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(reply.ContentType) } },
        };
    }

    /// <summary>Not seekable, as a network is not: clients look at the position otherwise.</summary>
    private sealed class PiecewiseStream(byte[] bytes, int piece, bool cut) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(Math.Min(piece, buffer.Length), bytes.Length - _position);
            if (count == 0 && cut && buffer.Length > 0)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The response ended prematurely.");
            }

            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return ValueTask.FromResult(Read(buffer.Span));
            }
            catch (HttpIOException lost)
            {
                return ValueTask.FromException<int>(lost);
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
