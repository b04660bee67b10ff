using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One answer on its way in, read by its leader and by those who asked the same meanwhile.</summary>
/// <remarks>
/// There is no pump: whoever has read everything fetches the next piece, for all. A reader that stops keeps nobody waiting, a lone reader reads at its own
/// pace, and the last one that leaves closes the stream. Everything is fetched in the execution context of the leader, whose call it is.
/// See docs/decisions/live-streams.md.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "The last reader to leave closes the stream; a source without timers and links holds nothing that needs disposing.")]
internal sealed class LiveStream
{
    private readonly Lock _lock = new();
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Reader> _readers = [];
    private readonly List<AdditionalPropertiesDictionary?> _costs = [];
    private readonly Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> _open;
    private readonly CachePolicy _policy;
    private readonly TimeProvider _time;
    private IAsyncEnumerator<ChatResponseUpdate>? _source;
    private TaskCompletionSource? _fetching;
    private StreamPiece? _start = StreamPiece.Start();
    private StreamPiece _last;
    private bool _closing;
    private bool _ended;

    /// <param name="open">Asks the provider.</param>
    /// <param name="policy">How much is kept of the answer, and what may be shared.</param>
    /// <param name="time">The clock.</param>
    public LiveStream(Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> open, CachePolicy policy, TimeProvider time)
    {
        (_open, _policy, _time) = (open, policy, time);
        _last = _start;
        Leader = new Reader(this, _start, isLeader: true);
        _readers.Add(Leader);
    }

    /// <summary>The reader of whoever asked; it gets the provider's own updates.</summary>
    public Reader Leader { get; }

    /// <summary>Whether pieces may be handed to others before the whole answer is known; else they wait for it.</summary>
    public bool IsLive { get; init; }

    /// <summary>What the cache does for the leader's question.</summary>
    public required CachePlan Plan { get; init; }

    /// <summary>The question that is answered; null when nobody waits for the answer.</summary>
    public CacheFlight? Flight { get; init; }

    /// <summary>Asked once, when the first piece has come: whether this is the answer to the question at all.</summary>
    public required Func<bool> IsAnswer { get; init; }

    /// <summary>Called once, in the leader's context, when the stream has ended and before its readers hear of it.</summary>
    public required Action<LiveStream> Ended { get; init; }

    /// <summary>What broke the stream; null when nothing did.</summary>
    public ExceptionDispatchInfo? Error { get; private set; }

    /// <summary>Whether the last reader left before the end.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>Whether the provider said all it had to say.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether anything has come.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>What the answer cost, for the rows of those who read along; null until it is known.</summary>
    public StoredAnswer? Bill { get; set; }

    /// <summary>The sum of what the meters further in said.</summary>
    public CallCost Cost => CostCarrier.Sum(_costs);

    /// <summary>The whole answer; null when it was too long to be kept, or something in it could not be copied.</summary>
    public ChatResponse? Whole()
    {
        if (_start is null)
            return null;

        var updates = new List<ChatResponseUpdate>();
        for (var piece = _start.Next; piece is not null; piece = piece.Next)
        {
            if (piece.Snapshot is null)
                return null;

            updates.Add(piece.Snapshot);
        }

        return updates.ToChatResponse();
    }

    /// <summary>A further reader, from the first piece on; null when there is nothing to read along any more.</summary>
    public Reader? TryJoin()
    {
        lock (_lock)
        {
            if (_closing || _ended || _start is null)
                return null;

            var reader = new Reader(this, _start, isLeader: false);
            _readers.Add(reader);
            return reader;
        }
    }

