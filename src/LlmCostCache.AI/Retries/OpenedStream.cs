using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A stream that has been read up to its first piece: as long as none was handed out, it can still be asked for again.</summary>
internal sealed class OpenedStream : IAsyncDisposable
{
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private bool _hasCurrent;

    private OpenedStream(IAsyncEnumerator<ChatResponseUpdate> updates, bool hasCurrent)
    {
        _updates = updates;
        _hasCurrent = hasCurrent;
    }

    public ChatResponseUpdate Current => _updates.Current;

    /// <summary>Opens a stream. When it fails before its first piece it is closed again.</summary>
    public static async ValueTask<OpenedStream> OpenAsync(IAsyncEnumerable<ChatResponseUpdate> stream, CancellationToken cancellationToken)
    {
        var updates = stream.GetAsyncEnumerator(cancellationToken);
        try
        {
            return new OpenedStream(updates, await updates.MoveNextAsync());
        }
        catch
        {
            await updates.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next piece, the first time the one that was read on opening.</summary>
    public ValueTask<bool> MoveNextAsync()
    {
        if (_hasCurrent)
        {
            _hasCurrent = false;
            return ValueTask.FromResult(true);
        }

        return _updates.MoveNextAsync();
    }

    public ValueTask DisposeAsync() => _updates.DisposeAsync();
}
