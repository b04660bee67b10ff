namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>Cuts a stream into lines without ever holding more than one that is longer than the buffer.</summary>
internal sealed class LineReader(Stream input)
{
    /// <summary>The longest line that is read; a longer one is passed over.</summary>
    public const int MaxLength = 1 << 20;

    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _passingOver;
    private bool _ended;

    /// <summary>The next line that is already here, without its end. It is valid until the next call.</summary>
    /// <param name="line">The line; empty when it was too long.</param>
    /// <param name="isTooLong">Whether the line was passed over.</param>
    public bool TryTake(out ReadOnlyMemory<byte> line, out bool isTooLong)
    {
        var here = _buffer.AsMemory(_start, _end - _start);
        var length = here.Span.IndexOf((byte)'\n');
        if (length < 0 && _ended && (here.Length > 0 || _passingOver))
        {
            length = here.Length;
        }

        (line, isTooLong) = (default, false);
        if (length >= 0)
        {
            _start = Math.Min(_end, _start + length + 1);
            isTooLong = _passingOver || length > MaxLength;
            line = isTooLong ? default : here[..length];
            _passingOver = false;
            return true;
        }

        if (here.Length > MaxLength)
        {
            _passingOver = true;
            (_start, _end) = (0, 0);
        }

        return false;
    }

    /// <summary>Waits for more.</summary>
    /// <returns>False when there is no more and nothing is left to take.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_ended)
        {
            return false;
        }

        var left = _end - _start;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, left).CopyTo(_buffer);
            (_start, _end) = (0, left);
        }
        else if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        // A read of the console does not listen to its token; the wait does.
        var read = await input.ReadAsync(_buffer.AsMemory(_end), cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        _ended = read == 0;
        _end += read;
        return true;
    }
}