    private async ValueTask<StreamPiece?> NextAsync(Reader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            TaskCompletionSource? mine = null;
            Task fetching;
            lock (_lock)
            {
                if (reader.At is not { } at)
                {
                    // Nothing was shown that could not be taken back: it asks for itself.
                    if (!reader.HasRead)
                    {
                        reader.TurnAway();
                        return null;
                    }

                    throw new IOException("This reader of a shared stream fell behind by more than the cache may keep of an answer "
                        + $"({nameof(CostCachingChatClient.MaxAnswerBytes)}). Read faster, or ask again.");
                }

                if (at.Next is { } next)
                    return next;

                if (_ended)
                    return null;

                if (_fetching is null)
                    mine = _fetching = new(TaskCreationOptions.RunContinuationsAsynchronously);

                fetching = _fetching.Task;
            }

            if (mine is not null)
                RunInContext(static state => _ = state.Stream.FetchAsync(state.Done), (Stream: this, Done: mine));

            if (!fetching.IsCompleted)
            {
                // The leader waits as long as its client lets it; the others would wait for a stranger's call.
                await fetching.WaitAsync(reader.IsLeader ? Timeout.InfiniteTimeSpan : CacheFlight.Patience, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task FetchAsync(TaskCompletionSource done)
    {
        Flight?.SetLeading();
        var more = false;
        ExceptionDispatchInfo? error = null;
        try
        {
            _source ??= _open(_stop.Token).GetAsyncEnumerator(_stop.Token);
            more = await _source.MoveNextAsync().ConfigureAwait(false);
            if (more)
                Append(_source.Current);
            else
                IsComplete = true;
        }
        catch (Exception exception)
        {
            // Handed to every reader; none of them is here.
            error = ExceptionDispatchInfo.Capture(exception);
            more = false;
        }

        if (!more)
            await EndAsync(error).ConfigureAwait(false);

        lock (_lock)
        {
            _fetching = null;
        }

        done.SetResult();
    }

    private void Append(ChatResponseUpdate update)
    {
        var isUnfit = !HasBegun && !IsAnswer();
        var piece = StreamPiece.Of(update, _last.EndsAt, _policy);
        if (CostCarrier.IsIn(update.AdditionalProperties))
            _costs.Add(piece.Snapshot?.AdditionalProperties ?? update.AdditionalProperties);

        bool isLost;
        lock (_lock)
        {
            HasBegun = true;
            _last.Next = piece;
            _last = piece;
            isLost = _start is not null && (isUnfit || piece.EndsAt > _policy.MaxAnswerBytes);
            if (isLost)
                _start = null;

            if (_start is null)
                CutOffStragglers_NeedsLock(isUnfit);
        }

        if (isLost)
            Flight?.CompleteUnshareable();
    }

    // Pieces that everybody has read are free to go; a follower that reads too slowly must not keep an answer without end. The piece that comes next
    // for it does not count, however large: nobody can have read that faster.
    private void CutOffStragglers_NeedsLock(bool isUnfit)
    {
        foreach (var reader in _readers)
        {
            if (reader.IsLeader)
                continue;

            if (isUnfit)
                reader.TurnAway();
            else if (reader.At?.Next is { } next && _last.EndsAt - next.EndsAt > _policy.MaxAnswerBytes)
                reader.At = null;
        }
    }

    private async ValueTask EndAsync(ExceptionDispatchInfo? error)
    {
        try
        {
            if (_source is not null)
                await _source.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            error ??= ExceptionDispatchInfo.Capture(exception);
            IsComplete = false;
        }

        Error = error;
        try
        {
            Ended(this);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A log, or somebody who listens to our telemetry: other people's code. The answer is paid for, and its readers wait.
        }
        finally
        {
            lock (_lock)
            {
                _ended = true;
            }
        }
    }

    private async ValueTask LeaveAsync(Reader reader)
    {
        Task? fetching;
        lock (_lock)
        {
            if (!_readers.Remove(reader) || _readers.Count > 0 || _ended || _closing)
                return;

            _closing = true;
            IsAbandoned = true;
            fetching = _fetching?.Task;
        }

        // As when a lone reader leaves: the provider is told to stop, and what it has produced is counted before we return.
        await _stop.CancelAsync().ConfigureAwait(false);
        if (fetching is not null)
            await fetching.ConfigureAwait(false);

        lock (_lock)
        {
            if (_ended)
                return;
        }

        Task ending = Task.CompletedTask;
        RunInContext(static state => state.Assign(state.Stream.EndAsync(null).AsTask()), (Stream: this, Assign: new Action<Task>(task => ending = task)));
        await ending.ConfigureAwait(false);
    }

    private void RunInContext<T>(Action<T> action, T state)
    {
        if (_context is null)
            action(state);
        else
            ExecutionContext.Run(_context, static box => { var (run, with) = ((Action<T>, T))box!; run(with); }, (action, state));
    }

    /// <summary>One caller that reads the stream; disposing it leaves, and closes the stream when it was the last.</summary>
    public sealed class Reader : IAsyncDisposable
    {
        private readonly LiveStream _stream;

        internal Reader(LiveStream stream, StreamPiece start, bool isLeader)
        {
            (_stream, At, IsLeader) = (stream, start, isLeader);
        }

        public bool IsLeader { get; }

        /// <summary>Whether pieces may be handed on before the whole answer is known.</summary>
        public bool IsLive => _stream.IsLive;

        public LiveStream Stream => _stream;

        /// <summary>The piece read last; null when this reader fell too far behind. Changed under the stream's lock.</summary>
        internal StreamPiece? At { get; set; }

        public ChatResponseUpdate Current { get; private set; } = null!;

        /// <summary>Whether a follower was handed anything.</summary>
        public bool HasRead { get; private set; }

        /// <summary>Whether a follower that was handed nothing has to ask for itself.</summary>
        public bool IsTurnedAway { get; private set; }

        /// <summary>Fetches the next piece; false at the end, and for a follower that was handed nothing, also when the stream broke.</summary>
        public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                StreamPiece? piece;
                try
                {
                    piece = IsTurnedAway ? null : await _stream.NextAsync(this, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException) when (!IsLeader && !HasRead)
                {
                    IsTurnedAway = true;
                    return false;
                }

                if (piece is null)
                {
                    if (IsLeader || HasRead)
                        _stream.Error?.Throw();

                    return false;
                }

                Advance(piece);
                if (IsLeader)
                {
                    Current = piece.TakeOriginal();
                    return true;
                }

                if (!HasRead && (IsTurnedAway |= !piece.IsShareable))
                    return false;

                if (piece.CopyForFollower() is { } copy)
                {
                    Current = copy;
                    HasRead = true;
                    return true;
                }
            }
        }

        /// <summary>Fetches pieces for the others until <paramref name="landed"/> or the end.</summary>
        public async ValueTask DrainAsync(Task landed, CancellationToken cancellationToken)
        {
            while (!landed.IsCompleted && !IsTurnedAway && await _stream.NextAsync(this, cancellationToken).ConfigureAwait(false) is { } piece)
                Advance(piece);
        }

        public ValueTask DisposeAsync() => _stream.LeaveAsync(this);

        internal void TurnAway() => IsTurnedAway = true;

        private void Advance(StreamPiece piece)
        {
            lock (_stream._lock)
            {
                // Whoever was cut off meanwhile stays cut off.
                if (At is not null)
                    At = piece;
            }
        }
    }
}
