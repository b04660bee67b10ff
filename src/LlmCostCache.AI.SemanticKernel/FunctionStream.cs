using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace LlmCostCache.AI;

/// <summary>
/// A streamed function. Nothing of it has run when the function filter returns: the prompt is rendered and the model asked while the stream is read, long after
/// the filter's scope is gone. So each step enters the scope anew, and the bookkeeping happens when the reader is done or has left.
/// </summary>
internal sealed class FunctionStream
{
    private static readonly MethodInfo s_read = typeof(FunctionStream).GetMethod(nameof(ReadAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private readonly FunctionCall _call;
    private readonly bool _isBlind;
    private StreamReading? _round;
    private string? _roundId;
    private bool _isConnectors;
    private bool _hadRound;
    private bool _asksAgain;
    private long? _startedAt;
    private List<ChatResponseUpdate>? _kept;
    private CallCost? _cost;
    private ChatResponseUpdate? _last;

    private FunctionStream(FunctionCall call, Type item)
    {
        _call = call;
        _isBlind = item == typeof(string) || item == typeof(byte[]);
        CanReplay = item == typeof(string) || item == typeof(StreamingKernelContent)
            || item == typeof(StreamingChatMessageContent) || item == typeof(ChatResponseUpdate);
    }

    /// <summary>Whether an answer from the cache can be given as items of this stream.</summary>
    public bool CanReplay { get; }

    /// <summary>The result with its stream inside the scope of <paramref name="call"/>. The caller asked for exactly this type of items, so the wrapper has it too.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The interfaces of an object that exists are those its stream is read through.")]
    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The method is referenced here and has no requirements on its type.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Reference types share code; streams of values are left alone where code cannot be made.")]
    public static FunctionResult Wrap(FunctionResult result, FunctionCall call)
    {
        var stream = result.GetValue<object>();
        var item = stream?.GetType().GetInterfaces()
            .FirstOrDefault(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>))?.GenericTypeArguments[0];
        if (item is null || (item.IsValueType && !RuntimeFeature.IsDynamicCodeSupported))
        {
            return result;
        }

        call.Stream = new FunctionStream(call, item);
        return new FunctionResult(result, s_read.MakeGenericMethod(item).Invoke(call.Stream, [stream, CancellationToken.None]));
    }

    /// <summary>A round ended because the model asked for functions.</summary>
    /// <returns>Whether it was recorded here.</returns>
    public async ValueTask<bool> EndRoundAsync(KernelAnswer answer)
    {
        if (answer.IsMetered(_isConnectors ? null : _call.Watch))
        {
            return false;
        }

        if (_round is null && _isBlind)
        {
            Begin();
        }

        if (_round is { } round)
        {
            round.End();
            await RecordAsync(round, answer).ConfigureAwait(false);
        }

        _asksAgain = true;
        return true;
    }

    private async IAsyncEnumerable<T> ReadAsync<T>(IAsyncEnumerable<T> source, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = _call;
        try
        {
            var items = source.GetAsyncEnumerator(cancellationToken);
            await using (items.ConfigureAwait(false))
            {
                while (await MoveNextAsync(items).ConfigureAwait(false))
                {
                    var item = items.Current;
                    await NoteAsync(item).ConfigureAwait(false);
                    yield return item;
                }
            }

            _round?.End();
        }
        finally
        {
            // Reached at the end, after an exception, and when the reader leaves early: a provider bills what it has produced in each case.
            if (_round is { } round)
            {
                await RecordAsync(round, null).ConfigureAwait(false);
            }
            else if (!_hadRound && _call.Request is not null && _call.Answer is null)
            {
                Begin();
                await RecordAsync(_round!, null).ConfigureAwait(false);
            }
        }

        if (_call.Answer is { } answer)
        {
            foreach (var item in answer.ToItems<T>())
            {
                yield return item;
            }
        }
        else
        {
            Keep();
            if (_call.WhyNotCached is { } reason && _last is { } last && typeof(T) == typeof(ChatResponseUpdate))
                yield return (T)(object)ChatMessages.TrailingBypass(CallToken.NewId(), reason, last);
        }

        _call.ThrowIfRefused();
    }

    private async ValueTask<bool> MoveNextAsync<T>(IAsyncEnumerator<T> items)
    {
        try
        {
            return await _call.RunAsync(items.MoveNextAsync).ConfigureAwait(false);
        }
        catch (AnsweredFromCacheException) when (_call.Answer is not null)
        {
            return false;
        }
        catch (Exception exception)
        {
            if (_round is { } round)
            {
                round.Break(exception);
            }
            else if (!_hadRound || _asksAgain)
            {
                (_hadRound, _asksAgain) = (true, false);
                await _call.FailAsync(exception).ConfigureAwait(false);
            }

            throw;
        }
    }

    private async ValueTask NoteAsync(object? item)
    {
        if (_call.Request is null || KernelAnswer.ToUpdate(item, out var isConnectors) is not { } update)
        {
            return;
        }

        _last = update;
        _isConnectors |= isConnectors;
        if (_call.Cache is not null)
        {
            (_kept ??= []).Add(update);
        }

        // What functions answered, and an id of its own, stand between two rounds that no filter saw end. Azure's first piece has an empty id.
        var id = string.IsNullOrEmpty(update.ResponseId) ? _roundId : update.ResponseId;
        var isOther = update.Role == ChatRole.Tool || (_roundId is not null && id != _roundId);
        if (isOther && _round is { } ended)
        {
            ended.End();
            await RecordAsync(ended, null).ConfigureAwait(false);
        }

        _asksAgain = update.Role == ChatRole.Tool;
        if (!_asksAgain)
        {
            (_round ?? Begin()).Read(update);
            _roundId = id;
        }
    }

    private StreamReading Begin()
    {
        var time = _call.Costs.Options.TimeProvider;
        _startedAt ??= _call.Request!.StartedAt;
        _hadRound = true;
        return _round = new StreamReading(time, _startedAt.Value);
    }

    private async ValueTask RecordAsync(StreamReading round, KernelAnswer? answer)
    {
        var request = _call.Request!;
        var startedAt = _startedAt!.Value;
        (_round, _roundId, _startedAt) = (null, null, _call.Costs.Options.TimeProvider.GetTimestamp());
        if (!_isConnectors && _call.Watch.Saw)
        {
            request.Service.Learn(_call.Watch);
            return;
        }

        var facts = round.Facts(_call.Costs.Meter.Usage, _isConnectors ? request.Client with { IsKnown = false } : request.Client);
        if (facts.Usage is null && answer?.Usage is not null)
        {
            facts = answer.Facts(request, _call.Costs.Meter.Usage) with { OutputBytes = facts.OutputBytes, TimeToFirstChunk = facts.TimeToFirstChunk };
        }
        else if (_isBlind && round.HasEnded)
        {
            // A stream of text shows neither usage nor why it ended; that it ended is all there is to see.
            facts = facts with { IsIncomplete = false };
        }

        _cost = await _call.RecordAsync(request, facts, startedAt, streamed: true, aggregated: false).ConfigureAwait(false);
    }

    private void Keep()
    {
        if (_call.Cache is not null && _kept is { } updates)
        {
            var response = updates.ToChatResponse();
            var isText = response.Messages.Count == 1 && response.Messages[0].Contents.All(content => content is Microsoft.Extensions.AI.TextContent or UsageContent);
            var answer = new KernelAnswer
            {
                Model = response.ModelId,
                ResponseId = response.ResponseId,
                FinishReason = response.FinishReason?.Value,
                Text = response.Text,
                IsText = isText,
            };
            _call.Keep(answer, _cost ?? _call.Watch.Cost);
        }
    }
}
