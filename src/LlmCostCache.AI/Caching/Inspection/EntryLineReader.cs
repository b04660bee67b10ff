namespace LlmCostCache.AI;

/// <summary>Cuts a stream into lines, and passes over what is longer than any entry without ever holding it.</summary>
internal sealed class EntryLineReader(Stream source)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>The next line without its end, valid until the next call; null when there is none. Empty with <c>IsTooLong</c> for one that was passed over.</summary>
    public async ValueTask<(ReadOnlyMemory<byte> Line, bool IsTooLong)?> ReadAsync(CancellationToken cancellationToken)
    {
        var isTooLong = false;
        var looked = 0;
        while (true)
        {
            var place = _buffer.AsSpan(_start + looked, _end - _start - looked).IndexOf((byte)'\n');
            if (place >= 0 || (_ended && (_end > _start || isTooLong)))
            {
                var length = place >= 0 ? looked + place : _end - _start;
                var line = _buffer.AsMemory(_start, length);
                _start = Math.Min(_end, _start + length + 1);
                return isTooLong ? (default, true) : (line, false);
            }

            if (_ended)
            {
                return null;
            }

            looked = _end - _start;
            if (looked > EntryLine.MaxBytes)
            {
                isTooLong = true;
                looked = _start = _end = 0;
            }

            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        var left = _end - _start;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, left).CopyTo(_buffer);
            (_start, _end) = (0, left);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        var read = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _ended = read == 0;
        _end += read;
    }
}
